"""What `make test` does: the list of jobs, each one boot of one image, or a run on this machine."""
import fnmatch
import glob
import os
import re
import subprocess

import session
from machine import SCALE, Hung, Machine
from tap import Results

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
# KERNEL=path runs all of this on another kernel, for instance Debian's: the tests of the tests.
RELEASE = os.environ.get("KERNEL") or os.path.join(BUILD, "halyard")
DEBUG = os.environ.get("KERNEL") or os.path.join(BUILD, "debug", "halyard")
INITRD = os.path.join(BUILD, "initramfs.cpio")
TEST_INITRD = os.path.join(BUILD, "test.cpio")
DEBIAN_INITRD = os.path.join(BUILD, "programs.cpio")
ISO = os.path.join(BUILD, "halyard.iso")


def programs():
    return sorted(path for path in glob.glob(os.path.join(BUILD, "tests", "*"))
                  if os.access(path, os.X_OK) and os.path.isfile(path))


def scripts():
    return sorted(glob.glob(os.path.join(TOP, "tests", "programs", "*.*")))


def transcripts():
    return sorted(glob.glob(os.path.join(TOP, "tests", "programs", "transcripts", "*.linux")))


def wanted(name, pattern):
    """Does PATTERN mean the case NAME (program.case)?"""
    return not pattern or any(fnmatch.fnmatch(part, pattern)
                              for part in (name, name.split(".")[0], name.split(".")[-1]))


def cases(pattern):
    """The names of all cases that PATTERN means."""
    names = []
    for program in programs():
        listed = subprocess.run([program, "-l"], capture_output=True, text=True, check=True)
        names += listed.stdout.split()
    for script in scripts():
        with open(script, encoding="utf-8") as text:
            names += re.findall(r"^#: (\S+)$", text.read(), re.M)
    for transcript in transcripts():
        program = os.path.basename(transcript).removesuffix(".linux")
        with open(transcript, encoding="utf-8") as text:
            names += [f"{program}.{name}" for name in re.findall(r"^== (\S+)$", text.read(), re.M)]
    return [name for name in names if wanted(name, pattern)]


def program_cases(pattern, when=("always", "soak")):
    """The names of the cases with Debian's programs that PATTERN means."""
    with open(os.path.join(TOP, "tests", "programs", "debian", "cases"), encoding="utf-8") as text:
        rows = [line.split()[:2] for line in text if line.strip() and line[0] != "#"]
    return [name for name, row_when in rows if row_when in when and wanted(name, pattern)]


class Job:
    def __init__(self, name, weight, action):
        self.name, self.weight, self.action = name, weight, action

    def run(self, pattern):
        return self.action(pattern)

    def has(self, pattern):
        return False


class CaseJob(Job):
    """A job whose cases, listed by LISTED, can be selected one by one."""

    def __init__(self, name, weight, action, listed=cases):
        super().__init__(name, weight, action)
        self.listed = listed

    def has(self, pattern):
        return bool(self.listed(pattern))


class SelftestJob(Job):
    """Names of self-tests are known to the image only: any pattern that names no case may mean one."""

    def has(self, pattern):
        return not cases(pattern) and not program_cases(pattern)


def on_this_machine(pattern):
    """The same programs on the Linux that we run on: the oracle. Needs root for namespaces."""
    results = Results()
    isolate = ["unshare", "--ipc"]
    if subprocess.run(isolate + ["true"], capture_output=True).returncode:
        # Results here say nothing about Halyard: in a container without rights, say so and go on.
        print("note: this machine does not allow IPC namespaces; the comparison with it is left out")
        return results
    environment = dict(os.environ, TEST_SCALE=str(max(1, round(SCALE))))
    run = subprocess.run(isolate + [os.path.join(TOP, "tests", "programs", "all"), pattern or ""],
                         capture_output=True, text=True, errors="replace", env=environment,
                         stdin=subprocess.DEVNULL, timeout=600 * SCALE, check=False)
    results = Results(run.stdout)
    results.require(cases(pattern))
    if not has_terminals():
        print("note: this machine has no pseudo-terminals; the comparison of terminal.* is left out")
        for name in [name for name in results.failed if name.startswith("terminal.")]:
            del results.failed[name]
    return results


