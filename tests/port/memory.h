/* What tests of shared memory ask of the memory of their world (memory.c). */
#pragma once
#include "kernel/ipc/port.h"

/* fork(2) of one mapping: another one of the same segment. => its address. */
MUST_CHECK s64 port_mapping_fork(s64 at);
/* Bytes that are charged to anybody. */
u64 port_memlock_charged(void);
