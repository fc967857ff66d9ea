"""The init's sandbox: what PID 1 gives up, and that the application neither sees nor misses any of it."""

import os
import signal
import subprocess
import tempfile
import unittest

import raw
from container import INIT, NOBODY, Case, eventually, needs_root, quiet, read_file, status_of

LAST_CAPABILITY = int(read_file("/proc/sys/kernel/cap_last_cap"))
# What docker, podman and Kubernetes give a container's root: man 7 capabilities has the numbers.
USUAL = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
FIELDS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Uid", "Gid",
          "Groups")


def usual():
    for capability in set(range(LAST_CAPABILITY + 1)) - USUAL:
        try:
            raw.drop_bounding(capability)
        except OSError:
            pass


def nothing():
    for capability in range(LAST_CAPABILITY + 1):
        try:
            raw.drop_bounding(capability)
        except OSError:
            pass


def user():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


WHO = {"root with all capabilities": None, "root with the usual ones": usual, "root with none": nothing, "a user": user}


@needs_root
class Sandbox(Case):
    def rest(self, container):
        container.application()
        eventually(lambda: os.readlink(f"/proc/{container.pid}/cwd") == "/" and quiet(container.pid), "the init at rest")
        return status_of(container.pid)

    def test_what_is_left(self):
        """Capabilities as without an init, since they decide who may look into it; and a filter that leaves them no use."""
        for who, setup in WHO.items():
            with self.subTest(who):
                alone = self.run_in("/bin/sleep", "1000", setup=setup, init=None)
                eventually(lambda: status_of(alone.pid)["Name"] == "sleep", "the application")
                plain = status_of(alone.pid)
                status = self.rest(self.run_in("/bin/sleep", "1000", setup=setup))
                for field in FIELDS[:5] + FIELDS[8:]:
                    self.assertEqual(status[field], plain[field])
                self.assertEqual([status[field] for field in FIELDS[5:7]], ["1", "2"])

    def test_is_left_out_with_n(self):
        before = status_of("self")
        status = self.rest(self.run_in("/bin/sleep", "1000", options=["-n"]))
        for field in FIELDS[:8]:
            self.assertEqual(status[field], before[field])

    def test_does_not_reach_the_application(self):
        for who, setup in WHO.items():
            with self.subTest(who):
                found = []
                for init in (True, False):
                    container = self.run_in("/bin/cat", "/proc/self/status", init=init, setup=setup)
                    self.assertEqual(container.wait(), 0)
                    fields = dict(line.split(":\t", 1) for line in container.output().splitlines() if ":\t" in line)
                    found.append({field: fields.get(field) for field in FIELDS})
                self.assertEqual(*found)

    def test_pid_1_can_be_looked_at_as_without_an_init(self):
        script = ("kill -STOP $$; cd /proc/1; for link in exe cwd root fd/0 fd/1 fd/2; do readlink $link >/dev/null && echo $link; done;"
                  "for file in environ cmdline maps stat status limits; do cat $file >/dev/null && echo $file; done;"
                  "ls fd >/dev/null && echo fd")
        for who, setup in WHO.items():
            with self.subTest(who):
                found = []
                for init in (True, False):
                    container = self.run_in("/bin/busybox", "sh", "-c", script, init=init, setup=setup)
                    if init:  # while it starts, nobody may look
                        self.rest(container)
                        application = container.application()
                        eventually(lambda: status_of(application)["State"].startswith("T"), "the application's stop")
                        os.kill(application, signal.SIGCONT)
                    container.wait()
                    found.append(container.output())
                self.assertEqual(*found)
                self.assertEqual(len(found[0].split()), 13)

    def test_signals_reach_an_application_that_changed_its_user(self):
        container = self.recorder("record-as", str(NOBODY))
        self.assertEqual(self.rest(container)["Seccomp"], "2")
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "10 0 0")

    def test_allows_all_that_is_called(self):
        """Whatever the init does after prctl(PR_SET_SECCOMP), nothing is denied."""
        leave = ["leave", "bye", "away"]
        for name, words, options in (("by the kernel", ["orphans", "5"], []), ("by the init", ["orphans", "5"], ["-w"]),
                                     ("group", ["orphans", "5"], ["-g", "-vv"]), ("grace", leave, ["-t", "1"]), ("grace and talk", leave, ["-t", "1", "-vv"])):
            with self.subTest(name), tempfile.NamedTemporaryFile() as log:
                # The tracer is one of those left behind, and deaf to SIGTERM.
                command = ["/usr/bin/strace", "-D", "-o", log.name, INIT, *options, "--"]
                container = self.app(*words, init=command)
                if words[0] == "orphans":
                    self.assertEqual(container.out.next(), "ready 0")
                    raw.queue(container.pid, 10, 3)
                    self.assertEqual(container.out.next(), "made")
                    container.signal(signal.SIGWINCH)
                    container.signal(signal.SIGTERM)
                    self.assertEqual(container.wait(), 143)
                else:
                    self.assertEqual(container.wait(), 7)
                calls = read_file(log.name).decode().partition("PR_SET_SECCOMP")[2].splitlines()
                self.assertGreater(len(calls), 4, read_file(log.name).decode())
                self.assertEqual([call for call in calls if "EPERM" in call], [])


if __name__ == "__main__":
    unittest.main()
