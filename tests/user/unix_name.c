/* Names of local sockets: paths, abstract names, autobind (unix(7), bind(2)). */
#include "caps.h"
#include "unix.h"

static char buffer[4096];

TEST(a_path_becomes_a_socket_node)
{
	struct stat st;
	own_directory();
	umask(027);
	struct name n = path_name("sock");
	int s = new_bound(SOCK_STREAM, &n);
	OK(stat("sock", &st));
	EQ(st.st_mode, S_IFSOCK | 0750);
	EQ(st.st_uid, geteuid());
	FAILS(open("sock", O_RDWR), ENXIO);
	struct sockaddr_un got;
	socklen_t size = sizeof got;
	OK(getsockname(s, (struct sockaddr *)&got, &size));
	EQ(size, n.length);
	STREQ(got.sun_path, "sock");
	/* The node stays when the socket goes. */
	close(s);
	OK(stat("sock", &st));
	FAILS(connect_name(new_socket(SOCK_STREAM), &n), ECONNREFUSED);
	FAILS(bind_name(new_socket(SOCK_STREAM), &n), EADDRINUSE);
	OK(unlink("sock"));
	OK(bind_name(new_socket(SOCK_STREAM), &n));
}

TEST(mode_of_the_node_is_that_of_the_socket)
{
	struct stat st;
	own_directory();
	umask(022);
	struct name n = path_name("sock");
	int s = new_socket(SOCK_STREAM);
	OK(fchmod(s, 0660));
	OK(bind_name(s, &n));
	OK(stat("sock", &st));
	EQ(st.st_mode, S_IFSOCK | 0640);
}

TEST(one_name_for_life)
{
	own_directory();
	struct name a = path_name("a"), b = path_name("b"), c = abstract_name("c");
	int s = new_bound(SOCK_STREAM, &a);
	FAILS(bind_name(s, &b), EINVAL);
	FAILS(access("b", F_OK), ENOENT);
	FAILS(bind_name(s, &a), EADDRINUSE);
	FAILS(bind_name(s, &c), EINVAL);
	OK(bind(s, (struct sockaddr *)&a.un, 2)); /* autobind is content with any */
}

TEST(path_errors)
{
	own_directory();
	struct name deep = path_name("no/such"), file = path_name("file/x"),
		    plain = path_name("file");
	struct name trailing = path_name("x/"), root = path_name("/"), node = path_name("sock");
	int s = new_socket(SOCK_STREAM);
	close(MUST(creat("file", 0600)));
	FAILS(bind_name(s, &deep), ENOENT);
	FAILS(bind_name(s, &file), ENOTDIR);
	FAILS(bind_name(s, &plain), EADDRINUSE);
	FAILS(bind_name(s, &trailing), ENOENT);
	FAILS(bind_name(s, &root), EADDRINUSE);
	FAILS(connect_name(s, &deep), ENOENT);
	FAILS(connect_name(s, &file), ENOTDIR);
	FAILS(connect_name(s, &plain), ECONNREFUSED); /* no socket */
	new_listener(SOCK_STREAM, &node, 1);
	FAILS(connect_name(new_socket(SOCK_DGRAM), &node), EPROTOTYPE);
	FAILS(connect_name(new_socket(SOCK_SEQPACKET), &node), EPROTOTYPE);
	OK(symlink("sock", "link"));
	struct name link = path_name("link");
	OK(connect_name(s, &link));
	FAILS(bind_name(new_socket(SOCK_STREAM), &link), EADDRINUSE);
}

TEST(the_node_may_be_moved_and_linked)
{
	own_directory();
	struct name a = path_name("a"), b = path_name("b"), c = path_name("c");
	int l = new_listener(SOCK_STREAM, &a, 5);
	OK(link("a", "c"));
	OK(rename("a", "b"));
	FAILS(connect_name(new_socket(SOCK_STREAM), &a), ENOENT);
	OK(connect_name(new_socket(SOCK_STREAM), &b));
	OK(connect_name(new_socket(SOCK_STREAM), &c));
	OK(unlink("b"));
	OK(unlink("c"));
	FAILS(connect_name(new_socket(SOCK_STREAM), &b), ENOENT);
	OK(accept(l, NULL, NULL));
	OK(accept(l, NULL, NULL));
}

