/* msgsnd, msgrcv: selection, sizes, blocking, who is next, faults (M1-M4, B9). */
#include "msg.h"
#include <limits.h>

TEST(first_in_first_out)
{
	new_queue();
	SEND(3, "a");
	SEND(1, "b");
	SEND(2, "c");
	GETS(0, 0, "a");
	EQ(in.type, 3);
	GETS(0, 0, "b");
	GETS(0, 0, "c");
	GETS(0, 0, "errno 42"); /* ENOMSG */
}

TEST(selection_by_type)
{
	new_queue();
	SEND(5, "five");
	SEND(2, "two");
	SEND(5, "five again");
	SEND(9, "nine");
	SEND(2, "two again");
	GETS(2, 0, "two");
	GETS(7, 0, "errno 42");
	GETS(-4, 0, "two again");
	GETS(-4, 0, "errno 42");
	GETS(-8, 0, "five");
	GETS(5, MSG_EXCEPT, "nine");
	GETS(5, MSG_EXCEPT, "errno 42");
	GETS(LONG_MIN, 0, "five again");
	EQ(in.type, 5);
}

TEST(lowest_type_first_and_oldest_within_it)
{
	new_queue();
	for (int i = 0; i < 30; i++) {
		char text[8];
		snprintf(text, sizeof(text), "%d", i);
		SEND(1 + (i * 7) % 10, text);
	}
	long last_type = 0;
	int last = -1;
	for (int i = 0; i < 30; i++) {
		int n = atoi(receive(-100, 0));
		YES(in.type > last_type || (in.type == last_type && n > last));
		last_type = in.type;
		last = n;
	}
}

TEST(except_takes_the_oldest_of_the_others)
{
	new_queue();
	char text[8];
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "%d", i);
		SEND(i < 20 ? 1 : 1 + i % 3, text);
	}
	int last = -1;
	for (int i = 0; i < 13; i++) {
		int n = atoi(receive(1, MSG_EXCEPT));
		YES(n > last && in.type != 1);
		last = n;
	}
	GETS(1, MSG_EXCEPT, "errno 42");
	GETS(1, 0, "0");
}

TEST(messages_of_every_size)
{
	static const int sizes[] = {0,    1,    7,    8,    100,  1900, 2000, 4000,
	                            4007, 4008, 4009, 4095, 4096, 4097, 8191, 8192};
	new_queue();
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int n = sizes[i];
		out.type = 1 + i;
		for (int k = 0; k < n; k++)
			out.text[k] = (char)(k * 31 + n);
		OK(msgsnd(queue, &out, n, 0));
		memset(in.text, 1, sizeof(in.text));
		EQ(msgrcv(queue, &in, sizeof(in.text), 0, 0), n);
		EQ(in.type, 1 + i);
		YES(!memcmp(in.text, out.text, n));
		EQ(in.text[n], 1);
	}
}

TEST(a_buffer_too_small)
{
	new_queue();
	SEND(1, "0123456789");
	FAILS(msgrcv(queue, &in, 9, 0, 0), E2BIG);
	EQ(status().msg_qnum, 1);
	in.text[4] = 'x';
	EQ(msgrcv(queue, &in, 4, 0, MSG_NOERROR), 4);
	EQ(in.text[4], 'x');
	EQ(status().msg_qnum, 0);
	memset(out.text, 'z', 8000);
	OK(msgsnd(queue, &out, 8000, 0));
	EQ(msgrcv(queue, &in, 5000, 0, MSG_NOERROR), 5000);
	EQ(in.text[4999], 'z');
}

TEST(argument_errors)
{
	new_queue();
	out.type = 0;
	FAILS(msgsnd(queue, &out, 1, 0), EINVAL);
	out.type = -1;
	FAILS(msgsnd(queue, &out, 1, 0), EINVAL);
	out.type = 1;
	FAILS(msgsnd(queue, &out, 8193, 0), EINVAL);
	FAILS(msgsnd(queue, &out, (size_t)-1, 0), EINVAL);
	FAILS(msgsnd(-1, &out, 1, 0), EINVAL);
	FAILS(msgsnd(queue, (void *)8, 1, 0), EFAULT);
	FAILS(msgsnd(-1, (void *)8, 1, 0), EFAULT);
	FAILS(msgrcv(queue, &in, (size_t)-1, 0, IPC_NOWAIT), EINVAL);
	FAILS(msgrcv(-1, &in, 1, 0, IPC_NOWAIT), EINVAL);
	FAILS(msgrcv(queue, (void *)8, 1, 0, IPC_NOWAIT), ENOMSG);
	FAILS(msgrcv(0x7fffffff, &in, 1, 0, IPC_NOWAIT), EINVAL);
}

TEST(a_fault_in_the_text_sends_nothing)
{
	new_queue();
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mprotect(p + 4096, 4096, PROT_NONE));
	*(long *)(p + 4096 - 16) = 1;
	FAILS(msgsnd(queue, p + 4096 - 16, 9, IPC_NOWAIT), EFAULT);
	OK(msgsnd(queue, p + 4096 - 16, 8, IPC_NOWAIT));
	EQ(status().msg_qnum, 1);
}

