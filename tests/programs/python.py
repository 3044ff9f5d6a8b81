"""Debian's python3, dynamically linked: semget, semop and semctl through libc, threads, pipes.
#: python.version
#: python.values
#: python.nowait
#: python.meeting
#: python.undo
#: python.time_out
#: python.threads
#: python.subprocess
#: python.big_numbers
"""
import ctypes
import errno
import fnmatch
import os
import signal
import struct
import subprocess
import sys
import threading
import time

IPC_CREAT, IPC_NOWAIT, SEM_UNDO = 0o1000, 0o4000, 0o10000
IPC_RMID, GETVAL, GETALL, GETNCNT, SETVAL, SETALL = 0, 12, 13, 14, 16, 17
libc = ctypes.CDLL(None, use_errno=True)
number = 0


class Set:
    def __init__(self, n):
        self.id = libc.semget(0, n, IPC_CREAT | 0o600)
        assert self.id >= 0, os.strerror(ctypes.get_errno())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        libc.semctl(self.id, 0, IPC_RMID)

    def op(self, *ops, limit=None):
        array = b"".join(struct.pack("Hhh", *op) for op in ops)
        spec = struct.pack("qq", int(limit), int(limit % 1 * 1e9)) if limit is not None else None
        if libc.semtimedop(self.id, array, ctypes.c_size_t(len(ops)), spec) == 0:
            return 0
        return ctypes.get_errno()

    def value(self, n, command=GETVAL):
        return libc.semctl(self.id, n, command)

    def set(self, n, value):
        libc.semctl(self.id, n, SETVAL, value)


def child(action):
    pid = os.fork()
    if pid == 0:
        os._exit(action())
    return pid


def version():
    return sys.version_info[0] == 3 and sys.maxsize == 2**63 - 1


def values():
    with Set(3) as s:
        libc.semctl(s.id, 0, SETALL, struct.pack("HHH", 1, 2, 3))
        s.op((0, 4, 0), (2, -1, 0))
        buffer = ctypes.create_string_buffer(6)
        libc.semctl(s.id, 0, GETALL, buffer)
        return struct.unpack("HHH", buffer.raw) == (5, 2, 2)


def nowait():
    with Set(1) as s:
        return s.op((0, -1, IPC_NOWAIT)) == errno.EAGAIN


def meeting():
    with Set(2) as s:
        pid = child(lambda: s.op((0, -1, 0)) or s.op((1, 1, 0)))
        first, second = s.op((0, 1, 0)), s.op((1, -1, 0))
        return os.waitpid(pid, 0)[1] == first == second == s.value(0) == s.value(1) == 0


def undo():
    with Set(1) as s:
        s.set(0, 1)

        def die():
            s.op((0, -1, SEM_UNDO))
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child(die), 0)
        return s.value(0) == 1


def time_out():
    with Set(1) as s:
        start = time.monotonic()
        result = s.op((0, -1, 0), limit=0.05)
        return result == errno.EAGAIN and time.monotonic() - start >= 0.05


def threads():
    with Set(1) as s:
        total = [0]
        s.set(0, 1)

        def work():
            for _ in range(50):
                s.op((0, -1, 0))
                total[0] += 1
                s.op((0, 1, 0))
        crew = [threading.Thread(target=work) for _ in range(8)]
        for t in crew:
            t.start()
        for t in crew:
            t.join()
        return total[0] == 400


def run_program():
    result = subprocess.run(["cat"], input=b"x" * 300000, stdout=subprocess.PIPE, check=True)
    return len(result.stdout) == 300000


def big_numbers():
    return pow(3, 20000, 10**9 + 7) == pow(9, 10000, 10**9 + 7)


for name, case in (("version", version), ("values", values), ("nowait", nowait), ("meeting", meeting),
                   ("undo", undo), ("time_out", time_out), ("threads", threads),
                   ("subprocess", run_program), ("big_numbers", big_numbers)):
    pattern = os.environ.get("PATTERN") or "*"
    if not any(fnmatch.fnmatch(part, pattern) for part in ("python." + name, "python", name)):
        continue
    number += 1
    try:
        problem = None if case() else "its condition does not hold"
    except Exception as what:
        problem = f"{type(what).__name__}: {what}"
    if problem:
        print(f"# {problem}\n# once more, alone: make test T=python.{name}")
    print(f"{'not ' if problem else ''}ok {number} - python.{name}", flush=True)
