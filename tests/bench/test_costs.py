"""Whatever a config.json holds, runi's look at it costs no more than a share of the runtime's own."""

import json
import os
import re
import sys

from bed import shim
from bed.case import Case, need

BYTES = 8_000_000  # of a file whose memory is measured; the runtime's own 20 MB are small beside it


SPAWN = """
import os, sys
output = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
print(os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=output), 0)[2].ru_maxrss)
"""


def put(*path):
    """A function that puts a value at that place of a specification."""
    def edit(spec, value):
        for name in path[:-1]:
            spec = spec.setdefault(name, {})
        spec[path[-1]] = value
    return edit


def product(spec, number):
    """Names times conditions."""
    call = {"names": ["kill"] * number, "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 1, "value": value, "op": "SCMP_CMP_EQ"} for value in range(number)]}
    spec["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [call]}


def repeated(place, element):
    return lambda spec, number: place(spec, [element] * number)


def named(place, element):
    return lambda spec, number: place(spec, {f"n{index}": element for index in range(number)})


KINDS = {
    "unknown objects": repeated(put("x"), {}),
    "unknown objects deep in what is known": repeated(put("linux", "seccomp", "x"), {}),
    "unknown members": lambda spec, number: spec.update({f"n{index}": 0 for index in range(number)}),
    "arguments": repeated(put("process", "args"), "a"),
    "variables": repeated(put("process", "env"), "A=b"),
    "mounts": repeated(put("mounts"), {"destination": "/a"}),
    "annotations": named(put("annotations"), "x"),
    "annotations of runi's": lambda spec, number: put("annotations")(
        spec, {f"runi.dev/n{index}": "x" for index in range(number)}),
    "masked paths": repeated(put("linux", "maskedPaths"), "/a"),
    "groups": repeated(put("process", "user", "additionalGids"), 1),
    "hooks": repeated(put("hooks", "prestart"), {}),
    "calls": repeated(put("linux", "seccomp", "syscalls"), {"names": ["kill"], "action": "SCMP_ACT_LOG"}),
    "parts of a path": lambda spec, number: put("mounts")(spec, [{"destination": "/a" * number}]),
    "elements of PATH": lambda spec, number: put("process", "env")(spec, ["PATH=" + "/a:" * number]),
    "words of a script": lambda spec, number: put("process", "args")(spec, ["sh", "-c", "x " * number]),
    "seccomp's names times conditions": product,
}


class Costs(Case):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("bundle"))

    def write(self, kind, number):
        spec = {"ociVersion": "1.0.2", "root": {"path": "missing"}, "mounts": [],
                "process": {"args": ["app"], "cwd": "/", "env": ["PATH=/bin"]},
                "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}]}}
        if kind:
            KINDS[kind](spec, number)
        with open(self.path("bundle", "config.json"), "w", encoding="utf-8") as file:
            json.dump(spec, file, separators=(",", ":"))
        return os.path.getsize(file.name)

    def instructions(self, runi):
        done = self.command("valgrind", "--tool=callgrind", f"--callgrind-out-file={self.path('callgrind')}",
                            runi, "create", "--bundle", self.path("bundle"), "c", timeout=100)
        counted = re.search(rb"I +refs: +([0-9,]+)", done.stderr)
        self.assertTrue(counted and b"Exec format error" in done.stderr, done.stderr)
        return int(counted[1].replace(b",", b""))

    def test_twice_the_file_takes_twice_the_instructions(self):
        need("valgrind")
        # Valgrind tells nothing of a program that becomes another: this is none.
        with open(self.path("refused"), "wb") as file:
            file.write(b"\0")
        os.chmod(file.name, 0o755)
        runi = shim.install(self, file.name, log={"sink": "none"})
        self.write(None, 0)
        least = self.instructions(runi)
        for kind in KINDS:
            with self.subTest(kind):
                once, twice = ((self.write(kind, number), self.instructions(runi) - least) for number in (500, 1000))
                self.assertLess(twice[1], 3 * once[1], kind)  # sorting is a little more than linear

    def peak_kib(self, *argv):
        """The most memory that the program, and what it becomes, has had."""
        # Started by this process it would be charged what this one has.
        return int(self.succeed(sys.executable, "-ESc", SPAWN, *argv))

    def test_memory_is_no_more_than_the_runtime_s(self):
        runc, nothing = need("runc"), need("true")
        runi = shim.install(self, nothing, log={"sink": "none"})
        words = ("create", "--bundle", self.path("bundle"), "c")
        for kind in KINDS:
            with self.subTest(kind):
                # runc itself is quadratic there, and would take minutes.
                number = 2_000 if kind == "seccomp's names times conditions" else \
                    BYTES * 1_000 // (self.write(kind, 1_000) - self.write(kind, 0))
                size = self.write(kind, number)
                plain = self.peak_kib(runc, "--root", self.path("state"), *words)
                self.assertLess(self.peak_kib(runi, *words), plain, f"{kind}: {size} bytes")
