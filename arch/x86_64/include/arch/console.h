/*
 * The serial port, ttyS0. Output is polled and works before anything else does; input arrives by
 * interrupt into a ring that the tty drains in its softirq.
 */
#pragma once
#include "kernel/lib/compiler.h"

void serial_write(const char *s, size_t n); /* any context; caller serialises */
/* Boot, when the tty listens: input from now on, on this processor. */
void serial_enable_input(void);
/* => bytes taken from the receive ring, at most n. */
size_t serial_read_ring(char *buf, size_t n);
