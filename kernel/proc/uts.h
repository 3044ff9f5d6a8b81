/*
 * What the system calls itself, uname(2). Host and domain name change through sethostname(2),
 * setdomainname(2) and /proc/sys/kernel; the rest is fixed. Locking: a LEAF lock of its own.
 */
#pragma once
#include "abi/process.h"
#include "kernel/lib/result.h"

enum uts_field { UTS_NODENAME, UTS_DOMAINNAME };
void uts_get(struct utsname_abi *out);
/* No permission check. => 0, -EINVAL (longer than 64). */
MUST_CHECK int uts_set(enum uts_field field, const char *text, size_t length);
