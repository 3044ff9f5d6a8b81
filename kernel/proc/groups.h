/* Process groups and sessions, credentials(7): the system calls' mechanism. pid 0: the caller. */
#pragma once
#include "kernel/lib/result.h"

MUST_CHECK s32 process_get_group(s32 pid);   /* => id or -ESRCH */
MUST_CHECK s32 process_get_session(s32 pid); /* => id or -ESRCH */
/* setpgid(2): => 0, -EINVAL, -ESRCH, -EPERM, -EACCES */
MUST_CHECK int process_set_group(s32 pid, s32 pgid);
/* setsid(2): => session id or -EPERM */
MUST_CHECK s32 process_new_session(void);
