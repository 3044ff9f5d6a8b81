/* Types of kernel/ipc/port.h that are the same in all worlds of tests, and how each allocation or copy is made to fail. */
#pragma once

struct port_defer {
	struct port_defer *next;
	void (*fn)(struct port_defer *d);
};
struct port_io { /* memory of the test */
	char *base;
	size_t left;
};

/* The body runs with the first fault, with the second, ..., until it runs without. */
#define EACH_FAULT(set_fault, happened)                                                            \
	for (unsigned fault_n = 1, fault_more = 1; fault_more;                                     \
	     fault_more = happened(), set_fault(0), fault_n++)                                     \
		if ((set_fault(fault_n), true))
