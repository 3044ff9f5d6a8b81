"""Sessions at the serial line, typed as a person types them."""
import os

from machine import Hung

PROMPT = r"root@halyard:[^\n]*# (\x1b\[6n)?"


def to_prompt(vm, limit=20):
    vm.expect(PROMPT, limit)


def boot_and_leave(vm):
    to_prompt(vm, limit=60)
    vm.send("echo $((6 * 7)) answer\n")
    vm.expect(r"^42 answer$")
    to_prompt(vm)
    vm.send("exit\n")
    status = vm.run(limit=30)
    assert status == 0, f"QEMU ended with status {status}"


def command(text, *outputs):
    """Type a line; each of OUTPUTS (patterns) must appear, in order; then the prompt."""
    def step(vm):
        vm.send(text + "\n")
        for pattern in outputs:
            vm.expect(pattern)
        to_prompt(vm)
    return step


def start(vm, program="sleep 1000"):
    """A foreground job that says when it runs: a key pressed earlier would go to the shell."""
    vm.send(f"sh -c 'echo up; exec {program}'\n")
    vm.expect(r"^up$")


def interrupt(vm):
    start(vm)
    vm.send("\x03")
    to_prompt(vm)
    vm.send("echo status $?\n")
    vm.expect(r"^status 130$")
    to_prompt(vm)


def interrupt_pipeline(vm):
    vm.send("(echo up >&2; yes) | cat > /dev/null\n")
    vm.expect(r"^up$")
    vm.send("\x03")
    to_prompt(vm)
    vm.send("ps | grep -c '[y]es$'\n")
    vm.expect(r"^0$")
    to_prompt(vm)


def stop_and_resume(vm):
    start(vm, "cat")
    vm.send("one line\n")
    vm.expect(r"one line\none line\n")
    vm.send("\x1a")
    vm.expect(r"Stopped")
    to_prompt(vm)
    vm.send("jobs\n")
    vm.expect(r"\[1\]\+ +Stopped +sh -c")
    to_prompt(vm)
    vm.send("fg\n")
    vm.expect(r"^sh -c .*$")
    vm.send("another\n")
    vm.expect(r"another\nanother\n")
    vm.send("\x04")
    to_prompt(vm)


def background(vm):
    vm.send("sleep 1000 &\n")
    to_prompt(vm)
    vm.send("jobs\n")
    vm.expect(r"\[1\]\+ +Running +sleep 1000")
    to_prompt(vm)
    vm.send("kill %1; wait %1; echo ended $?\n")
    vm.expect(r"ended 143")
    to_prompt(vm)
    vm.send("cat &\n")
    to_prompt(vm)
    vm.send("jobs\n")
    vm.expect(r"Stopped \(tty input\) +cat")
    to_prompt(vm)
    vm.send("kill -9 %1\n")
    to_prompt(vm)
    start(vm)
    vm.send("\x1a")
    to_prompt(vm)
    vm.send("bg\n")
    to_prompt(vm)
    vm.send("jobs\n")
    vm.expect(r"Running +sh -c")
    to_prompt(vm)
    vm.send("kill %%\n")
    to_prompt(vm)


def line_editing(vm):
    # Left three, insert; backspace; then history: up and run again.
    vm.send("echo helo\x1b[D\x1b[Dl\x1b[C\x1b[Cx\x7f there\n")
    vm.expect(r"^hello there$|^hello? ?there$")
    to_prompt(vm)
    vm.send("\x1b[A\n")
    vm.expect(r"^hello there$")
    to_prompt(vm)
    # ^U clears the line, ^C abandons one.
    vm.send("nonsense\x15echo clean\n")
    vm.expect(r"^clean$")
    to_prompt(vm)
    vm.send("abandoned\x03")
    to_prompt(vm)
    # Completion of a file name.
    vm.send("cat /etc/hostn\x15echo /etc/pass\t\n")
    vm.expect(r"^/etc/passwd ?$")
    to_prompt(vm)


