"""runi-init under more signals, more zombies and less of everything than it should ever meet."""

import os
import resource
import shutil
import signal
import subprocess
import unittest

import raw
from container import Case, children_of, eventually, files_of, needs_root, quiet, status_of
from test_property import MARK, TREE
from test_reaping import OTHER_WAYS

WAYS = {"the kernel": None, "the init": OTHER_WAYS["no PIDFD_GET_INFO"]}
FLOOD = (34, 35, 40, 50, 60)  # kFlood in tree.cc
ZOMBIES = 50_000  # more than the usual pid_max has room for, which the script pid_max raises


class Storm(Case):
    def tree(self, what, *words, **how):
        container = self.run_in(TREE, what, "3", *map(str, words), out=True, **how)
        self.assertEqual(container.out.next(), "ready")
        eventually(lambda: os.readlink(f"/proc/{container.pid}/cwd") == "/", "the init at work")
        container.app_pid = container.application()
        return container

    def assert_serves(self, container):
        """Forwards, still, and ends as the application does."""
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)


@needs_root
class Signals(Storm):
    SENDERS = 4

    @staticmethod
    def narrow(pid):
        """Little room in its queue: the kernel walks all of it for each signal taken."""
        resource.prlimit(pid, resource.RLIMIT_SIGPENDING, (500, 500))

    def flood(self, container, each):
        """From several processes at once."""
        senders = [subprocess.Popen([TREE, "send", str(container.pid), str(each), str(sender)]) for sender in range(self.SENDERS)]
        for sender in senders:
            self.addCleanup(sender.kill)
        self.assertEqual([sender.wait(50) for sender in senders], [0] * self.SENDERS)

    def counted(self, container):
        """(times, faults) by number, once the mark has followed all that was sent."""
        container.signal(MARK)
        got = {}
        while (line := container.out.next()) != "end":
            number, times, faults = map(int, line.split())
            got[number] = times, faults
        self.assertEqual(container.wait(), 0)
        return got

    def test_a_million(self):
        each = 1_000_000 // self.SENDERS
        for name, setup in WAYS.items():
            with self.subTest(name):
                container = self.tree("count", setup=setup)
                # What finds room at the init finds it at the application. Both count towards their user's.
                resource.prlimit(container.app_pid, resource.RLIMIT_SIGPENDING, (20_000, 20_000))
                self.narrow(container.pid)
                self.flood(container, each)
                got = self.counted(container)
                self.assertGreaterEqual(got.pop(signal.SIGUSR1)[0], 1)
                self.assertEqual(got, {number: (each * self.SENDERS // len(FLOOD), 0) for number in FLOOD})

    def test_queue_that_is_full(self):
        """The application, stopped at first, has room for few: values are lost, and neither the init nor any signal altogether."""
        for name, setup in WAYS.items():
            with self.subTest(name):
                container = self.tree("count", setup=setup)
                self.narrow(container.pid)
                resource.prlimit(container.app_pid, resource.RLIMIT_SIGPENDING, (100, 100))
                os.kill(container.app_pid, signal.SIGSTOP)
                self.flood(container, 20_000)
                eventually(lambda: quiet(container.pid), "the init at rest")
                os.kill(container.app_pid, signal.SIGCONT)
                got = self.counted(container)
                for number in FLOOD:
                    self.assertGreaterEqual(got[number][0], 1)
                # As many as there is room for, one more of each that came too late, and what is not queued.
                self.assertLessEqual(sum(times for times, _ in got.values()), 100 + len(FLOOD) + 3)

    def test_stopped_from_outside(self):
        container = self.recorder()
        container.signal(signal.SIGSTOP)
        eventually(lambda: status_of(container.pid)["State"].startswith("T"), "the stop")
        for value in range(1000):
            raw.queue(container.pid, 40, value)
        container.signal(signal.SIGCONT)
        got = [container.out.next() for _ in range(1001)]
        got.remove("18 0 0")
        self.assertEqual(got, [f"40 -1 {value}" for value in range(1000)])
        container.signal(signal.SIGKILL)
        self.assertEqual(container.wait(), -signal.SIGKILL)


@needs_root
class Zombies(Storm):
    def test_at_once(self):
        for name, setup in WAYS.items():
            with self.subTest(name):
                container = self.tree("zombies", ZOMBIES, setup=setup)
                files = files_of(container.pid)
                os.kill(container.app_pid, signal.SIGUSR1)
                made = int(container.out.next(deadline_s=50).split()[1])
                print(f"{made} zombies at once, reaped by {name}")
                if made < ZOMBIES:
                    self.skipTest(f"needs room for {ZOMBIES} processes, and found it for {made}")
                os.kill(container.app_pid, signal.SIGUSR1)
                self.assertEqual(container.out.next(), "alone")
                self.assertEqual(children_of(container.pid), [container.app_pid])
                self.assertEqual(files_of(container.pid), files)
                self.assert_serves(container)

    def test_signals_pass_them(self):
        """The application's end is seen while there are more zombies than are reaped in a turn."""
        container = self.tree("zombies", 5000, setup=WAYS["the init"])
        os.kill(container.app_pid, signal.SIGUSR1)
        container.out.next()
        container.signal(signal.SIGSTOP)
        eventually(lambda: status_of(container.pid)["State"].startswith("T"), "the stop")
        os.kill(container.app_pid, signal.SIGUSR1)
        eventually(lambda: len(children_of(container.pid)) > 5000, "the zombies")
        os.kill(container.app_pid, signal.SIGKILL)
        container.signal(signal.SIGCONT)
        self.assertEqual(container.wait(), 137)

    def test_of_who_lives_on(self):
        """Those that outlive the application end with the init, whose status is the application's."""
        # Who is still about to fork when PID 1 ends is refused, and would say so.
        script = ("exec 2>/dev/null; trap '' HUP INT TERM; "
                  "for i in $(seq 200); do (trap '' HUP INT TERM; (sleep 1000 & sleep 1000) &) & done; wait; exit 5")
        container = self.run_in("/bin/sh", "-c", script)
        self.assertEqual(container.wait(), 5)
        self.assertEqual(container.output(), "")  # which ends: nobody holds it any more


@needs_root
class Scarcity(Storm):
    def test_processes(self):
        for name, setup in WAYS.items():
            with self.subTest(name):
                join = self.cgroup("pids", max=64)
                container = self.tree("limit", setup=lambda: (join(), setup and setup()))
                os.kill(container.app_pid, signal.SIGUSR1)
                refused, count, error = container.out.next().split()
                self.assertEqual((refused, error), ("refused", "EAGAIN"))
                self.assertGreater(int(count), 20)
                container.signal(signal.SIGUSR1)  # through the init, while no process can be had
                self.assertEqual(container.out.next(), "released")
                self.assert_serves(container)

    def test_memory(self):
        for name, setup in WAYS.items():
            with self.subTest(name):
                join = self.cgroup("memory", limit_in_bytes_or_max=32 << 20)
                container = self.tree("memory", setup=lambda: (join(), setup and setup()))
                container.signal(signal.SIGUSR1)
                self.assertEqual(container.wait(), 137)


@needs_root
class Deaf(Storm):
    def test_only_sigkill_ends_it(self):
        for name, setup in WAYS.items():
            with self.subTest(name):
                container = self.tree("count", setup=setup)  # takes them all, and ends on none but one
                for number in set(range(1, 64)) - {signal.SIGKILL, signal.SIGSTOP}:
                    container.signal(number)
                eventually(lambda: quiet(container.pid), "the init at rest")
                self.assertFalse(container.has_ended())
                os.kill(container.app_pid, signal.SIGKILL)
                self.assertEqual(container.wait(), 137)


@needs_root
@unittest.skipUnless(shutil.which("strace"), "needs strace")
class Traced(Storm):
    def attach(self, container):
        tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-p", str(container.pid)], stderr=subprocess.PIPE)
        self.addCleanup(tracer.stderr.close)
        self.addCleanup(tracer.kill)
        tracer.stderr.readline()  # "attached"
        return tracer

    def detach(self, tracer):
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)

    def test_comes_and_goes(self):
        for name, setup in WAYS.items():
            with self.subTest(name):
                container = self.recorder(setup=setup)
                for turn in range(20):
                    tracer = self.attach(container)
                    raw.queue(container.pid, 40, turn)
                    self.assertEqual(container.out.next(), f"40 -1 {turn}")
                    self.detach(tracer)
                    raw.queue(container.pid, 41, turn)
                    self.assertEqual(container.out.next(), f"41 -1 {turn}")
                self.assertEqual(status_of(container.pid)["TracerPid"], "0")
                os.kill(container.application(), signal.SIGKILL)
                self.assertEqual(container.wait(), 137)

    def test_application_ends_meanwhile(self):
        for name, setup in WAYS.items():
            with self.subTest(name):
                container = self.recorder(setup=setup)
                tracer = self.attach(container)
                os.kill(container.application(), signal.SIGKILL)
                tracer.wait(20)  # it ends with what it traces
                self.assertEqual(container.wait(), 137)


if __name__ == "__main__":
    unittest.main()
