/* Local sockets on the host: streams and datagrams of all sizes, and crowds of threads, under the sanitizers. */
#include <string.h>
#include "kernel/ipc/socket/rights.h"
#include "tests/host/host.h"
#include "tests/port/files.h"

static ssize put(struct socket *s, const void *data, size_t n, u64 deadline)
{
	struct port_io io = {.base = (char *)data, .left = n};
	struct socket_outgoing out = {.deadline = deadline, .no_signal = true};
	return socket_send(s, &io, &out);
}
static ssize get(struct socket *s, void *data, size_t n, u64 deadline)
{
	struct port_io io = {.base = data, .left = n};
	struct socket_incoming in = {.deadline = deadline};
	ssize got = socket_receive(s, &io, &in);
	if (got >= 0)
		socket_incoming_put(&in);
	return got;
}

struct pair {
	struct socket *a, *b;
};
static struct pair pair_new(enum socket_type type)
{
	struct pair p = {socket_new(type), socket_new(type)};
	ASSERT(p.a && p.b);
	socket_pair(p.a, p.b);
	return p;
}
static void pair_close(struct pair p)
{
	socket_close(p.a);
	socket_close(p.b);
}

TEST(socket_stream_keeps_its_bytes_in_order)
{
	struct pair p = pair_new(SOCKET_STREAM);
	static char out[90000], in[90000];
	u8 next_out = 0, next_in = 0;
	u64 under_way = 0;
	for (u32 round = 0; round < 2000; round++) {
		size_t n = host_random(4) ? host_random(50) : host_random(sizeof out);
		for (size_t i = 0; i < n; i++)
			out[i] = (char)(u8)(next_out + i);
		ssize wrote = put(p.a, out, n, 0);
		CHECK(wrote >= 0 || wrote == -EAGAIN);
		next_out += wrote > 0 ? wrote : 0;
		under_way += wrote > 0 ? (u64)wrote : 0;
		ssize got = get(p.b, in, host_random(sizeof in), 0);
		for (ssize i = 0; i < got; i++)
			CHECK_EQ((u8)in[i], next_in++);
		under_way -= got > 0 ? (u64)got : 0;
		CHECK_EQ(socket_unread(p.b), under_way);
		if (!host_random(20))
			socket_set_send_limit(p.a, 4608 + host_random(300000));
	}
	pair_close(p);
}

TEST(socket_datagrams_of_all_sizes)
{
	struct pair p = pair_new(SOCKET_DGRAM);
	static char out[220000], in[220000];
	for (u32 round = 0; round < 300; round++) {
		size_t n = host_random(3) ? host_random(5000) : host_random(212960);
		for (size_t i = 0; i < n; i++)
			out[i] = (char)(i * 5 + round);
		CHECK_EQ(put(p.a, out, n, 0), (ssize)n);
		CHECK_EQ(socket_unread(p.b), (s64)n);
		size_t room = host_random(2) ? sizeof in : host_random(sizeof in);
		CHECK_EQ(get(p.b, in, room, 0), (ssize)MIN(n, room));
		CHECK(!memcmp(out, in, MIN(n, room)));
		CHECK_EQ(load_relaxed(&p.a->unsent), 0);
	}
	CHECK_EQ(put(p.a, out, 212961, 0), -EMSGSIZE);
	pair_close(p);
}

/* --- Threads --- */

enum { WRITERS = 3, READERS = 3, EACH = 4000 };
static struct pair crowd;
static u64 sum_written, sum_read; /* [a] */

static void write_many(void *arg)
{
	u8 data[64];
	for (u32 i = 0; i < EACH; i++) {
		size_t n = 1 + (i * 7 + (u32)(uintptr_t)arg) % sizeof data;
		u64 sum = 0;
		for (size_t k = 0; k < n; k++)
			sum += data[k] = (u8)(i + k);
		CHECK_EQ(put(crowd.a, data, n, PORT_FOREVER), (ssize)n);
		__atomic_add_fetch(&sum_written, sum, __ATOMIC_RELAXED);
	}
}
static void read_many(void *arg)
{
	u8 data[50];
	ssize n;
	while ((n = get(crowd.b, data, sizeof data, PORT_FOREVER)) > 0) {
		u64 sum = 0;
		for (ssize k = 0; k < n; k++)
			sum += data[k];
		__atomic_add_fetch(&sum_read, sum, __ATOMIC_RELAXED);
	}
	CHECK_EQ(n, 0);
}

static void many_writers_many_readers(enum socket_type type)
{
	struct host_thread *w[WRITERS], *r[READERS];
	crowd = pair_new(type);
	sum_written = sum_read = 0;
	socket_set_send_limit(crowd.a, 4608);
	for (uintptr_t i = 0; i < READERS; i++)
		r[i] = host_spawn(read_many, NULL);
	for (uintptr_t i = 0; i < WRITERS; i++)
		w[i] = host_spawn(write_many, (void *)i);
	for (u32 i = 0; i < WRITERS; i++)
		host_join(w[i]);
	socket_shutdown(crowd.a, SOCKET_SHUT_WRITE);
	for (u32 i = 0; i < READERS; i++)
		host_join(r[i]);
	if (type == SOCKET_STREAM)
		CHECK_EQ(sum_read, sum_written);
	pair_close(crowd);
}
TEST(socket_stream_of_many_threads)
{
	many_writers_many_readers(SOCKET_STREAM);
}
TEST(socket_packets_of_many_threads)
{
	many_writers_many_readers(SOCKET_SEQPACKET);
}

