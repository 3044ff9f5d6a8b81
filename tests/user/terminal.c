/* Terminals through pseudo-terminals: line discipline, job control, sessions, hang-up. */
#include "harness.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char slave_name[32];

static void open_pair(void)
{
	int zero = 0;
	unsigned n;
	master = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	MUST(ioctl(master, TIOCSPTLCK, &zero));
	MUST(ioctl(master, TIOCGPTN, &n));
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%u", n);
	slave = MUST(open(slave_name, O_RDWR | O_NOCTTY));
}
static struct termios settings(void)
{
	struct termios t;
	MUST(tcgetattr(slave, &t));
	return t;
}
static void change(tcflag_t set, tcflag_t clear)
{
	struct termios t = settings();
	t.c_lflag = (t.c_lflag | set) & ~clear;
	MUST(tcsetattr(slave, TCSANOW, &t));
}
static int ready(int fd, short events)
{
	struct pollfd f = {.fd = fd, .events = events};
	return poll(&f, 1, 0) == 1 && f.revents & events;
}
/* Linux hands over what was typed in a worker; asking the slave waits for it. */
static void type(const char *text)
{
	EQ(write(master, text, strlen(text)), strlen(text));
	ready(slave, POLLIN);
}
/* Reads as much as is wanted, so that pieces do not matter. */
static const char *reads(int fd, size_t want)
{
	static char buffer[8192];
	size_t got = 0;
	while (got < want) {
		ssize_t n = read(fd, buffer + got, want - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	buffer[got] = 0;
	return buffer;
}
#define ECHOED(text) STREQ(reads(master, strlen(text)), text)
#define READS(text)  STREQ(reads(slave, strlen(text)), text)
static int waiting(int fd)
{
	int n = -1;
	OK(ioctl(fd, FIONREAD, &n));
	return n;
}
TEST(defaults_are_those_of_linux)
{
	open_pair();
	struct termios t = settings();
	EQ(t.c_iflag, ICRNL | IXON);
	EQ(t.c_oflag, OPOST | ONLCR);
	EQ(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
	EQ(t.c_cflag & (CSIZE | CREAD), CS8 | CREAD);
	EQ(t.c_cc[VINTR], 3);
	EQ(t.c_cc[VERASE], 127);
	EQ(t.c_cc[VMIN], 1);
	YES(isatty(slave) && isatty(master));
}

TEST(lines_are_edited_and_echoed)
{
	open_pair();
	type("helxx\x7f\x7flo\r");
	ECHOED("helxx\b \b\b \blo\r\n");
	READS("hello\n");
	type("one two\x17"
	     "2\n");
	ECHOED("one two\b \b\b \b\b \b2\r\n");
	READS("one 2\n");
	type("gone\x15"
	     "left\n");
	ECHOED("gone\b \b\b \b\b \b\b \bleft\r\n");
	READS("left\n");
	type("a\tb\x7f\x7f"
	     "c\n");
	ECHOED("a\tb\b \b\b\b\b\b\b\b\bc\r\n");
	READS("ac\n");
	type("\x16\x03\x01\x7fx\n");
	ECHOED("^\b^C^A\b \b\b \bx\r\n");
	READS("\x03x\n");
	type("ab\x12\n");
	ECHOED("ab^R\r\nab\r\n");
	READS("ab\n");
}

TEST(nothing_is_readable_before_the_line_ends)
{
	open_pair();
	type("abc");
	YES(!ready(slave, POLLIN));
	EQ(waiting(slave), 0);
	type("\n");
	YES(ready(slave, POLLIN));
	EQ(waiting(slave), 4);
	char c[2];
	EQ(read(slave, c, 2), 2);
	EQ(waiting(slave), 2);
	READS("c\n");
}

TEST(end_of_file_and_what_is_before_it)
{
	open_pair();
	char buffer[8];
	type("\x04");
	EQ(read(slave, buffer, sizeof(buffer)), 0);
	type("abc\x04");
	EQ(read(slave, buffer, sizeof(buffer)), 3);
	type("12345678\x04next\n");
	EQ(read(slave, buffer, 8), 8);
	EQ(read(slave, buffer, 8), 5); /* the end of file went with the full buffer */
	int flags = MUST(fcntl(slave, F_GETFL));
	MUST(fcntl(slave, F_SETFL, flags | O_NONBLOCK));
	FAILS(read(slave, buffer, 8), EAGAIN);
}

TEST(a_line_holds_4095_bytes_and_its_newline)
{
	open_pair();
	change(0, ECHO);
	char buffer[8192];
	memset(buffer, 'x', 5000);
	for (int i = 0; i < 5000; i += 500) {
		EQ(write(master, buffer, 500), 500);
		ready(slave, POLLIN);
	}
	type("\n");
	EQ(read(slave, buffer, sizeof(buffer)), 4096);
	EQ(buffer[4095], '\n');
	EQ(buffer[4094], 'x');
}

TEST(raw_mode_and_vmin_vtime)
{
	open_pair();
	struct termios t = settings();
	char buffer[8];
	cfmakeraw(&t);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	MUST(tcsetattr(slave, TCSANOW, &t));
	type("\x03\r");
	YES(!ready(slave, POLLIN));
	type("x");
	YES(ready(slave, POLLIN));
	EQ(read(slave, buffer, 8), 3);
	EQ(memcmp(buffer, "\x03\rx", 3), 0);
	t.c_cc[VMIN] = 0;
	MUST(tcsetattr(slave, TCSANOW, &t));
	EQ(read(slave, buffer, 8), 0);
	t.c_cc[VTIME] = 1;
	MUST(tcsetattr(slave, TCSANOW, &t));
	int64_t start = now_ns();
	EQ(read(slave, buffer, 8), 0);
	YES(now_ns() - start >= 100000000);
	t.c_cc[VMIN] = 5;
	MUST(tcsetattr(slave, TCSANOW, &t));
	type("ab");
	start = now_ns();
	EQ(read(slave, buffer, 8), 2); /* the gap after the last byte ends it */
	YES(now_ns() - start >= 100000000);
	type("abcdefgh");
	EQ(read(slave, buffer, 8), 8);
}

TEST(output_is_processed)
{
	open_pair();
	EQ(write(slave, "a\nb\tc\n", 6), 6);
	ECHOED("a\r\nb\tc\r\n");
	struct termios t = settings();
	t.c_oflag = OPOST | TABDLY | OCRNL;
	MUST(tcsetattr(slave, TCSANOW, &t));
	EQ(write(slave, "b\tc\r", 4), 4);
	ECHOED("b       c\n");
	t.c_oflag = 0;
	MUST(tcsetattr(slave, TCSANOW, &t));
	EQ(write(slave, "x\ny", 3), 3);
	ECHOED("x\ny");
}

TEST(stop_and_start_characters)
{
	pid_t child;
	open_pair();
	type("\x13");
	YES(!ready(slave, POLLOUT));
	CHILD(child) EQ(write(slave, "held", 4), 4);
	until_asleep(child);
	YES(!ready(master, POLLIN));
	type("\x11");
	ECHOED("held");
	REAP(child);
}

TEST(flush_and_queue_lengths)
{
	open_pair();
	change(0, ECHO);
	type("one\ntwo\n");
	EQ(waiting(slave), 8);
	OK(tcflush(slave, TCIFLUSH));
	EQ(waiting(slave), 0);
	YES(!ready(slave, POLLIN));
	FAILS(tcflush(slave, 7), EINVAL);
	FAILS(ioctl(slave, TCXONC, 9), EINVAL);
	OK(tcdrain(slave) | 0);
}

TEST(switching_modes_keeps_what_was_typed)
{
	open_pair();
	change(0, ECHO);
	type("abc");
	change(0, ICANON);
	EQ(waiting(slave), 3);
	change(ICANON, 0);
	READS("abc");
}

TEST(window_size)
{
	open_pair();
	struct winsize w;
	OK(ioctl(slave, TIOCGWINSZ, &w));
	EQ(w.ws_row, 0);
	w = (struct winsize){.ws_row = 24, .ws_col = 80};
	OK(ioctl(master, TIOCSWINSZ, &w));
	w.ws_col = 0;
	OK(ioctl(slave, TIOCGWINSZ, &w));
	EQ(w.ws_row, 24);
	EQ(w.ws_col, 80);
}

/* A session of its own with the slave as its terminal. */
static void become_session(void)
{
	MUST(setsid());
	MUST(ioctl(slave, TIOCSCTTY, 0));
}

TEST(interrupt_reaches_the_foreground_group_and_flushes)
{
	pid_t child;
	open_pair();
	CHILD(child)
	{
		become_session();
		on_signal(SIGINT, count_signal, 0);
		type("typed\x03");
		EQ(signals_seen, 1);
		EQ(waiting(slave), 0);
		type("x\n");
		READS("x\n");
		on_signal(SIGWINCH, count_signal, 0);
		struct winsize w = {.ws_row = 5};
		OK(ioctl(slave, TIOCSWINSZ, &w));
		EQ(signals_seen, 2);
		OK(ioctl(slave, TIOCSWINSZ, &w)); /* no change, no signal */
		EQ(signals_seen, 2);
	}
	REAP(child);
}

TEST(controlling_terminal_rules)
{
	pid_t child;
	open_pair();
	FAILS(tcgetpgrp(slave), ENOTTY);
	FAILS(ioctl(slave, TIOCSCTTY, 0), EPERM);
	FAILS(ioctl(slave, TIOCNOTTY), ENOTTY);
	CHILD(child)
	{
		MUST(setsid());
		FAILS(open("/dev/tty", O_RDWR), ENXIO);
		FAILS(tcgetsid(slave), ENOTTY);
		int fd = MUST(open(slave_name, O_RDWR)); /* no O_NOCTTY: takes it */
		EQ(tcgetpgrp(fd), getpid());
		EQ(tcgetsid(fd), getpid());
		int tty = MUST(open("/dev/tty", O_RDWR));
		EQ(tcgetpgrp(tty), getpid());
		OK(ioctl(fd, TIOCSCTTY, 0)); /* has it already */
		FAILS(tcsetpgrp(fd, -1), EINVAL);
		FAILS(tcsetpgrp(fd, 999999), ESRCH);
		FAILS(tcsetpgrp(fd, getppid()), EPERM);
		FAILS(ioctl(fd, TIOCSPGRP, (void *)8), EFAULT);
		EQ(tcgetpgrp(master), getpid());
	}
	REAP(child);
	CHILD(child)
	{
		MUST(setsid());
		int fd = MUST(open(slave_name, O_WRONLY)); /* may not read: does not take it */
		FAILS(tcgetpgrp(fd), ENOTTY);
		fd = MUST(open(slave_name, O_RDWR | O_NOCTTY));
		FAILS(tcgetpgrp(fd), ENOTTY);
	}
	REAP(child);
}

TEST(background_reads_and_settings_stop_the_group)
{
	pid_t leader;
	open_pair();
	CHILD(leader)
	{
		become_session();
		pid_t job;
		int status;
		CHILD(job)
		{
			char c;
			setpgid(0, 0);
			FAILS(read(slave, &c, 1),
			      EINTR); /* unreachable but by SIGCONT with a handler */
		}
		setpgid(job, job);
		MUST(waitpid(job, &status, WUNTRACED));
		YES(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
		kill(job, SIGKILL);
		reap(job);
		CHILD(job)
		{
			setpgid(0, 0);
			struct termios t = settings();
			tcsetattr(slave, TCSANOW, &t);
		}
		setpgid(job, job);
		MUST(waitpid(job, &status, WUNTRACED));
		YES(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
		kill(job, SIGKILL);
		reap(job);
		CHILD(job)
		{
			char c;
			setpgid(0, 0);
			signal(SIGTTIN, SIG_IGN);
			FAILS(read(slave, &c, 1), EIO);
			EQ(write(slave, "y", 1), 1); /* no TOSTOP: anybody may write */
			signal(SIGTTOU, SIG_IGN);
			struct termios t = settings();
			t.c_lflag |= TOSTOP;
			OK(tcsetattr(slave, TCSANOW, &t));
			EQ(write(slave, "z", 1), 1);
		}
		REAP(job);
		CHILD(job)
		{
			setpgid(0, 0);
			write(slave, "n", 1);
		}
		setpgid(job, job);
		MUST(waitpid(job, &status, WUNTRACED));
		YES(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
		kill(job, SIGKILL);
		reap(job);
	}
	REAP(leader);
}

TEST(a_waiting_reader_is_woken_by_a_line_and_by_a_signal)
{
	pid_t child;
	open_pair();
	on_signal(SIGUSR1, count_signal, 0);
	CHILD(child)
	{
		READS("line\n");
		char c;
		EQ(read(slave, &c, 1) < 0 && errno == EINTR, 1);
	}
	until_asleep(child);
	type("line\n");
	UNTIL(state_of(child) == 'S' && !ready(slave, POLLIN));
	kill(child, SIGUSR1);
	UNTIL(kill(child, SIGUSR1) == 0 && (state_of(child) == 'Z' || state_of(child) == 0));
	REAP(child);
}

TEST(closing_the_master_hangs_up)
{
	pid_t child;
	int *up = shared(sizeof(int));
	open_pair();
	CHILD(child)
	{
		become_session();
		close(master);
		on_signal(SIGHUP, count_signal, 0);
		*up = 1;
		UNTIL(signals_seen);
		char c;
		EQ(read(slave, &c, 1), 0);
		FAILS(write(slave, "x", 1), EIO);
		struct termios t;
		FAILS(tcgetattr(slave, &t), EIO);
		struct pollfd f = {.fd = slave, .events = POLLIN};
		EQ(poll(&f, 1, 0), 1);
		YES(f.revents & POLLHUP);
		FAILS(open("/dev/tty", O_RDWR), ENXIO);
		FAILS(open(slave_name, O_RDWR), ENOENT);
	}
	UNTIL(*(volatile int *)up);
	close(slave);
	close(master);
	REAP(child);
}

TEST(the_master_sees_the_last_slave_close)
{
	open_pair();
	EQ(write(slave, "last", 4), 4);
	close(slave);
	ECHOED("last");
	char c;
	FAILS(read(master, &c, 1), EIO);
	struct pollfd f = {.fd = master, .events = POLLIN};
	EQ(poll(&f, 1, 0), 1);
	YES(f.revents & POLLHUP);
	slave = MUST(open(slave_name, O_RDWR | O_NOCTTY));
	EQ(write(slave, "back", 4), 4);
	ECHOED("back");
}

TEST(locked_slaves_cannot_be_opened)
{
	unsigned n;
	char name[32];
	int fd = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	MUST(ioctl(fd, TIOCGPTN, &n));
	snprintf(name, sizeof(name), "/dev/pts/%u", n);
	FAILS(open(name, O_RDWR | O_NOCTTY), EIO);
	close(fd);
	FAILS(open(name, O_RDWR | O_NOCTTY), ENOENT);
}

TEST(terminal_errors)
{
	open_pair();
	FAILS(lseek(slave, 0, SEEK_CUR), ESPIPE);
	FAILS(ioctl(slave, 0x1234, 0), ENOTTY);
	FAILS(ioctl(slave, TCGETS, (void *)8), EFAULT);
	FAILS(ioctl(slave, TCSETS, (void *)8), EFAULT);
	FAILS(write(slave, (void *)8, 3), EFAULT);
	type("x\n");
	FAILS(read(slave, (void *)8, 3), EFAULT);
	EQ(read(slave, NULL, 0), 0);
}
