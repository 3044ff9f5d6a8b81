/*
 * execve(2).
 *
 * The new image is built whole beside the old one: file opened and checked, scripts followed, arguments
 * copied, segments mapped into a fresh address space, stack written, credentials computed. All of that may fail
 * and leaves no trace. Then the process becomes single-threaded (which only a fatal signal can prevent), and from
 * there nothing fails: the address space, credentials, signal actions and name are exchanged.
 *
 *	open -> #! ... -> arguments -> segments -> stack -> credentials -> alone ==> exchange -> user space
 *	       (fallible, undone by scope)                                      (infallible)
 *
 * What can fail: what execve(2) lists; E2BIG and ENOEXEC with the limits of Linux.
 */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

struct file;
struct aspace;

/* Argument or environment strings: user pointers, or the kernel's own for process 1. */
struct exec_strings {
	uptr_t user;
	const char *const *kernel;
};

/* Runs `file` (reference taken over) under the name `name` in the current process; on success the registers are those
 * of the new program. => 0 or -errno. */
MUST_CHECK int exec_file(struct file *file, const char *name, const struct exec_strings *argv,
                         const struct exec_strings *envp);

/* --- exec_args.c: the strings, argv first, then envp, each terminated --- */

struct exec_args {
	char *text;
	size_t used, size;
	size_t limit; /* strings and pointers together, execve(2) "Limits on size of arguments and environment" */
	u32 argc, envc;
};
MUST_CHECK int exec_args_read(struct exec_args *a, const struct exec_strings *argv,
                              const struct exec_strings *envp);
/* Scripts: argv[0] is replaced by `count` strings. */
MUST_CHECK int exec_args_prepend(struct exec_args *a, const char *const *strings, u32 count);
MUST_CHECK int exec_args_append(struct exec_args *a, const char *string);
void exec_args_free(struct exec_args *a);

/* "#! interpreter [argument]": splits a terminated header in place; out_argument NULL: none. A name that does not end
 * within the header is not executable (-ENOEXEC); a cut-off argument is passed cut off, execve(2). */
enum { EXEC_HEADER = 256 };
MUST_CHECK int exec_script_parse(char *header, char **out_name, char **out_argument);

/* --- exec_elf.c: segments --- */

struct exec_image {
	u64 entry; /* where to start: the program's or its interpreter's */
	u64 program_entry, interpreter_base;
	u64 headers; /* AT_PHDR */
	u32 header_count;
	bool executable_stack;
};
/* Maps the program in `f` and its interpreter; header: the file's first EXEC_HEADER bytes. => 0, -ENOEXEC ... */
MUST_CHECK int exec_elf_load(struct aspace *as, struct file *f, const void *header,
                             struct exec_image *out);

/* --- exec_stack.c --- */

struct exec_identity {
	u32 uid, euid, gid, egid;
	bool secure;
};
/* Maps the stack and lays out strings, vectors and auxv. => 0 and the stack pointer. */
MUST_CHECK int exec_stack_build(struct aspace *as, const struct exec_args *args, const char *name,
                                const struct exec_image *image, const struct exec_identity *id,
                                u64 *out_sp);
/* Chooses where stack and mappings go in a fresh address space: ASLR, unless personality(2) forbids. */
void exec_layout_choose(struct aspace *as, u64 stack_limit);