/* Threads put files into each other's queues, take them out, drop them, close what they have. */
enum { PEOPLE = 3, HANDS = 6, TURNS = 3000 };

static void send_file(struct port_file *to, struct port_file *carry)
{
	struct port_io io = {.base = "x", .left = 1};
	struct socket_outgoing out = {.no_signal = true, .rights = socket_rights_new(1)};
	ASSERT(out.rights);
	port_file_get(carry);
	out.rights->files[out.rights->count++] = carry;
	(void)!socket_send(port_file_socket(to), &io, &out);
}
static struct port_file *take_file(struct port_file *from, bool peek)
{
	char c;
	struct port_io io = {.base = &c, .left = 1};
	struct socket_incoming in = {.peek = peek};
	struct port_file *f = NULL;
	if (socket_receive(port_file_socket(from), &io, &in) < 0)
		return NULL;
	if (in.rights) {
		f = in.rights->files[0];
		port_file_get(f);
	}
	socket_incoming_put(&in);
	return f;
}

static u32 next(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 10;
}

static void pass_around(void *arg)
{
	struct port_file *hands[HANDS] = {NULL};
	u32 seed = (u32)(uintptr_t)arg;
	for (u32 turn = 0; turn < TURNS; turn++) {
		u32 i = next(&seed) % HANDS, k = next(&seed) % HANDS;
		struct port_file *got;
		if (i != k && !hands[i] && !hands[k]) {
			struct pair p = pair_new(next(&seed) % 2 ? SOCKET_STREAM : SOCKET_DGRAM);
			hands[i] = test_file_new(p.a);
			hands[k] = test_file_new(p.b);
		} else if (!hands[i]) {
			continue;
		} else if (next(&seed) % 3 == 0) {
			port_file_put(TAKE(hands[i]));
		} else if (hands[k] && next(&seed) % 2) {
			send_file(hands[i], hands[k]);
		} else if ((got = take_file(hands[i], next(&seed) % 3 == 0))) {
			port_file_put(TAKE(hands[i]));
			hands[i] = got;
		}
	}
	for (u32 i = 0; i < HANDS; i++)
		if (hands[i])
			port_file_put(hands[i]);
}

TEST(socket_files_passed_around_all_end)
{
	struct host_thread *t[PEOPLE];
	s32 before = load_relaxed(&test_files_open);
	for (uintptr_t i = 0; i < PEOPLE; i++)
		t[i] = host_spawn(pass_around, (void *)(i + 1));
	for (u32 i = 0; i < PEOPLE; i++)
		host_join(t[i]);
	socket_collect();
	CHECK_EQ(load_relaxed(&test_files_open), before);
	CHECK_EQ(load_relaxed(&test_files_in_flight), 0);
}

TEST(socket_flight_is_refused_beyond_the_limit)
{
	struct pair p = pair_new(SOCKET_STREAM);
	struct port_file *f = test_file_new(NULL), *a = test_file_new(p.a);
	test_flight_limit = 2;
	for (u32 i = 0; i < 5; i++)
		send_file(a, f);
	test_flight_limit = INT32_MAX;
	CHECK_EQ(load_relaxed(&test_files_in_flight), 3);
	CHECK_EQ(socket_unread(p.b), 3);
	port_file_put(f);
	port_file_put(a);
	socket_close(p.b);
	CHECK_EQ(load_relaxed(&test_files_in_flight), 0);
}

/* A walk through all sockets meets those that stay, once each, whoever comes and goes beside it. */
enum { WALKS = 300 };
static u32 walks_over; /* [a] */

static void come_and_go(void *arg)
{
	while (!load_relaxed(&walks_over))
		pair_close(pair_new(SOCKET_STREAM));
}
TEST(socket_walk_meets_each_that_stays_once)
{
	struct host_thread *t[3];
	struct pair kept[4];
	store_relaxed(&walks_over, 0u);
	for (int i = 0; i < 3; i++)
		t[i] = host_spawn(come_and_go, NULL);
	for (int i = 0; i < 4; i++)
		kept[i] = pair_new(SOCKET_DGRAM);
	for (int walk = 0; walk < WALKS; walk++) {
		u32 met[4] = {0};
		for (struct socket *s = NULL; (s = socket_next(s));)
			for (int i = 0; i < 4; i++)
				met[i] += s == kept[i].a || s == kept[i].b;
		for (int i = 0; i < 4; i++)
			CHECK_EQ(met[i], 2);
	}
	store_relaxed(&walks_over, 1u);
	for (int i = 0; i < 3; i++)
		host_join(t[i]);
	for (int i = 0; i < 4; i++)
		pair_close(kept[i]);
}
