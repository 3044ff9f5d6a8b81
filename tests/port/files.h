/* Open files for the test worlds: a count, and perhaps a socket that closes with it. */
#pragma once
#include "kernel/ipc/port.h"

struct socket;
struct port_file {
	s32 refs; /* [a] */
	struct socket *socket;
};
/* => a file with one reference; takes over the socket's, NULL allowed. */
struct port_file *test_file_new(struct socket *s);
extern s32 test_files_open;      /* [a] files not yet closed */
extern s32 test_files_in_flight; /* [a] */
extern s32 test_flight_limit;    /* more than so many in flight are refused */
