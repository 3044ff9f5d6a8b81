"""A QEMU machine with its serial line in our hands: start, read, type, wait for the end."""
import os
import re
import select
import subprocess
import time


def _speed():
    """How many times slower than the machine that the limits were set on; at least 1."""
    start = time.perf_counter()
    total = 0
    for i in range(1_000_000):
        total += i & 3
    return max(1.0, (time.perf_counter() - start) / 0.06)


# Every time limit is multiplied by this: a slow or busy machine is not a failure.
SCALE = min(8.0, _speed() * float(os.environ.get("TEST_SCALE", "1")))


class Hung(Exception):
    """The machine said nothing, or not what was waited for, within the limit."""


class Machine:
    def __init__(self, kernel=None, initrd=None, append="", smp=1, mem="512M", cpu=None, extra=(),
                 cdrom=None):
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi" if smp > 1 else "tcg",
                   "-smp", str(smp), "-m", mem, "-display", "none", "-monitor", "none",
                   "-serial", "stdio", "-no-reboot"]
        if cpu:
            command += ["-cpu", cpu]
        if cdrom:
            command += ["-cdrom", cdrom]
        else:
            command += ["-kernel", kernel, "-append", "console=ttyS0 " + append]
            if initrd:
                command += ["-initrd", initrd]
        command += list(extra)
        if "-icount" in command:
            command[2] = "tcg"
        self.command = command
        self.text = ""          # all output so far
        self.seen = 0           # up to here it has been matched
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _read(self, limit):
        """Appends what comes within LIMIT seconds; False at the end of the output."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, limit))
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        self.text += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern, limit=20):
        """Waits until PATTERN appears after what has been matched before; returns the match."""
        end = time.monotonic() + limit * SCALE
        regex = re.compile(pattern, re.M)
        while True:
            match = regex.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            left = end - time.monotonic()
            if left <= 0:
                raise Hung(f"no {pattern!r} within {limit * SCALE:.0f} s; last seen:\n"
                           + self.tail())
            if not self._read(left):
                raise Hung(f"the machine ended before {pattern!r}; last seen:\n" + self.tail())

    def send(self, text):
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Hung("the machine has ended; last seen:\n" + self.tail()) from None

    def run(self, limit, silence=120):
        """Lets it run to its end; returns QEMU's exit status. SILENCE: the longest pause allowed."""
        end = time.monotonic() + limit * SCALE
        quiet = time.monotonic() + silence * SCALE
        while True:
            now = time.monotonic()
            before = len(self.text)
            if not self._read(min(end, quiet) - now):
                return self.process.wait()
            if len(self.text) > before:
                quiet = time.monotonic() + silence * SCALE
            elif time.monotonic() >= min(end, quiet):
                raise Hung(f"still running after {limit * SCALE:.0f} s, or silent for "
                           f"{silence * SCALE:.0f} s; last seen:\n" + self.tail())

    def tail(self, lines=15):
        return "\n".join("    | " + line for line in self.text.splitlines()[-lines:])
