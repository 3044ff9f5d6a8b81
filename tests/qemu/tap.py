"""Results in TAP, as the programs on the serial line print them."""
import re

LINE = re.compile(r"^(not )?ok (?:\d+ )?(?:- )?(\S+)(.*)$")


class Results:
    """Which cases passed, which failed and why, in the order of the output."""

    def __init__(self, text=""):
        self.passed, self.failed = [], {}
        notes = []
        for line in text.splitlines():
            match = LINE.match(line)
            if match:
                if match[1]:
                    self.failed[match[2]] = notes
                else:
                    self.passed.append(match[2])
                notes = []
            elif line.startswith("#"):
                notes.append(line)
            elif not line.startswith("1.."):
                notes = notes[-12:]

    def add(self, name, problem=None):
        if problem:
            self.failed[name] = ["# " + line for line in problem.splitlines()]
        else:
            self.passed.append(name)

    def require(self, names):
        """Each of NAMES must have a result: what did not run has failed."""
        got = set(self.passed) | set(self.failed)
        for name in names:
            if name not in got:
                self.failed[name] = ["# it did not run, or was lost: no result"]
