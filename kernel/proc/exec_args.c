#include "arch/uaccess.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/rlimit.h"

enum { STRING_MAX = 32 * 4096, ARGS_MIN = 131072, ARGS_MAX = 6 << 20, FIRST_SIZE = 4096 };

void exec_args_free(struct exec_args *a)
{
	kvfree(TAKE(a->text));
}

static int args_grow(struct exec_args *a, size_t need)
{
	size_t size = MAX(a->size * 2, (size_t)FIRST_SIZE);

	while (size < need)
		size *= 2;
	char *bigger = size <= FIRST_SIZE ? kmalloc(size) : kvzalloc(size);
	if (!bigger)
		return -ENOMEM;
	memcpy(bigger, a->text, a->used);
	kvfree(a->text);
	a->text = bigger;
	a->size = size;
	return 0;
}

/* Do strings and vectors fit? Each string costs its pointer, too. */
static int args_check(const struct exec_args *a)
{
	size_t pointers = (MAX(a->argc, 1u) + (size_t)a->envc) * sizeof(u64);

	return a->used > a->limit || pointers > a->limit - a->used ? -E2BIG : 0;
}

int exec_args_append(struct exec_args *a, const char *string)
{
	size_t n = strlen(string) + 1;

	if (n > STRING_MAX)
		return -E2BIG;
	if (a->used + n > a->size)
		TRY(args_grow(a, a->used + n));
	memcpy(a->text + a->used, string, n);
	a->used += n;
	return args_check(a);
}

static int append_user(struct exec_args *a, uptr_t from)
{
	for (;;) {
		size_t room = MIN(a->size - a->used, (size_t)STRING_MAX);
		ssize n = room ? strncpy_from_user(a->text + a->used, from, room) : -ENAMETOOLONG;
		if (n >= 0) {
			a->used += n + 1;
			return args_check(a);
		}
		if (n != -ENAMETOOLONG)
			return n;
		if (room == STRING_MAX || a->used + room > a->limit)
			return -E2BIG;
		TRY(args_grow(a, a->size + 1));
	}
}

/* => 1 appended, 0 end of the vector, or -errno */
static int append_next(struct exec_args *a, const struct exec_strings *from, u32 index)
{
	u64 pointer;

	if (from->kernel) {
		if (!from->kernel[index])
			return 0;
		TRY(exec_args_append(a, from->kernel[index]));
		return 1;
	}
	if (uptr_null(from->user))
		return 0;
	TRY(copy_from_user(&pointer, uptr_add(from->user, index * sizeof(pointer)),
	                   sizeof(pointer)));
	if (!pointer)
		return 0;
	TRY(append_user(a, UPTR(pointer)));
	return 1;
}

static int append_vector(struct exec_args *a, const struct exec_strings *from, u32 *count)
{
	for (int more; (more = append_next(a, from, *count)); ++*count)
		if (more < 0)
			return more;
	return 0;
}

int exec_args_read(struct exec_args *a, const struct exec_strings *argv,
                   const struct exec_strings *envp)
{
	/* execve(2): a quarter of the stack limit, at least 128 KiB, at most three quarters of 8 MiB. */
	a->limit = MAX(MIN(rlimit(RLIMIT_STACK) / 4, (u64)ARGS_MAX), (u64)ARGS_MIN);
	TRY(args_grow(a, FIRST_SIZE));
	TRY(append_vector(a, argv, &a->argc));
	if (!a->argc) { /* a program may rely on argv[0], CVE-2021-4034 */
		TRY(exec_args_append(a, ""));
		a->argc = 1;
	}
	return append_vector(a, envp, &a->envc);
}

int exec_args_prepend(struct exec_args *a, const char *const *strings, u32 count)
{
	size_t first = strlen(a->text) + 1, n = 0;

	for (u32 i = 0; i < count; i++)
		n += strlen(strings[i]) + 1;
	if (a->used - first + n > a->size)
		TRY(args_grow(a, a->used - first + n));
	memmove(a->text + n, a->text + first, a->used - first);
	char *to = a->text;
	for (u32 i = 0; i < count; i++) {
		size_t length = strlen(strings[i]) + 1;
		memcpy(to, strings[i], length);
		to += length;
	}
	a->used += n - first;
	a->argc += count - 1;
	return args_check(a);
}
