/*
 * The C side of trap_entry.S: handlers run on the interrupted thread's stack with interrupts off, except
 * for NMI, double fault and machine check, which have stacks of their own.
 */
#pragma once
#include "arch/regs.h"

void trap_exception(struct regs *regs, u64 error, u64 vector);
void trap_page_fault(struct regs *regs, u64 error);
void trap_nmi(struct regs *regs);
void trap_double_fault(struct regs *regs, u64 error);
void trap_machine_check(struct regs *regs);
void irq_timer(void);
void irq_kick(void);
void irq_call(void);
void irq_serial(void);
void irq_spurious(void);
void exit_to_user(struct regs *regs);
