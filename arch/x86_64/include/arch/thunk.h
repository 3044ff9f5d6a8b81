/*
 * Calls that keep registers: for the rare branch of an inline function, so that its users, which often call nothing else, save
 * no registers for it. The thunks are in thunk.S.
 */
#pragma once
#include "kernel/lib/compiler.h"

/* => the result of a function without arguments, through its thunk. */
#define CALL_KEEPING_REGISTERS(thunk)                                                              \
	({                                                                                         \
		u64 result_;                                                                       \
		__asm__ volatile("call " #thunk : "=a"(result_) : : "memory", "cc");               \
		result_;                                                                           \
	})