def canonical_input(vm):
    # The line discipline's own editing, for a program that does none.
    vm.send("echo ready; head -n 2 | od -c\n")
    vm.expect(r"^ready$")
    vm.send("abX\x7fc\nkill\x15d\n")
    vm.expect(r"0000000 +a +b +c +\\n +d +\\n")
    to_prompt(vm)


def quit_key(vm):
    start(vm)
    vm.send("\x1c")
    to_prompt(vm)
    vm.send("echo status $?\n")
    vm.expect(r"^status 131$")
    to_prompt(vm)


STEPS = [
    ("echo", command("echo hello", r"^hello$")),
    ("pipeline", command("seq 1 100 | grep 7 | wc -l", r"^19$")),
    ("files", command("mkdir -p /tmp/d && echo text > /tmp/d/f && cat /tmp/d/f && ls -l /tmp/d",
                      r"^text$", r"-rw-r--r-- +1 root +root +5 .* f$")),
    ("here-document", command("cat <<X | tr a-z A-Z\nhere\nX", r"^HERE$")),
    ("globs and loops", command("for i in 1 2 3; do echo n$i; done", r"^n1$", r"^n2$", r"^n3$")),
    ("command substitution", command("echo $(uname -s) is $(uname -m)", r"^\w+ is x86_64$")),
    ("tty", command("tty; stty -a | head -n 1", r"^/dev/ttyS0$", r"^speed \d+ baud")),
    ("processes", command("ps | head -n 2", r"PID +USER", r"1 +root")),
    ("redirected errors", command("ls /none 2>&1 | tail -n 1", r"No such file")),
    ("interrupt", interrupt),
    ("interrupt a pipeline", interrupt_pipeline),
    ("quit", quit_key),
    ("stop and resume", stop_and_resume),
    ("background jobs", background),
    ("line editing", line_editing),
    ("canonical input", canonical_input),
    ("semaphores from the shell",
     command("s=$(sem create private 2) && sem op $s 0:+3 1:+1 && sem with $s 0:-2 -- sem get $s; "
             "sem get $s; sem rm $s", r"^1 1$", r"^3 1$")),
    ("a waiter and a waker in two jobs",
     command("s=$(sem create 0x77 1); sem op $s 0:-1 && echo woken & \n"
             "sem op $(sem create 0x77 1) 0:+1; wait; sem rm $(sem create 0x77 1)", r"^woken$")),
    ("debian's ipc tools",
     command("q=$(ipcmk -S 3 | sed 's/.*: //'); ipcs -s -i $q; lsipc -s; ipcrm -s $q",
             r"^nsems = 3$", r"NSEMS")),
    ("tour sem", command("tour sem", r"All of it as it should be")),
    ("tour msg", command("tour msg", r"All of it as it should be")),
    ("tour shm", command("tour shm", r"All of it as it should be")),
    ("tour posix", command("tour posix", r"All of it as it should be")),
    ("tour events", command("tour events", r"All of it as it should be")),
    ("shell started again when killed", command("kill -9 $$")),
]


def typed_session(vm, results):
    try:
        to_prompt(vm, limit=60)
        results.add("session.boot")
    except Hung as problem:
        results.add("session.boot", str(problem))
        return
    for name, step in STEPS:
        name = "session." + name.replace(" ", "-")
        try:
            step(vm)
            results.add(name)
        except Hung as problem:
            results.add(name, str(problem))
            if os.environ.get("V"):
                print(vm.text[-3000:])
            try:  # out of whatever it hangs in, and on with the next
                vm.send("\x03\n")
                to_prompt(vm)
                vm.send("\n")
                to_prompt(vm)
            except Hung:
                return
    vm.send("exit\n")
    try:
        status = vm.run(limit=30)
        results.add("session.exit-powers-off", None if status == 0 else f"QEMU's status {status}")
    except Hung as problem:
        results.add("session.exit-powers-off", str(problem))