TEST(the_longest_path_needs_no_end)
{
	struct name n = {.un.sun_family = AF_UNIX, .length = sizeof n.un};
	struct {
		struct sockaddr_un un;
		char more[20];
	} got;
	socklen_t size = sizeof got;
	own_directory();
	memset(n.un.sun_path, 'x', sizeof n.un.sun_path);
	int l = new_listener(SOCK_STREAM, &n, 1);
	OK(getsockname(l, (struct sockaddr *)&got, &size));
	EQ(size, sizeof n.un + 1);
	OK(connect_name(new_socket(SOCK_STREAM), &n));
	FAILS(bind(new_socket(SOCK_STREAM), (struct sockaddr *)&got, sizeof n.un + 1), EINVAL);
	/* A shorter length cuts, a zero ends. */
	n.length = NAME_OFFSET + 3;
	new_listener(SOCK_STREAM, &n, 1);
	OK(access("xxx", F_OK));
	strcpy(n.un.sun_path, "yy");
	n.length = sizeof n.un;
	new_listener(SOCK_STREAM, &n, 1);
	OK(access("yy", F_OK));
}

TEST(lengths_of_answers)
{
	own_directory();
	struct name n = path_name("sock");
	int s = new_bound(SOCK_STREAM, &n);
	struct sockaddr_un got;
	socklen_t size = 4;
	memset(&got, '#', sizeof got);
	OK(getsockname(s, (struct sockaddr *)&got, &size));
	EQ(size, n.length);
	EQ(memcmp(got.sun_path, "so##", 4), 0);
	size = 0;
	OK(getsockname(s, (struct sockaddr *)&got, &size));
	EQ(size, n.length);
	size = (socklen_t)-1;
	FAILS(getsockname(s, (struct sockaddr *)&got, &size), EINVAL);
	size = sizeof got;
	FAILS(getsockname(s, (struct sockaddr *)8, &size), EFAULT);
	FAILS(getsockname(s, (struct sockaddr *)&got, (socklen_t *)8), EFAULT);
	FAILS(getsockname(-1, (struct sockaddr *)&got, &size), EBADF);
	FAILS(getsockname(0, (struct sockaddr *)&got, &size), ENOTSOCK);
}

TEST(connecting_needs_write_permission)
{
	own_directory();
	MUST(chmod(".", 0755));
	struct name n = path_name("sock");
	umask(0);
	int l = new_listener(SOCK_STREAM, &n, 5);
	pid_t pid;
	OK(chmod("sock", 0555));
	CHILD(pid)
	{
		become_with(0, 4242);
		FAILS(connect_name(new_socket(SOCK_STREAM), &n), EACCES);
		struct name other = path_name("mine");
		FAILS(bind_name(new_socket(SOCK_STREAM), &other), EACCES);
	}
	REAP(pid);
	OK(chmod("sock", 0222));
	CHILD(pid)
	{
		become_with(0, 4242);
		OK(connect_name(new_socket(SOCK_STREAM), &n));
	}
	REAP(pid);
	close(l);
}

TEST(abstract_names_go_with_their_socket)
{
	struct name n = abstract_name("x");
	int s = new_bound(SOCK_STREAM, &n);
	FAILS(bind_name(new_socket(SOCK_STREAM), &n), EADDRINUSE);
	/* Each type of socket has names of its own. */
	OK(bind_name(new_socket(SOCK_DGRAM), &n));
	OK(bind_name(new_socket(SOCK_SEQPACKET), &n));
	int copy = dup(s);
	close(s);
	FAILS(bind_name(new_socket(SOCK_STREAM), &n), EADDRINUSE);
	close(copy);
	OK(bind_name(new_socket(SOCK_STREAM), &n));
}

