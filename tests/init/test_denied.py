"""What a limit or a seccomp profile denies to runi-init, and what it does without it."""

import errno
import itertools
import os
import resource
import signal
import unittest

import raw
from container import INIT, NOBODY, Case, eventually, files_of, kept_files_of, needs_root, quiet, read_file, stat_of
from terminal import Terminal


@needs_root
class InPlace(Case):
    """Where it cannot be an init, the application runs as PID 1, as it would have without."""

    SHOW = ("/bin/cat", "/proc/self/stat", "/proc/self/status")

    def assert_in_place(self, container, mask=0, ignored=0):
        self.assertEqual(container.wait(), 0)
        lines = container.output().splitlines()
        self.assertEqual(lines[0].split()[0], "1", lines[0])
        fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        self.assertEqual(int(fields["SigBlk"], 16), mask)
        self.assertEqual(int(fields["SigIgn"], 16), ignored)

    def with_inheritance(self, then):
        def setup():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            then()
            raw.set_mask(1 << 9)
        return setup

    def check(self, then):
        container = self.run_in(*self.SHOW, setup=self.with_inheritance(then))
        self.assert_in_place(container, mask=1 << 9, ignored=1 << 16)

    def test_process_limit(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        self.check(limit)

    def test_pids_cgroup(self):
        self.check(self.cgroup("pids", max=1))

    def test_no_process_may_be_made(self):
        for error in (errno.EPERM, errno.ENOSYS):
            with self.subTest(errno.errorcode[error]):
                self.check(lambda: raw.deny(["clone", "clone3", "fork", "vfork"], error))

    def test_no_signal_may_be_waited_for(self):
        for error in (errno.EPERM, errno.ENOSYS):
            with self.subTest(errno.errorcode[error]):
                self.check(lambda: raw.deny(["rt_sigtimedwait"], error))

    def test_no_child_may_be_waited_for(self):
        self.check(lambda: raw.deny(["waitid"], errno.EPERM))

    def test_a_policy_that_children_would_not_have(self):
        def reset_on_fork():
            try:
                os.sched_setscheduler(0, os.SCHED_BATCH | os.SCHED_RESET_ON_FORK, os.sched_param(0))
            except PermissionError:
                os._exit(98)
        container = self.run_in(*self.SHOW, setup=reset_on_fork)
        self.assert_in_place(container)

    def test_the_terminal_is_taken_back(self):
        name = os.ttyname(Terminal(self).slave)
        def setup():
            os.setsid()
            terminal = os.open(name, os.O_RDWR)
            os.dup2(terminal, 0)
            os.close(terminal)
            raw.deny(["clone", "clone3", "fork", "vfork"], errno.EPERM)
        container = self.recorder(setup=setup)
        place = stat_of(container.pid)
        self.assertEqual((place["session"], place["group"], place["foreground"]), (container.pid,) * 3)
        container.signal(signal.SIGUSR2)
        self.assertEqual(container.out.next(), "12 0 0")

    def test_an_exec_error_is_told_as_ever(self):
        container = self.run_in("no-such-command", setup=lambda: raw.deny(["clone", "vfork", "fork"], errno.EPERM))
        self.assertEqual(container.wait(), 127)
        self.assertEqual(container.output(), "runi-init: exec no-such-command: No such file or directory\n")


@needs_root
class Stack(Case):
    def test_a_limit_that_leaves_room_for_little(self):
        """The init itself as the application, for it needs next to none."""
        def setup():
            resource.setrlimit(resource.RLIMIT_STACK, (16 << 10, 16 << 10))  # of which the kernel may waste half
        path = {"PATH": f"/bin:/usr/bin:{os.path.dirname(INIT)}"}
        for command in ([INIT, "--version"], [os.path.basename(INIT), "--version"]):
            for _ in range(20):  # where the kernel puts the stack is chance
                container = self.run_in(*command, setup=setup, environment=path)
                self.assertEqual(container.wait(), 0)


@needs_root
class Denied(Case):
    """Any one system call may be denied, and the container still works."""

    CALLS = sorted(set(raw.NUMBERS) - {"clone3", "ptrace", "clock_gettime", "pread64", "setresuid"})

    def test_each_call(self):
        for name in self.CALLS:
            for error in (errno.EPERM, errno.ENOSYS):
                with self.subTest(name, error=errno.errorcode[error]):
                    # The init itself as the application: it needs none of them to print its version.
                    container = self.run_in(INIT, "--version", setup=lambda: raw.deny([name], error))
                    self.assertEqual(container.wait(), 0)
                    self.assertTrue(container.output().startswith("tini version "))

    def test_each_pair(self):
        for error in (errno.EPERM, errno.ENOSYS):
            running = []
            for pair in itertools.combinations(self.CALLS, 2):
                running.append((pair, self.run_in(INIT, "--version", setup=lambda: raw.deny(pair, error))))
                if len(running) == 8:
                    self.assert_all_work(running, error)
            self.assert_all_work(running, error)

    def assert_all_work(self, running, error):
        for pair, container in running:
            with self.subTest(pair, error=errno.errorcode[error]):
                self.assertEqual(container.wait(), 0)
                self.assertTrue(container.output().startswith("tini version "))
        running.clear()

    def test_a_call_that_does_nothing_and_succeeds(self):
        """A profile's SCMP_ACT_ERRNO with errno 0."""
        for name, request in (("ioctl", raw.PIDFD_GET_INFO), ("ppoll", None)):
            with self.subTest(name):
                container = self.run_in("/bin/sleep", "1000", setup=lambda: raw.deny([name], 0, request=request))
                application = container.application()
                eventually(lambda: quiet(container.pid), "the init at rest")
                before = read_file(f"/proc/{container.pid}/stat")
                container.signal(signal.SIGURG)
                eventually(lambda: quiet(container.pid), "the init at rest")
                self.assertEqual(read_file(f"/proc/{container.pid}/stat").split()[13:15], before.split()[13:15])  # no CPU time
                os.kill(application, signal.SIGTERM)
                self.assertEqual(container.wait(), 143)

    def test_another_way_to_make_a_process_is_found(self):
        for only, names, flag in (("clone without CLONE_VM", ["vfork", "fork"], raw.CLONE_VM),
                                  ("vfork", ["clone", "fork"], None), ("fork", ["clone", "vfork"], None)):
            with self.subTest(only):
                def setup():
                    raw.deny(["clone"], errno.EPERM, flag)
                    raw.deny(names, errno.EPERM)
                container = self.run_in("/bin/cat", "/proc/self/stat", setup=setup)
                self.assertEqual(container.wait(), 0)
                self.assertEqual(container.output().split()[0], "2")

    def test_files_are_closed_without_close_range(self):
        def setup():
            for number in (5, 6, 40, 900):
                os.dup2(0, number)
            resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
            raw.deny(["close_range"], errno.ENOSYS)
        container = self.run_in("/bin/sleep", "1000", setup=setup)
        container.application()
        eventually(lambda: quiet(container.pid) and os.readlink(f"/proc/{container.pid}/cwd") == "/", "the init at rest")
        self.assertEqual(sorted(kept_files_of(container.pid)), [0, 1, 2])
        self.assertLessEqual({0, 1, 2, 5, 6, 40, 900}, set(files_of(container.application())))


if __name__ == "__main__":
    unittest.main()
