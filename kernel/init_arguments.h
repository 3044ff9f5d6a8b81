/*
 * What the command line means for process 1, as Linux has it (bootparam(7)): words after "--" and words that
 * nobody here knows are arguments of init; unknown name=value words are its environment.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct init_arguments {
	const char *const *paths; /* programs to try, in order */
	const char *const *argv, *const *envp;
};
const struct init_arguments *init_arguments(void);
