"""Reaping: by the kernel where it does that and tells the application's status all the same, and else by the init."""

import errno
import os
import resource
import signal
import subprocess
import tempfile
import unittest

import raw
from container import Case, children_of, eventually, needs_root, quiet, read_file, stat_of, status_of

KERNEL = tuple(map(int, os.uname().release.split(".")[:2]))
KERNEL_REAPS = KERNEL >= (6, 15)

# What keeps the kernel's way from being taken: each of its steps, denied.
OTHER_WAYS = {
    "no pidfd": lambda: raw.deny(["clone"], errno.EINVAL, flag=raw.CLONE_PIDFD),
    "no PIDFD_GET_INFO": lambda: raw.deny(["ioctl"], errno.EPERM, request=raw.PIDFD_GET_INFO),
    "no uname": lambda: raw.deny(["uname"], errno.ENOSYS),
    "no signalfd": lambda: raw.deny(["signalfd4"], errno.EPERM),
    "no ppoll": lambda: raw.deny(["ppoll"], errno.ENOSYS),
}


def sigchld_is_ignored(pid):
    return int(status_of(pid)["SigIgn"], 16) & 1 << (signal.SIGCHLD - 1) != 0


def at_rest(container):
    eventually(lambda: os.readlink(f"/proc/{container.pid}/cwd") == "/" and quiet(container.pid), "the init at rest")


def cpu_of(pid):
    """User and system time, in clock ticks; and nanoseconds, which /proc/PID/schedstat has."""
    fields = read_file(f"/proc/{pid}/stat").decode().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12]), int(read_file(f"/proc/{pid}/schedstat").split()[0])


def switches_of(pid):
    status = status_of(pid)
    return int(status["voluntary_ctxt_switches"]), int(status["nonvoluntary_ctxt_switches"])


@needs_root
@unittest.skipUnless(KERNEL_REAPS, "needs Linux 6.15")
class ByTheKernel(Case):
    def test_orphans_cost_nothing(self):
        container = self.recorder("orphans", "5000")
        at_rest(container)
        self.assertTrue(sigchld_is_ignored(container.pid))
        before = cpu_of(container.pid), switches_of(container.pid)
        os.kill(container.application(), signal.SIGUSR1)
        self.assertEqual(container.out.next(deadline_s=100), "made")
        eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")
        self.assertEqual((cpu_of(container.pid), switches_of(container.pid)), before)
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_nothing_is_called(self):
        container = self.recorder("orphans", "2000")
        at_rest(container)
        with tempfile.NamedTemporaryFile() as log:
            tracer = subprocess.Popen(["strace", "-o", log.name, "-p", str(container.pid)], stderr=subprocess.PIPE)
            tracer.stderr.readline()  # "attached"
            os.kill(container.application(), signal.SIGUSR1)
            self.assertEqual(container.out.next(), "made")
            eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")
            tracer.terminate()
            tracer.communicate()
            calls = [line for line in read_file(log.name).decode().splitlines() if "(" in line]
        # The one it was in, and once again what the tracer's coming and going interrupted.
        self.assertLessEqual(len(calls), 3, calls)
        self.assertEqual({call.split("(")[0] for call in calls}, {"ppoll"})

    def test_status_of_who_is_dead_before_the_init_looks(self):
        # The child may end at any moment of the init's start: most of these do in the middle of it.
        for code in range(100):
            self.assertEqual(self.run_in("/bin/sh", "-c", f"exit {code}").wait(), code)

    def test_status_of_a_traced_application(self):
        container = self.recorder("orphans", "0")
        at_rest(container)
        application = container.application()
        raw.trace(application)
        os.kill(application, signal.SIGKILL)
        eventually(lambda: status_of(application)["State"].startswith("Z"), "the application's end")
        eventually(lambda: quiet(container.pid), "the init asleep")
        self.assertFalse(container.has_ended())  # for its tracer, this test, is told first
        self.assertEqual(os.waitpid(application, 0), (application, signal.SIGKILL))
        self.assertEqual(container.wait(), 137)


@needs_root
class Orphans(Case):
    def test_a_thousand_leave_no_zombie(self):
        container = self.recorder("orphans", "1000")
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "made")
        eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_signals_and_status_get_through_a_backlog(self):
        container = self.recorder("orphans", "500", options=["-w"])  # -w: not by the kernel, see test_reaping.py
        application = container.application()
        container.signal(signal.SIGSTOP)
        os.kill(application, signal.SIGUSR1)
        self.assertEqual(container.out.next(), "made")
        eventually(lambda: len(children_of(container.pid)) == 501, "the orphans")
        container.signal(signal.SIGTERM)
        container.signal(signal.SIGCONT)
        self.assertEqual(container.wait(), 143)

    def test_subreaper_adopts_outside_a_namespace_of_its_own(self):
        for options, adopts in ((["-s"], True), ([], False)):
            with self.subTest(options):
                container = self.app("orphan", options=options, fork=os.fork)
                lines = sorted(container.out.next().split() for _ in range(2))
                adopter = next(int(words[0]) for words in lines if words[0] != "parent")
                self.assertEqual(adopter == container.pid, adopts)