TEST(a_full_queue)
{
	new_queue();
	set_room(10);
	SEND(1, "123456");
	FAILS(send_text(1, "12345"), EAGAIN);
	SEND(1, "1234");
	FAILS(send_text(1, "1"), EAGAIN);
	SEND(1, ""); /* nothing more fits, and this is nothing; but the count is limited too */
	EQ(status().msg_cbytes, 10);
	EQ(status().msg_qnum, 3);
	for (int i = 0; i < 7; i++)
		SEND(1, "");
	FAILS(send_text(1, ""), EAGAIN);
	GETS(0, 0, "123456");
	SEND(1, "123456");
}

/* A child that receives with type and flags; it exits with 0 if it gets TEXT. */
static pid_t receiver(long type, int flags, size_t size, const char *text)
{
	pid_t child;
	CHILD(child)
	{
		ssize_t n = msgrcv(queue, &in, size, type, flags);
		in.text[n < 0 ? 0 : n] = 0;
		STREQ(n < 0 ? errno_name(errno) : in.text, text);
	}
	until_asleep(child);
	return child;
}
static pid_t sender(const char *text, int expected_errno)
{
	pid_t child;
	CHILD(child)
	{
		out.type = 1;
		strcpy(out.text, text);
		int result = msgsnd(queue, &out, strlen(text), 0);
		EQ(result ? errno : 0, expected_errno);
	}
	until_asleep(child);
	return child;
}

TEST(a_waiting_receiver_gets_the_message_at_once)
{
	new_queue();
	pid_t a = receiver(0, 0, 100, "hello");
	SEND(1, "hello");
	EQ(status().msg_qnum, 0);
	EQ(status().msg_lrpid, a);
	EQ(status().msg_lspid, getpid());
	REAP(a);
}

TEST(receivers_of_all_kinds_are_served_in_order)
{
	new_queue();
	pid_t a = receiver(7, 0, 100, "seven"), b = receiver(-5, 0, 100, "five"),
	      c = receiver(5, MSG_EXCEPT, 100, "six"), d = receiver(0, 0, 100, "five again"),
	      e = receiver(5, 0, 100, "five at last"), f = receiver(-5, 0, 100, "one");
	SEND(5, "five");
	SEND(5, "five again");
	SEND(5, "five at last");
	SEND(7, "seven");
	SEND(6, "six");
	SEND(1, "one");
	REAP(a);
	REAP(b);
	REAP(c);
	REAP(d);
	REAP(e);
	REAP(f);
	EQ(status().msg_qnum, 0);
}

TEST(a_waiting_receiver_too_small_fails_and_the_next_is_asked)
{
	new_queue();
	pid_t a = receiver(0, 0, 3, "E2BIG"), b = receiver(1, 0, 3, "E2BIG"),
	      c = receiver(0, MSG_NOERROR, 3, "lon"), d = receiver(0, 0, 100, "next");
	SEND(1, "long message");
	SEND(1, "next");
	REAP(a);
	REAP(b);
	REAP(c);
	REAP(d);
}

TEST(senders_go_when_there_is_room_for_their_message)
{
	new_queue();
	set_room(10);
	SEND(1, "01234567");
	SEND(2, "89");
	pid_t a = sender("aaaaaaaa", 0), b = sender("bb", 0);
	GETS(2, 0, "89");
	REAP(b);
	EQ(state_of(a), 'S');
	GETS(0, 0, "01234567");
	REAP(a);
	GETS(0, 0, "bb");
	GETS(0, 0, "aaaaaaaa");
}

TEST(more_room_lets_senders_go)
{
	new_queue();
	set_room(4);
	SEND(1, "0123");
	pid_t a = sender("abc", 0);
	set_room(7);
	REAP(a);
}

TEST(removal_ends_every_wait)
{
	new_queue();
	pid_t a = receiver(9, 0, 10, "EIDRM"), b = receiver(-9, 0, 10, "EIDRM");
	set_room(4);
	SEND(10, "full");
	pid_t c = sender("more", EIDRM);
	OK(msgctl(queue, IPC_RMID, NULL));
	REAP(a);
	REAP(b);
	REAP(c);
	FAILS(msgctl(queue, IPC_RMID, NULL), EINVAL);
	FAILS(send_text(1, "x"), EINVAL);
}

TEST(signals_interrupt_even_with_restart)
{
	new_queue();
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	pid_t a = receiver(0, 0, 10, "EINTR");
	kill(a, SIGUSR1);
	REAP(a);
	set_room(4);
	SEND(1, "full");
	a = sender("more", EINTR);
	kill(a, SIGUSR1);
	REAP(a);
	EQ(status().msg_qnum, 1);
}

TEST(stop_and_continue_do_not_disturb)
{
	new_queue();
	pid_t a = receiver(0, 0, 10, "after");
	kill(a, SIGSTOP);
	UNTIL(state_of(a) == 'T');
	kill(a, SIGCONT);
	until_asleep(a);
	SEND(1, "after");
	REAP(a);
}

