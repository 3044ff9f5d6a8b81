#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/exec.h"

struct script_case {
	const char *text, *name, *argument;
	int err;
};

TEST(script_lines_split_like_linux)
{
	static const struct script_case cases[] = {
		{"#!/bin/sh\necho", "/bin/sh", NULL, 0},
		{"#! /bin/sh\n", "/bin/sh", NULL, 0},
		{"#!\t/bin/sh  \t\n", "/bin/sh", NULL, 0},
		{"#!/usr/bin/env perl -w \n", "/usr/bin/env", "perl -w", 0},
		{"#!/bin/sh", "/bin/sh", NULL, 0},
		{"#!/bin/sh -x", "/bin/sh", "-x", 0},
		{"#!\n", NULL, NULL, -ENOEXEC},
		{"#!   \n", NULL, NULL, -ENOEXEC},
		{"#!", NULL, NULL, -ENOEXEC},
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		char header[EXEC_HEADER + 1] = {0};
		char *name = NULL, *argument = NULL;
		strlcpy(header, cases[i].text, sizeof(header));
		CHECK_EQ(exec_script_parse(header, &name, &argument), cases[i].err);
		if (cases[i].err)
			continue;
		CHECK_EQ(strcmp(name, cases[i].name), 0);
		CHECK_EQ(!argument, !cases[i].argument);
		if (argument && cases[i].argument)
			CHECK_EQ(strcmp(argument, cases[i].argument), 0);
	}
}

TEST(script_name_cut_off_by_the_header_is_not_executable)
{
	char header[EXEC_HEADER + 1] = {0};
	char *name, *argument;

	memset(header, 'x', EXEC_HEADER);
	memcpy(header, "#!/", 3);
	CHECK_EQ(exec_script_parse(header, &name, &argument), -ENOEXEC);
	memcpy(header, "#!/a b", 6); /* a cut-off argument is fine */
	CHECK_EQ(exec_script_parse(header, &name, &argument), 0);
	CHECK_EQ(strcmp(name, "/a"), 0);
}

TEST(script_replaces_first_argument)
{
	const char *strings[] = {"/bin/sh", "-x", "./script"};
	struct exec_args a = {.limit = 4096};

	CHECK_EQ(exec_args_append(&a, "script"), 0);
	CHECK_EQ(exec_args_append(&a, "one"), 0);
	a.argc = 2;
	CHECK_EQ(exec_args_append(&a, "HOME=/"), 0);
	a.envc = 1;
	CHECK_EQ(exec_args_prepend(&a, strings, 3), 0);
	static const char want[] = "/bin/sh\0-x\0./script\0one\0HOME=/";
	CHECK_EQ(a.argc, 4);
	CHECK_EQ(a.used, sizeof(want));
	CHECK_EQ(memcmp(a.text, want, sizeof(want)), 0);
	exec_args_free(&a);
}

TEST(arguments_beyond_the_limit_are_too_big)
{
	struct exec_args a = {.limit = 64};

	CHECK_EQ(exec_args_append(&a, "0123456789012345678901234567890123456789"), 0);
	CHECK_EQ(exec_args_append(&a, "0123456789012345678901234567890123456789"), -E2BIG);
	exec_args_free(&a);
}
