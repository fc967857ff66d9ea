"""What every system test stands on: a scratch folder, deadlines, the programs under test."""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time
import unittest

from bed import world

PLAIN = "plain"  # the real runtime, alone
RUNI = "runi"  # runi in front of it


def need(program):
    """Path of an installed program. Skips the test where there is none."""
    path = shutil.which(program)
    if path is None:
        raise unittest.SkipTest(f"needs {program}: not installed")
    return path


def need_all_capabilities():
    """Skips the test where this machine withholds a capability even from root."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="utf-8") as file:
        everything = (1 << (int(file.read()) + 1)) - 1
    with open("/proc/self/status", encoding="utf-8") as file:
        bounding = next(int(line.split()[1], 16) for line in file if line.startswith("CapBnd:"))
    if bounding != everything:
        raise unittest.SkipTest(f"needs every capability: the machine withholds {everything & ~bounding:#x}")


def built(variable):
    """Path of a program of this project, which the environment names. Skips the test where it does not."""
    path = os.environ.get(variable)
    if not path:
        raise unittest.SkipTest(f"needs {variable}: not in the environment")
    if not os.path.exists(path):
        raise unittest.SkipTest(f"needs {variable}: {path} does not exist")
    return os.path.realpath(path)


def until(condition, what, seconds=10.0):
    """The first true value of condition(). Fails, naming what was awaited, when there is none in time."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return value


class Case(unittest.TestCase):
    """A test with a scratch folder (self.scratch, a tmpfs) and a cgroup name (self.cgroup) of its own."""

    maxDiff = None

    def setUp(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        self.scratch = tempfile.mkdtemp(prefix="runi-")
        self.addCleanup(os.rmdir, self.scratch)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.scratch], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.scratch], check=True)
        self.cgroup = f"/runi-{random.getrandbits(48):012x}"
        self.addCleanup(self._remove_cgroups)
        self.addCleanup(world.clear)

    def path(self, *names):
        return os.path.join(self.scratch, *names)

    def folder(self, *names):
        """Makes a folder below the scratch folder and returns its path."""
        os.makedirs(self.path(*names), exist_ok=True)
        return self.path(*names)

    def command(self, *argv, timeout=60, **keywords):
        """Runs argv to its end, output captured as bytes, stdin empty unless given. The caller judges its status."""
        if "input" not in keywords:
            keywords.setdefault("stdin", subprocess.DEVNULL)
        keywords.setdefault("stdout", subprocess.PIPE)
        keywords.setdefault("stderr", subprocess.PIPE)
        return subprocess.run(argv, check=False, timeout=timeout, **keywords)

    def succeed(self, *argv, **keywords):
        """As command(), and fails the test unless the status is 0. Returns stdout as text."""
        done = self.command(*argv, **keywords)
        self.assertEqual(done.returncode, 0, f"{' '.join(argv)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def daemon(self, argv, log):
        """Starts argv in the background, output appended to the file log; ended with the test."""
        with open(log, "ab") as output:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def cgroups(self):
        """Every folder of this test's cgroup in every hierarchy, parents first."""
        found = []
        for top, folders, _ in os.walk("/sys/fs/cgroup"):
            if os.path.basename(top) == self.cgroup[1:]:
                found += [folder for folder, _, _ in os.walk(top)]
                folders.clear()
        return found

    def _remove_cgroups(self):
        for folder in reversed(self.cgroups()):
            # Still busy when a test failed half-way; empty once its world has ended, and harmless.
            with contextlib.suppress(OSError):
                os.rmdir(folder)
