#include "kernel/init_arguments.h"
#include "arch/boot.h"
#include "kernel/lib/string.h"

enum { WORDS_MAX = 64, TEXT_SIZE = 4096, WORD_SIZE = 1024 };

/* Ours, and those of Linux that are commonly given and mean nothing here. */
static const char *const kernel_words[] = {
	"init",
	"rdinit",
	"quiet",
	"selftest",
	"panic",
	"console",
	"mitigations",
	"loglevel",
	"debug",
	"root",
	"ro",
	"rw",
	"tsc",
	"nosmp",
	"maxcpus",
	"earlyprintk",
	"initrd",
	"noapic",
	"acpi",
	"apic",
	"nokaslr",
	"splash",
	"clocksource",
	"preempt",
	"lsm",
	"audit",
	"apparmor",
	"init_on_alloc",
	"randomize_kstack_offset",
	"hardened_usercopy",
};

static char text[TEXT_SIZE]; /* the words that are kept */
static size_t text_used;
static char init_path[256], rdinit_path[256];
static const char *paths[8], *argv[WORDS_MAX + 2], *envp[WORDS_MAX + 3] = {"HOME=/", "TERM=linux"};
static u32 argc = 1, envc = 2;

static bool is_kernel_word(const char *word)
{
	size_t name = strchr(word, '=') ? (size_t)(strchr(word, '=') - word) : strlen(word);
	if (memchr(word, '.', name))
		return true; /* a module's parameter */
	for (u32 i = 0; i < ARRAY_SIZE(kernel_words); i++) {
		if (strlen(kernel_words[i]) == name && strncmp(word, kernel_words[i], name) == 0)
			return true;
	}
	return false;
}

static const char *keep(const char *word)
{
	size_t n = strlen(word) + 1;
	if (n > TEXT_SIZE - text_used)
		return NULL;
	char *copy = memcpy(text + text_used, word, n);
	text_used += n;
	return copy;
}

static void add_argument(const char *word)
{
	const char *kept = argc <= WORDS_MAX ? keep(word) : NULL;
	if (kept)
		argv[argc++] = kept;
}

/* A later NAME=value replaces an earlier one. */
static void add_environment(const char *word)
{
	size_t name = (size_t)(strchr(word, '=') - word) + 1;
	const char *kept = keep(word);
	u32 i = 0;
	while (i < envc && strncmp(envp[i], word, name) != 0)
		i++;
	if (!kept || i == WORDS_MAX)
		return;
	envp[i] = kept;
	envc = MAX(envc, i + 1);
}

static void scan_words(void)
{
	const char *at = boot_info.command_line ?: "";
	char word[WORD_SIZE];
	bool after_dashes = false;
	while (boot_word(&at, word, sizeof(word))) {
		if (after_dashes)
			add_argument(word);
		else if (strcmp(word, "--") == 0)
			after_dashes = true;
		else if (is_kernel_word(word))
			continue;
		else if (strchr(word, '='))
			add_environment(word);
		else
			add_argument(word);
	}
}

const struct init_arguments *init_arguments(void)
{
	static const struct init_arguments arguments = {paths, argv, envp};
	u32 n = 0;
	if (boot_option("rdinit", rdinit_path, sizeof(rdinit_path)))
		paths[n++] = rdinit_path;
	if (boot_option("init", init_path, sizeof(init_path)))
		paths[n++] = init_path;
	if (!n)
		paths[n++] = "/init";
	paths[n++] = "/sbin/init";
	paths[n++] = "/bin/sh";
	argv[0] = paths[0];
	scan_words();
	return &arguments;
}
