/*
 * Work that interrupt handlers recorded, run in thread context.
 */
#pragma once
#include "arch/percpu.h"

enum { SOFTIRQ_TIMER = 1, SOFTIRQ_SERIAL = 2, SOFTIRQ_RCU = 4 };
EXTERN_PERCPU(u32, irq_pending); /* set by handlers with softirq_raise(), same processor only */

void softirq_raise(
	u32 bits);      /* interrupt context: sets bits and THREAD_WORK_IRQ on the current thread */
void softirq_run(void); /* thread context, no locks held */
/* tty registers its receiver here at boot. */
extern void (*softirq_serial)(void);
