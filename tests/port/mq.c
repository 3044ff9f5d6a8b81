/* What POSIX message queues ask of their world: notices that count, a limit, no tree of names. */
#include "tests/port/mq.h"
#include "abi/mqueue.h"

u64 test_mq_limit = UINT64_MAX;

u64 port_mqueue_limit(void)
{
	return test_mq_limit;
}

struct port_notice *test_notice_new(struct test_notice *counts)
{
	struct port_notice *n = port_alloc(sizeof *n);
	if (n)
		*n = (struct port_notice){.pid = port_pid(), .counts = counts};
	return n;
}

void port_notice_tell(struct port_notice *n)
{
	__atomic_add_fetch(&n->counts->told, 1, __ATOMIC_RELAXED);
	port_free(n);
}
void port_notice_remove(struct port_notice *n)
{
	__atomic_add_fetch(&n->counts->removed, 1, __ATOMIC_RELAXED);
	port_free(n);
}
bool port_notice_mine(const struct port_notice *n)
{
	return n->pid == port_pid();
}
void port_notice_facts(const struct port_notice *n, struct port_notice_facts *out)
{
	*out = (struct port_notice_facts){.how = 1, .pid = n->pid};
}

void port_mq_names_drop(struct port_mq_names *names)
{
	UNREACHABLE();
}
