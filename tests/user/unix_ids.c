/* Who sent a message, who is the peer: SCM_CREDENTIALS, SO_PEERCRED, SO_PEERGROUPS (unix(7)). */
#include "caps.h"
#include "unix_rights.h"

TEST(credentials_of_the_sender)
{
	pid_t pid;
	pair(SOCK_DGRAM);
	EQ(option(s[1], SO_PASSCRED), 0);
	EQ(write(s[0], "x", 1), 1);
	set_option(s[1], SO_PASSCRED, 1);
	EQ(option(s[1], SO_PASSCRED), 1);
	/* Sent when nobody asked: nobody's. */
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, 0);
	EQ(g.ids.uid, 65534);
	EQ(g.ids.gid, 65534);
	CHILD(pid)
	{
		MUST(setresgid(10, 11, 12));
		MUST(setresuid(20, 21, 22));
		EQ(write(s[0], "x", 1), 1);
	}
	g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, pid);
	EQ(g.ids.uid, 20);
	EQ(g.ids.gid, 10);
	REAP(pid);
	EQ(write(s[0], "x", 1), 1);
	g = receive(s[1], 1, 0, 0);
	EQ(g.flags, MSG_CTRUNC);
	EQ(write(s[0], "x", 1), 1);
	g = receive(s[1], 1, CMSG_LEN(4), 0);
	EQ(g.flags, MSG_CTRUNC);
	EQ(g.control_length, CMSG_LEN(4));
}

TEST(credentials_of_who_is_not_accepted_yet)
{
	struct name name = abstract_name("early");
	int l = new_listener(SOCK_STREAM, &name, 5), c = new_connected(SOCK_STREAM, &name);
	EQ(write(c, "x", 1), 1);
	int first = MUST(accept(l, NULL, NULL));
	EQ(option(first, SO_PASSCRED), 0);
	set_option(first, SO_PASSCRED, 1);
	struct got g = receive(first, 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, getpid());
	/* What the listener wants, whom it accepts wants. */
	set_option(l, SO_PASSCRED, 1);
	c = new_connected(SOCK_STREAM, &name);
	EQ(write(c, "x", 1), 1);
	int second = MUST(accept(l, NULL, NULL));
	EQ(option(second, SO_PASSCRED), 1);
	g = receive(second, 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, getpid());
}

TEST(streams_do_not_mix_senders)
{
	pid_t pid;
	pair(SOCK_STREAM);
	set_option(s[1], SO_PASSCRED, 1);
	EQ(write(s[0], "aa", 2), 2);
	EQ(write(s[0], "bb", 2), 2);
	CHILD(pid)
	{
		EQ(write(s[0], "cc", 2), 2);
	}
	REAP(pid);
	struct got g = receive(s[1], 100, sizeof(union control), 0);
	EQ(g.n, 4);
	EQ(g.ids.pid, getpid());
	g = receive(s[1], 100, sizeof(union control), 0);
	EQ(g.n, 2);
	EQ(g.ids.pid, pid);
}

static ssize_t claim(int to, int pid, unsigned uid, unsigned gid)
{
	union control c = {0};
	struct ucred u = {pid, uid, gid};
	c.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof u),
	                            .cmsg_level = SOL_SOCKET,
	                            .cmsg_type = SCM_CREDENTIALS};
	memcpy(CMSG_DATA(&c.header), &u, sizeof u);
	return send_control(to, &c, CMSG_SPACE(sizeof u));
}

