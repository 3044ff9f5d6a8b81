/* The drivers that devices_init() starts. */
#pragma once

void mem_devices_init(void); /* null, zero, full, random, urandom: mem.c */
void kmsg_init(void);        /* kmsg.c */
void pty_init(void);         /* ptmx and the file system devpts: pty.c */
