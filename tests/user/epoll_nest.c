/* epoll instances that watch epoll instances: propagation, cycles, depth (E5). */
#include "epoll.h"

TEST(an_inner_event_shows_outside)
{
	int outer = epoll_new(), inner = epoll_new(), e = event_new();
	OK(add(outer, inner, EPOLLIN));
	OK(add(inner, e, EPOLLIN));
	EQ(ready(outer, inner), 0);
	event_set(e);
	EQ(ready(outer, inner), EPOLLIN);
	EQ(ready(outer, inner), EPOLLIN);
	EQ(ready(inner, e), EPOLLIN);
	event_take(e);
	EQ(ready(outer, inner), 0); /* it is asked, down to the file */
	EQ(ready(inner, e), 0);
}

TEST(an_outer_edge_for_each_inner_event)
{
	int outer = epoll_new(), inner = epoll_new(), e = event_new(), f = event_new();
	OK(add(outer, inner, EPOLLIN | EPOLLET));
	OK(add(inner, e, EPOLLIN));
	OK(add(inner, f, EPOLLIN));
	event_set(e);
	EQ(ready(outer, inner), EPOLLIN);
	EQ(ready(outer, inner), 0);
	event_set(e); /* was ready anyway, and yet */
	EQ(ready(outer, inner), EPOLLIN);
	event_set(f);
	EQ(ready(outer, inner), EPOLLIN);
	EQ(ready(outer, inner), 0);
}

TEST(an_inner_edge_is_gone_when_it_was_reported)
{
	int outer = epoll_new(), inner = epoll_new(), e = event_new();
	OK(add(outer, inner, EPOLLIN));
	OK(add(inner, e, EPOLLIN | EPOLLET));
	event_set(e);
	EQ(ready(outer, inner), EPOLLIN);
	EQ(ready(outer, inner), EPOLLIN); /* asking does not use it up */
	EQ(ready(inner, e), EPOLLIN);
	EQ(ready(outer, inner), 0);
}

TEST(a_sleeper_at_the_top_is_woken_from_the_bottom)
{
	int chain[4], e = event_new();
	for (int i = 0; i < 4; i++) {
		chain[i] = epoll_new();
		OK(add(chain[i], i ? chain[i - 1] : e, EPOLLIN));
	}
	pid_t child;
	CHILD(child)
	{
		struct epoll_event got;
		EQ(epoll_wait(chain[3], &got, 1, -1), 1);
		EQ(got.data.fd, chain[2]);
	}
	until_asleep(child);
	event_set(e);
	REAP(child);
	CHILD(child)
	{
		struct pollfd one = {chain[3], POLLIN, 0};
		EQ(poll(&one, 1, -1), 1);
	}
	REAP(child);
	EQ(ready(chain[3], chain[2]), EPOLLIN);
	close(e);
	EQ(ready(chain[3], chain[2]), 0);
}

TEST(diamonds_are_no_cycles)
{
	int top = epoll_new(), left = epoll_new(), right = epoll_new(), e = event_new();
	OK(add(top, left, EPOLLIN));
	OK(add(top, right, EPOLLIN));
	OK(add(left, e, EPOLLIN));
	OK(add(right, e, EPOLLIN));
	event_set(e);
	struct epoll_event got[4];
	EQ(epoll_wait(top, got, 4, 0), 2);
	close(left);
	EQ(ready(top, right), EPOLLIN);
}

TEST(cycles_are_refused)
{
	int a = epoll_new(), b = epoll_new(), c = epoll_new();
	FAILS(add(a, a, EPOLLIN), EINVAL);
	OK(add(a, b, EPOLLIN));
	FAILS(add(b, a, EPOLLIN), ELOOP);
	OK(add(b, c, EPOLLIN));
	FAILS(add(c, a, EPOLLIN), ELOOP);
	FAILS(add(c, b, EPOLLIN), ELOOP);
	OK(del(a, b));
	OK(add(c, a, EPOLLIN));
	FAILS(add(a, b, EPOLLIN), ELOOP);
}

/* A file may have four instances above the one that watches it. Linux 6.1 says EINVAL, 6.18 says ELOOP. */
TEST(chains_are_limited)
{
	int ep[6], e = event_new();
	for (int i = 0; i < 6; i++)
		ep[i] = epoll_new();
	OK(add(ep[0], e, EPOLLIN));
	for (int i = 1; i < 5; i++)
		OK(add(ep[i], ep[i - 1], EPOLLIN));
	EQ(add(ep[5], ep[4], EPOLLIN), -1);
	YES(errno == EINVAL || errno == ELOOP);
	EQ(ready(ep[4], ep[3]), 0);
	event_set(e);
	EQ(ready(ep[4], ep[3]), EPOLLIN);
	EQ(polled(ep[5], POLLIN), 0);
}

TEST(chains_of_instances_alone_are_limited_too)
{
	enum { N = 12 };
	int ep[N], i;
	for (i = 0; i < N; i++)
		ep[i] = epoll_new();
	for (i = 1; i < N; i++)
		if (add(ep[i], ep[i - 1], EPOLLIN))
			break;
	EQ(errno, ELOOP);
	YES(i >= 5 && i <= 7);
}

TEST(paths_to_one_file_are_limited)
{
	enum { N = 501 };
	int e = event_new(), inner = epoll_new(), n = 0;
	OK(add(inner, e, EPOLLIN));
	/* At depth 1, 500 paths. */
	while (n < N && !add(epoll_new(), inner, EPOLLIN))
		n++;
	EQ(n, 500);
	EQ(errno, EINVAL);
	/* At depth 0, any number. */
	int f = event_new();
	for (int i = 0; i < 20; i++)
		OK(add(epoll_new(), f, EPOLLIN));
}

TEST(closing_in_any_order)
{
	for (int order = 0; order < 6; order++) {
		static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
		                                 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
		int fd[3] = {epoll_new(), epoll_new(), event_new()};
		OK(add(fd[0], fd[1], EPOLLIN));
		OK(add(fd[1], fd[2], EPOLLIN));
		OK(add(fd[0], fd[2], EPOLLIN));
		event_set(fd[2]);
		for (int i = 0; i < 3; i++)
			close(fd[orders[order][i]]);
	}
}