TEST(claimed_credentials_are_checked)
{
	pid_t pid;
	pair(SOCK_SEQPACKET);
	set_option(s[1], SO_PASSCRED, 1);
	EQ(claim(s[0], 1, 42, 43), 1);
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.ids.pid, 1);
	EQ(g.ids.uid, 42);
	EQ(g.ids.gid, 43);
	FAILS(claim(s[0], 4000000, 0, 0), ESRCH);
	FAILS(claim(s[0], getpid(), (unsigned)-1, 0), EINVAL);
	CHILD(pid)
	{
		MUST(setgroups(0, NULL));
		MUST(setresgid(10, 11, 12));
		MUST(setresuid(20, 21, 22));
		EQ(claim(s[0], getpid(), 20, 12), 1);
		EQ(claim(s[0], getpid(), 22, 11), 1);
		FAILS(claim(s[0], getpid(), 23, 11), EPERM);
		FAILS(claim(s[0], getpid(), 22, 13), EPERM);
		FAILS(claim(s[0], 1, 22, 11), EPERM);
	}
	REAP(pid);
	union control c = {0};
	c.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(8), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
	FAILS(send_control(s[0], &c, CMSG_SPACE(8)), EINVAL);
}

static struct ucred peer_of(int fd)
{
	struct ucred u = {-2, 7, 7};
	socklen_t size = sizeof u;
	OK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &size));
	EQ(size, sizeof u);
	return u;
}

TEST(credentials_of_the_peer)
{
	pid_t pid;
	struct name n = abstract_name("server");
	struct ucred u = peer_of(new_socket(SOCK_STREAM));
	EQ(u.pid, 0);
	EQ(u.uid, -1u);
	EQ(u.gid, -1u);
	int l = new_listener(SOCK_STREAM, &n, 5);
	CHILD(pid)
	{
		gid_t groups[3] = {7, 5, 6}, got[10];
		MUST(setgroups(3, groups));
		MUST(setresgid(10, 11, 12));
		MUST(setresuid(20, 21, 22));
		int c = new_connected(SOCK_STREAM, &n);
		EQ(peer_of(c).pid, getppid());
		EQ(peer_of(c).uid, 0);
		EQ(read(c, buffer, 1), 1);
		(void)got;
	}
	int a = MUST(accept(l, NULL, NULL));
	u = peer_of(a);
	EQ(u.pid, pid);
	EQ(u.uid, 21);
	EQ(u.gid, 11);
	gid_t got[10];
	socklen_t size = sizeof got;
	OK(getsockopt(a, SOL_SOCKET, 59 /* SO_PEERGROUPS */, got, &size));
	EQ(size, 3 * sizeof(gid_t));
	EQ(got[0], 5);
	EQ(got[2], 7);
	size = 4;
	FAILS(getsockopt(a, SOL_SOCKET, 59, got, &size), ERANGE);
	EQ(size, 3 * sizeof(gid_t));
	EQ(write(a, "x", 1), 1);
	REAP(pid);
	/* It says who connected, whoever holds the end now. */
	EQ(peer_of(a).pid, pid);
	pair(SOCK_DGRAM);
	EQ(peer_of(s[0]).pid, getpid());
	FAILS(getsockopt(new_socket(SOCK_STREAM), SOL_SOCKET, 59, got, &size), ENODATA);
}

TEST(who_asks_for_credentials_gets_a_name)
{
	struct name n = abstract_name("server");
	struct sockaddr_un from;
	socklen_t size = sizeof from;
	int server = new_bound(SOCK_DGRAM, &n), c = new_socket(SOCK_DGRAM);
	set_option(c, SO_PASSCRED, 1);
	EQ(send_name(c, "x", 1, 0, &n), 1);
	EQ(recvfrom(server, buffer, 1, 0, (struct sockaddr *)&from, &size), 1);
	EQ(size, NAME_OFFSET + 6);
	/* So does a sender of packets, at its first; one of streams does not. */
	static const struct {
		int type;
		socklen_t length;
	} kinds[] = {{SOCK_SEQPACKET, NAME_OFFSET + 6}, {SOCK_STREAM, NAME_OFFSET}};
	for (int i = 0; i < 2; i++) {
		pair(kinds[i].type);
		set_option(s[0], SO_PASSCRED, 1);
		EQ(write(s[0], "x", 1), 1);
		size = sizeof from;
		OK(getsockname(s[0], (struct sockaddr *)&from, &size));
		EQ(size, kinds[i].length);
	}
}
