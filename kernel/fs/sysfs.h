/*
 * A small sysfs (sysfs(5)): the read-only facts about processors, the one memory node and the console
 * that programs look for. A fixed tree made at boot; every file is a text shown when it is read.
 */
#pragma once
void sysfs_init(void); /* boot: registers the file system type "sysfs" */