TEST(abstract_names_are_bytes)
{
	struct name n = abstract_name("x"), longer = n;
	longer.length++; /* one zero more is another name */
	new_bound(SOCK_STREAM, &n);
	int l = new_listener(SOCK_STREAM, &longer, 5);
	OK(connect_name(new_socket(SOCK_STREAM), &longer));
	OK(accept(l, NULL, NULL));
	struct sockaddr_un got;
	socklen_t size = sizeof got;
	OK(getsockname(l, (struct sockaddr *)&got, &size));
	EQ(size, longer.length);
	EQ(memcmp(&got, &longer.un, size), 0);
	struct name full = {.un.sun_family = AF_UNIX, .length = sizeof full.un};
	memcpy(full.un.sun_path + 1, &(int){getpid()}, sizeof(int));
	OK(bind_name(new_socket(SOCK_STREAM), &full));
	full.length = NAME_OFFSET + 1; /* the name of no bytes is a name */
	int s = new_socket(SOCK_SEQPACKET);
	EQ(bind_name(s, &full) == 0 || errno == EADDRINUSE, 1);
}

TEST(autobind_chooses_five_digits)
{
	struct sockaddr_un got[2];
	for (int i = 0; i < 2; i++) {
		int s = new_socket(SOCK_DGRAM);
		socklen_t size = sizeof got[i];
		OK(bind(s, (struct sockaddr *)&(struct sockaddr_un){.sun_family = AF_UNIX}, 2));
		OK(getsockname(s, (struct sockaddr *)&got[i], &size));
		EQ(size, NAME_OFFSET + 6);
		EQ(got[i].sun_path[0], 0);
		for (int k = 1; k <= 5; k++)
			YES(strchr("0123456789abcdef", got[i].sun_path[k]) != NULL);
		OK(bind(s, (struct sockaddr *)&(struct sockaddr_un){.sun_family = AF_UNIX}, 2));
	}
	YES(memcmp(got[0].sun_path, got[1].sun_path, 6) != 0);
}

TEST(the_table_in_proc)
{
	own_directory();
	struct name p = path_name("sock-of-the-table"), a = abstract_name("table");
	int s = new_listener(SOCK_STREAM, &p, 5), d = new_bound(SOCK_DGRAM, &a);
	struct stat st;
	static char text[1 << 16];
	unsigned refs, protocol, flags, type, state;
	unsigned long inode;
	char *line;
	YES(file_read("/proc/net/unix", text, sizeof text) > 0);
	EQ(strncmp(text, "Num       RefCount Protocol Flags    Type St Inode Path\n", 56), 0);
	line = strstr(text, "sock-of-the-table");
	YES(line != NULL);
	while (line > text && line[-1] != '\n')
		line--;
	EQ(sscanf(line, "%*x: %x %x %x %x %x %lu", &refs, &protocol, &flags, &type, &state, &inode),
	   6);
	OK(fstat(s, &st));
	EQ(inode, st.st_ino);
	EQ(flags, 0x10000);
	EQ(type, SOCK_STREAM);
	EQ(state, 1);
	sprintf(buffer, " @test-%d-table\n", (int)getpid());
	YES(strstr(text, buffer) != NULL);
	close(d);
	YES(file_read("/proc/net/unix", text, sizeof text) > 0);
	YES(strstr(text, buffer) == NULL);
}

TEST(who_waits_for_room_needs_the_name_no_more)
{
	own_directory();
	struct name name = path_name("full");
	int to = new_bound(SOCK_DGRAM, &name), from = new_socket(SOCK_DGRAM);
	char c;
	pid_t child;
	int n = 0;
	while (send_name(from, "x", 1, MSG_DONTWAIT, &name) == 1)
		n++;
	CHILD(child)
	{
		EQ(send_name(from, "y", 1, 0, &name), 1);
	}
	until_asleep(child);
	OK(unlink("full"));
	while (n--)
		EQ(read(to, &c, 1), 1);
	REAP(child);
	EQ(read(to, &c, 1), 1);
	EQ(c, 'y');
}
