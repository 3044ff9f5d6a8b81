/* The kernel's command line: words, with "double quotes" around spaces, up to "--". */
#include "arch/boot.h"
#include "kernel/lib/string.h"

/* => the word after *at, unquoted, into buf; false at the end. */
bool boot_word(const char **at, char *buf, size_t size)
{
	const char *p = *at;
	size_t n = 0;
	bool quoted = false;
	while (*p == ' ')
		p++;
	if (!*p)
		return false;
	for (; *p && (quoted || *p != ' '); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (n + 1 < size)
			buf[n++] = *p;
	}
	buf[n] = 0;
	*at = p;
	return true;
}

bool boot_option(const char *name, char *buf, size_t size)
{
	const char *at = boot_info.command_line ?: "";
	char word[256];
	size_t length = strlen(name);
	bool found = false;
	while (boot_word(&at, word, sizeof(word)) && strcmp(word, "--") != 0) {
		if (strncmp(word, name, length) != 0 || (word[length] && word[length] != '='))
			continue;
		strlcpy(buf, word[length] ? word + length + 1 : "", size);
		found = true; /* the last one counts */
	}
	return found;
}
