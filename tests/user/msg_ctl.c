/* msgget, msgctl, /proc: ids, permission, status, limits (V1-V7 for queues, M5). */
#include "msg.h"
#include "caps.h"
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

TEST(keys_and_creation)
{
	own_namespace();
	key_t key = 0x6d730001 + getpid();
	FAILS(msgget(key, 0600), ENOENT);
	int id = MUST(msgget(key, IPC_CREAT | 0640));
	EQ(msgget(key, 0), id);
	EQ(msgget(key, IPC_CREAT | 0600), id);
	FAILS(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	int other = MUST(msgget(IPC_PRIVATE, 0));
	YES(other != id);
	OK(msgctl(id, IPC_RMID, NULL));
	FAILS(msgget(key, 0600), ENOENT);
	FAILS(msgctl(id, IPC_STAT, (struct msqid_ds *)&in), EINVAL);
	int again = MUST(msgget(key, IPC_CREAT | 0600));
	YES(again != id);
	OK(msgctl(again, IPC_RMID, NULL));
	OK(msgctl(other, IPC_RMID, NULL));
}

TEST(status_is_exact)
{
	new_queue();
	time_t before = time(NULL);
	struct msqid_ds ds = status();
	EQ(ds.msg_qnum, 0);
	EQ(ds.msg_cbytes, 0);
	EQ(ds.msg_stime, 0);
	EQ(ds.msg_rtime, 0);
	EQ(ds.msg_lspid, 0);
	EQ(ds.msg_lrpid, 0);
	EQ(ds.msg_perm.mode, 0600);
	EQ(ds.msg_perm.uid, geteuid());
	EQ(ds.msg_perm.cuid, geteuid());
	YES(ds.msg_ctime >= before - 1);
	SEND(1, "abc");
	SEND(2, "de");
	ds = status();
	EQ(ds.msg_qnum, 2);
	EQ(ds.msg_cbytes, 5);
	EQ(ds.msg_lspid, getpid());
	YES(ds.msg_stime >= before - 1);
	EQ(ds.msg_rtime, 0);
	GETS(2, 0, "de");
	ds = status();
	EQ(ds.msg_qnum, 1);
	EQ(ds.msg_cbytes, 3);
	EQ(ds.msg_lrpid, getpid());
	YES(ds.msg_rtime >= before - 1);
}

TEST(set_changes_owner_mode_and_size)
{
	new_queue();
	struct msqid_ds ds = status();
	ds.msg_perm.mode = 07644;
	ds.msg_qbytes = 1000;
	OK(msgctl(queue, IPC_SET, &ds));
	ds = status();
	EQ(ds.msg_perm.mode, 0644);
	EQ(ds.msg_qbytes, 1000);
	FAILS(msgctl(queue, IPC_SET, (struct msqid_ds *)8), EFAULT);
	FAILS(msgctl(queue, IPC_STAT, (struct msqid_ds *)8), EFAULT);
	FAILS(msgctl(queue, 77, &ds), EINVAL);
	FAILS(msgctl(-1, IPC_STAT, &ds), EINVAL);
	ds.msg_perm.uid = (uid_t)-1;
	FAILS(msgctl(queue, IPC_SET, &ds), EINVAL);
	EQ(status().msg_qbytes, 1000);
	if (geteuid())
		return;
	ds = status();
	ds.msg_qbytes = 100000; /* more than msgmnb: only with CAP_SYS_RESOURCE */
	if (cap_effective() >> CAP_SYS_RESOURCE & 1)
		OK(msgctl(queue, IPC_SET, &ds));
	pid_t child;
	CHILD(child)
	{
		OK(cap_set(cap_effective() & ~(1ull << CAP_SYS_RESOURCE)));
		FAILS(msgctl(queue, IPC_SET, &ds), EPERM);
		ds.msg_qbytes = 16384;
		OK(msgctl(queue, IPC_SET, &ds));
	}
	REAP(child);
}

TEST(permissions)
{
	pid_t child;
	if (geteuid())
		return;
	new_queue();
	struct msqid_ds ds = status();
	ds.msg_perm.mode = 0620;
	OK(msgctl(queue, IPC_SET, &ds));
	SEND(1, "x");
	CHILD(child)
	{
		become_with(0, 4711);
		FAILS(msgctl(queue, IPC_STAT, &ds), EACCES);
		FAILS(msgrcv(queue, &in, 10, 0, IPC_NOWAIT), EACCES);
		FAILS(send_text(1, "y"), EACCES);
		FAILS(msgctl(queue, IPC_RMID, NULL), EPERM);
		FAILS(msgctl(queue, IPC_SET, &ds), EPERM);
	}
	REAP(child);
	ds.msg_perm.mode = 0602;
	OK(msgctl(queue, IPC_SET, &ds));
	CHILD(child)
	{
		become_with(0, 4711);
		SEND(1, "y");
		FAILS(msgrcv(queue, &in, 10, 0, IPC_NOWAIT), EACCES);
	}
	REAP(child);
	CHILD(child)
	{
		become_with(1ull << CAP_IPC_OWNER, 4711);
		GETS(0, 0, "x");
	}
	REAP(child);
}

TEST(info_and_stat_by_index)
{
	struct msginfo info;
	struct msqid_ds ds;
	own_namespace();
	new_queue();
	SEND(1, "12345");
	int highest = OK(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
	YES(highest >= 0);
	EQ(info.msgmax, 8192);
	EQ(info.msgmnb, 16384);
	EQ(info.msgmni, 32000);
	EQ(info.msgssz, 16);
	EQ(info.msgseg, 0xffff);
	EQ(info.msgpool, 512000);
	EQ(info.msgmap, 16384);
	EQ(info.msgtql, 16384);
	highest = OK(msgctl(0, MSG_INFO, (struct msqid_ds *)&info));
	if (geteuid() == 0) {
		EQ(info.msgpool, 1);
		EQ(info.msgmap, 1);
		EQ(info.msgtql, 5);
		EQ(msgctl(highest, MSG_STAT, &ds), queue);
		EQ(ds.msg_qnum, 1);
		EQ(msgctl(highest, MSG_STAT_ANY, &ds), queue);
		FAILS(msgctl(highest + 1, MSG_STAT, &ds), EINVAL);
	}
}

TEST(limits_of_the_namespace)
{
	char text[64];
	if (geteuid())
		return;
	own_namespace();
	file_read("/proc/sys/kernel/msgmax", text, sizeof(text));
	STREQ(text, "8192\n");
	OK(file_write("/proc/sys/kernel/msgmax", "100"));
	OK(file_write("/proc/sys/kernel/msgmnb", "150"));
	new_queue();
	EQ(status().msg_qbytes, 150);
	out.type = 1;
	FAILS(msgsnd(queue, &out, 101, IPC_NOWAIT), EINVAL);
	OK(msgsnd(queue, &out, 100, IPC_NOWAIT));
	FAILS(msgsnd(queue, &out, 100, IPC_NOWAIT), EAGAIN);
	OK(file_write("/proc/sys/kernel/msgmni", "1"));
	FAILS(msgget(IPC_PRIVATE, 0600), ENOSPC);
	OK(file_write("/proc/sys/kernel/msgmni", "2"));
	OK(file_write("/proc/sys/kernel/msg_next_id", "4711"));
	int next = OK(msgget(IPC_PRIVATE, 0600));
	EQ(next, 4711);
	file_read("/proc/sys/kernel/msg_next_id", text, sizeof(text));
	STREQ(text, "-1\n");
	FAILS(file_write("/proc/sys/kernel/msgmax", "-1"), EINVAL);
	FAILS(file_write("/proc/sys/kernel/msgmni", "40000"), EINVAL);
}

TEST(the_list_in_proc)
{
	char text[4096], want[256];
	if (geteuid())
		return;
	own_namespace();
	int id = MUST(msgget(0x1234, IPC_CREAT | 0640));
	queue = id;
	SEND(1, "hello");
	file_read("/proc/sysvipc/msg", text, sizeof(text));
	struct msqid_ds ds = status();
	snprintf(
		want, sizeof(want),
		"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  "
		"cgid      stime      rtime      ctime\n"
		"%10d %10d  %4o  %10u %10u %5u %5u %5u %5u %5u %5u %10llu %10llu %10llu\n",
		0x1234, id, 0640, 5, 1, getpid(), 0, 0, 0, 0, 0, (unsigned long long)ds.msg_stime,
		0ull, (unsigned long long)ds.msg_ctime);
	STREQ(text, want);
}