@needs_root
class EitherWay(Case):
    """What is so by the kernel and by the init."""

    def ways(self):
        yield "the kernel", None
        yield from OTHER_WAYS.items()

    def test_which_way_is_taken(self):
        for name, setup in self.ways():
            with self.subTest(name):
                container = self.recorder(setup=setup)
                at_rest(container)
                self.assertEqual(sigchld_is_ignored(container.pid), KERNEL_REAPS and name == "the kernel")

    def test_options_that_count_orphans_take_the_init_s(self):
        for option in ("-w", "-vv"):
            container = self.recorder(options=[option])
            at_rest(container)
            self.assertFalse(sigchld_is_ignored(container.pid))

    def test_status(self):
        for name, setup in self.ways():
            for script, status in (("exit 0", 0), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -64 $$", 192)):
                with self.subTest(name, script=script):
                    self.assertEqual(self.run_in("/bin/sh", "-c", script, setup=setup).wait(), status)

    def test_status_of_a_core_dump(self):
        for name, setup in self.ways():
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                def dump():
                    resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, resource.getrlimit(resource.RLIMIT_CORE)[1]))
                    if setup is not None:
                        setup()
                container = self.run_in("/bin/sh", "-c", "kill -ABRT $$", setup=dump, cwd=directory)
                self.assertEqual(container.wait(), 134)

    def test_status_of_a_stopped_and_continued_application(self):
        for name, setup in self.ways():
            with self.subTest(name):
                container = self.recorder(setup=setup)
                application = container.application()
                os.kill(application, signal.SIGSTOP)
                eventually(lambda: status_of(application)["State"].startswith("T"), "the stop")
                container.signal(signal.SIGUSR1)
                eventually(lambda: quiet(container.pid), "the init at rest")
                self.assertFalse(container.has_ended())
                os.kill(application, signal.SIGCONT)
                self.assertEqual(sorted(container.out.next() for _ in range(2)), ["10 0 0", "18 0 0"])
                os.kill(application, signal.SIGKILL)
                self.assertEqual(container.wait(), 137)

    def test_exec_by_a_thread_is_not_the_end(self):
        for name, setup in self.ways():
            with self.subTest(name):
                def hold():
                    read, write = os.pipe()  # which nobody writes to
                    os.dup2(read, 0)
                    os.set_inheritable(write, True)
                    if setup is not None:
                        setup()
                container = self.recorder("exec-in-thread", "9", setup=hold)
                container.signal(signal.SIGUSR1)
                self.assertEqual(container.out.next(), "execed")
                eventually(lambda: quiet(container.pid), "the init at rest")
                self.assertFalse(container.has_ended())
                os.kill(container.application(), signal.SIGHUP)
                self.assertEqual(container.wait(), 129)

    def test_orphans_leave_no_zombie(self):
        for name, setup in self.ways():
            with self.subTest(name):
                container = self.recorder("orphans", "300", setup=setup)
                container.signal(signal.SIGUSR1)
                self.assertEqual(container.out.next(), "made")
                eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")
                container.signal(signal.SIGTERM)
                self.assertEqual(container.wait(), 143)

    def test_signals_are_forwarded(self):
        for name, setup in self.ways():
            with self.subTest(name):
                container = self.recorder(setup=setup)
                for number in (1, 17, 20, 33, 64):
                    container.signal(number)
                    self.assertEqual(container.out.next(), f"{number} 0 0")
                raw.queue(container.pid, 40, 5)
                self.assertEqual(container.out.next(), "40 -1 5")

    def test_the_application_has_none_of_the_init_s_files(self):
        for name, setup in self.ways():
            with self.subTest(name):
                container = self.run_in("/bin/ls", "/proc/self/fd", setup=setup)
                self.assertEqual(container.wait(), 0)
                self.assertEqual(container.output().split(), ["0", "1", "2", "3"])  # 3 is ls's own

    def test_grace(self):
        for name, setup in self.ways():
            with self.subTest(name):
                container = self.app("leave", "bye", setup=setup, options=["-t", "1000"])
                self.assertEqual(container.out.next().split()[0], "left")
                self.assertEqual(container.out.next(), "bye bye")
                self.assertEqual(container.wait(), 7)


if __name__ == "__main__":
    unittest.main()