def has_terminals():
    try:
        os.close(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
        return True
    except OSError:
        return False


def booted_tests(kernel, smp, name, initrd, program, required, append="", mem="1G", limit=600, silence=120):
    """Boots to PROGRAM, which prints results: those that REQUIRED(pattern) names, and no leak."""
    def action(pattern):
        options = f"quiet run={program} scale={max(2, round(2 * SCALE))} {append}"
        if pattern:
            options += f" pattern={pattern}"
        with Machine(kernel, initrd, options, smp=smp, mem=mem) as vm:
            problem = None
            try:
                vm.run(limit, silence)
                if not re.search(f"^run: {program} ended with status 0$", vm.text, re.M):
                    problem = "no orderly end; last seen:\n" + vm.tail()
            except Hung as hung:
                problem = str(hung)
            keep(f"{name}-{smp}", vm.text)
            results = Results(vm.text)
            results.require(required(pattern))
            if problem and not results.failed:
                results.add(f"{name} on {smp}", problem)
            elif problem:
                results.failed["the machine"] = ["# " + line for line in problem.splitlines()]
            results.add("power-off leaves nothing behind", leak(vm.text))
            return results
    return action


def conformance(kernel, smp):
    name = "conformance" if kernel == RELEASE else "conformance-debug"
    return booted_tests(kernel, smp, name, TEST_INITRD, "/tests/all", cases)


# make soak: so many times as much of each of Debian's programs, and those that are long anyhow.
SOAK = int(os.environ.get("SOAK", "1"))


def debian(kernel, smp):
    def required(pattern):
        return program_cases(pattern, ("always", "soak") if SOAK > 1 or pattern else ("always",))
    name = "debian" if kernel == RELEASE else "debian-debug"
    return booted_tests(kernel, smp, name, DEBIAN_INITRD, "/tests/debian/run", required,
                        f"soak={SOAK}", "2G", 900 * SOAK, 300 * SOAK)


def debian_jobs():
    # They sleep half of their time: two boots may share the processors, however many they show their guests.
    return [CaseJob(f"Debian's programs, {n} CPU{'s' * (n > 1)}", 1, debian(RELEASE, n),
                    program_cases) for n in (1, 2, 4)]


def leak(text):
    """What the debug image's report at power-off complains about, or None."""
    lines = [line for line in text.splitlines() if re.search(r"\bleak(s|ed)?\b", line, re.I)]
    bad = [line for line in lines if not re.search(r"\b(0|no|none|zero)\b", line)]
    return "\n".join(bad) or None


# What the kernel writes to the debug-exit port when all passed, as QEMU reports it: 16 << 1 | 1.
PASSED = 33

# What a test runner says that was given a pattern for somebody else's tests.
NONE_MATCHES = re.compile(r"^1\.\.0\s*$|^no simulation test matches$", re.M)


def selftest(smp):
    def action(pattern):
        word = f"selftest={pattern}" if pattern else "selftest"
        with Machine(DEBUG, None, word, smp=smp,
                     extra=["-device", "isa-debug-exit,iobase=0xf4,iosize=0x4"]) as vm:
            try:
                status = vm.run(limit=300)
                problem = None if status == PASSED else f"QEMU's exit status {status}\n" + vm.tail()
            except Hung as hung:
                problem = str(hung)
            keep(f"selftest-{smp}", vm.text)
            results = Results(vm.text)
            if pattern and NONE_MATCHES.search(vm.text):
                return results
            if problem and not results.failed:
                results.add(f"selftest on {smp}", problem)
            elif not results.passed and not results.failed and not pattern:
                results.add(f"selftest on {smp}", "no test ran\n" + vm.tail())
            return results
    return action


def keep(name, text):
    """The whole output stays for reading: build/log/NAME."""
    os.makedirs(os.path.join(BUILD, "log"), exist_ok=True)
    with open(os.path.join(BUILD, "log", name + ".log"), "w", encoding="utf-8") as out:
        out.write(text)


def booted(name, **machine):
    """Boots to the shell, asks it for one sum, and leaves with `exit`."""
    def action(_pattern):
        results = Results()
        with Machine(**machine) as vm:
            try:
                session.boot_and_leave(vm)
                results.add(name)
            except (Hung, AssertionError) as problem:
                results.add(name, str(problem))
            keep(name, vm.text)
        return results
    return action


def interactive(_pattern):
    results = Results()
    with Machine(RELEASE, INITRD, "quiet", smp=2) as vm:
        session.typed_session(vm, results)
        keep("session", vm.text)
    return results


def hosted(program, name):
    """The IPC module built for this machine, under the sanitizers: on pthreads, or simulated."""
    def action(pattern):
        command = [os.path.join(BUILD, program)] + ([pattern] if pattern else [])
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0") if name == "sim" else None
        run = subprocess.run(command, capture_output=True, text=True, errors="replace",
                             stdin=subprocess.DEVNULL, timeout=600 * SCALE, check=False,
                             env=environment)
        text = run.stdout + run.stderr
        keep(name, text)
        results = Results(text)
        if pattern and NONE_MATCHES.search(text):
            return results
        if run.returncode and not results.failed:
            results.add(name, f"exit status {run.returncode}\n" + "\n".join(text.splitlines()[-15:]))
        elif not results.passed and not results.failed and not pattern:
            results.add(name, "no test ran")
        return results
    return action


def all_jobs():
    if SOAK > 1:
        return debian_jobs() + [CaseJob("Debian's programs, debug image", 2, debian(DEBUG, 4),
                                        program_cases)]
    # In this order as far as they fit on the processors: first what takes several, then long before short, so that
    # none is idle at the end.
    direct = {"kernel": RELEASE, "initrd": INITRD, "append": "quiet"}
    only_here = not os.environ.get("KERNEL")
    found = []
    if only_here:
        found += [SelftestJob(f"selftest, {n} CPU{'s' * (n > 1)}", min(n, 2), selftest(n)) for n in (2, 4)]
        found += [CaseJob("conformance, debug image", 2, conformance(DEBUG, 2))]
    found += [
        CaseJob("conformance, 2 CPUs", 2, conformance(RELEASE, 2)),
        CaseJob("conformance, 4 CPUs", 2, conformance(RELEASE, 4)),
        Job("boot: 16 CPUs, 256 MiB", 2, booted("boot-16", smp=16, mem="256M", **direct)),
    ]
    if only_here:
        found += [SelftestJob("IPC module, simulated", 1, hosted("sim/run", "sim"))]
    found += debian_jobs() + [
        CaseJob("conformance, 1 CPU", 1, conformance(RELEASE, 1)),
        CaseJob("Linux, this machine", 1, on_this_machine),
        Job("a person at the shell", 1, interactive),
        Job("boot: -cpu max", 1, booted("boot-cpu-max", smp=2, cpu="max", **direct)),
        Job("boot: icount", 1, booted("boot-icount", smp=1,
                                      extra=["-icount", "shift=0,sleep=off"], **direct)),
    ]
    if only_here:
        found += [
            SelftestJob("selftest, 1 CPU", 1, selftest(1)),
            SelftestJob("IPC module on pthreads", 1, hosted("host/run", "host")),
            Job("boot: GRUB image", 1, booted("boot-iso", smp=2, cdrom=ISO)),
        ]
    return found