TEST(a_receiver_that_is_killed_leaves_no_trace)
{
	new_queue();
	pid_t a = receiver(0, 0, 10, "never");
	kill(a, SIGKILL);
	EQ(reap(a), SIGKILL);
	SEND(1, "kept");
	GETS(0, 0, "kept");
}

TEST(a_sleeper_that_may_no_longer_read_is_told)
{
	pid_t child;
	if (geteuid())
		return;
	new_queue();
	struct msqid_ds ds = status();
	ds.msg_perm.mode = 0666;
	OK(msgctl(queue, IPC_SET, &ds));
	CHILD(child)
	{
		MUST(setresuid(4711, 4711, 4711));
		FAILS(msgrcv(queue, &in, 10, 0, 0), EACCES);
	}
	until_asleep(child);
	ds.msg_perm.mode = 0600;
	OK(msgctl(queue, IPC_SET, &ds));
	REAP(child);
}

TEST(copies_leave_the_message)
{
	new_queue();
	SEND(3, "zero");
	SEND(1, "one");
	if (msgrcv(queue, &in, 100, 1, MSG_COPY | IPC_NOWAIT) < 0 && errno == ENOSYS)
		return; /* Linux without CONFIG_CHECKPOINT_RESTORE */
	GETS(1, MSG_COPY, "one");
	EQ(in.type, 1);
	GETS(0, MSG_COPY, "zero");
	GETS(2, MSG_COPY, "errno 42");
	FAILS(msgrcv(queue, &in, 100, 0, MSG_COPY), EINVAL);
	FAILS(msgrcv(queue, &in, 100, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
	FAILS(msgrcv(queue, &in, 2, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
	FAILS(msgrcv(queue, &in, 2, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR), EINVAL);
	EQ(status().msg_qnum, 2);
	/* The buffer is looked at first, before there is anything to put there. */
	FAILS(msgrcv(queue, (void *)8, 100, 9, MSG_COPY | IPC_NOWAIT), EFAULT);
	FAILS(msgrcv(queue, (void *)8, 100, 9, IPC_NOWAIT), ENOMSG);
	/* Times and pids tell nothing of it. */
	struct msqid_ds before = status();
	GETS(0, MSG_COPY, "zero");
	struct msqid_ds after = status();
	YES(!memcmp(&before, &after, sizeof(before)));
}

TEST(large_messages_are_copied_whole)
{
	static const int sizes[] = {4000, 4001, 8192, 8193, 16384, 20000, 65536};
	own_namespace();
	OK(file_write("/proc/sys/kernel/msgmax", "65536"));
	OK(file_write("/proc/sys/kernel/msgmnb", "65536"));
	new_queue();
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = (size_t)sizes[i];
		out.type = 1;
		for (size_t k = 0; k < n; k++)
			out.text[k] = (char)(k * 131 + k / 256);
		OK(msgsnd(queue, &out, n, IPC_NOWAIT));
		FAILS(msgsnd(queue, &out, 65537 - n, IPC_NOWAIT), EAGAIN);
		memset(&in, 1, sizeof(in));
		ssize_t copied = msgrcv(queue, &in, 66000, 0, MSG_COPY | IPC_NOWAIT);
		if (copied >= 0 || errno != ENOSYS) {
			EQ(copied, n);
			YES(!memcmp(in.text, out.text, n));
			EQ(in.text[n], 1);
		}
		memset(&in, 1, sizeof(in));
		EQ(msgrcv(queue, &in, 66000, 0, IPC_NOWAIT), n);
		YES(!memcmp(in.text, out.text, n));
		EQ(in.text[n], 1);
	}
}

TEST(nothing_is_lost_between_many_senders_and_receivers)
{
	enum { SENDERS = 4, RECEIVERS = 3, EACH = 300 };
	pid_t pid[SENDERS + RECEIVERS];
	_Atomic long *sum = shared(sizeof(*sum));
	new_queue();
	set_room(200);
	for (int i = 0; i < SENDERS; i++)
		CHILD(pid[i])
	for (long k = 1; k <= EACH; k++) {
		out.type = 1 + (k + i) % 5;
		memcpy(out.text, &k, sizeof(k));
		OK(msgsnd(queue, &out, sizeof(k) + (size_t)(k % 30), 0));
	}
	for (int i = 0; i < RECEIVERS; i++)
		CHILD(pid[SENDERS + i])
	for (int k = 0; k < SENDERS * EACH / RECEIVERS; k++) {
		long value;
		OK(msgrcv(queue, &in, 100, i == 0 ? -9 : 0, 0));
		memcpy(&value, in.text, sizeof(value));
		atomic_fetch_add(sum, value);
	}
	for (int i = 0; i < SENDERS + RECEIVERS; i++)
		REAP(pid[i]);
	EQ(*sum, (long)SENDERS * EACH * (EACH + 1) / 2);
	EQ(status().msg_qnum, 0);
	EQ(status().msg_cbytes, 0);
}
