"""Signals on their way through runi-init to the application."""

import errno
import os
import resource
import signal
import tempfile
import unittest

import raw
from container import NOBODY, Case, children_of, eventually, needs_root, quiet, read_file, status_of


@needs_root
class Stop(Case):
    def test_sigterm_ends_a_program_without_a_handler(self):
        container = self.run_in("/bin/sleep", "1000")
        container.application()
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_and_does_nothing_to_it_without_an_init(self):
        container = self.run_in("/bin/sleep", "1000", init=False)
        eventually(lambda: read_file(f"/proc/{container.pid}/comm") == b"sleep\n" and quiet(container.pid), "sleep")
        container.signal(signal.SIGTERM)  # dropped, or pending, when this returns
        self.assertTrue(quiet(container.pid))
        self.assertFalse(container.has_ended())

    def test_no_signal_sent_before_the_start_is_lost(self):
        def send():
            raw.set_mask(raw.ALL)  # a sender that comes before the init's first call cannot be had otherwise
            for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGCONT, 40):
                if os.fork() == 0:
                    os.kill(os.getppid(), number)
                    os._exit(0)
            for _ in range(4):
                os.wait()
            raw.call("rt_sigtimedwait", raw.ctypes.byref(raw.ctypes.c_uint64(1 << 16)), 0, 0, 8)  # SIGCHLD
        container = self.recorder(setup=send)
        got = sorted(int(container.out.next().split()[0]) for _ in range(4))
        self.assertEqual(got, [signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT, 40])


@needs_root
class Forwarding(Case):
    def test_every_signal_arrives(self):
        container = self.recorder()
        for number in range(1, 65):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                container.signal(number)
                self.assertEqual(container.out.next(), f"{number} {raw.SI_USER} 0")

    def test_queued_values_arrive_in_order(self):
        container = self.recorder()
        for number in (signal.SIGUSR1, 34, 64):
            for value in (1, -5, 1 << 30):
                raw.queue(container.pid, number, value)
                self.assertEqual(container.out.next(), f"{number} {raw.SI_QUEUE} {value}")
        for value in range(200):
            raw.queue(container.pid, 50, value)
        self.assertEqual([container.out.next() for _ in range(200)], [f"50 -1 {value}" for value in range(200)])

    def test_goes_to_the_application_alone(self):
        container = self.recorder("record-with-helper")
        self.only_first_gets_it(container, "10")

    def test_goes_to_the_whole_group_with_g(self):
        container = self.recorder("record-with-helper", options=["-g"])
        container.signal(signal.SIGUSR1)
        got = sorted(container.out.next().split()[:-2] for _ in range(2))
        self.assertEqual(got, [["10"], ["helper", "10"]])

    def only_first_gets_it(self, container, number):
        container.signal(int(number))
        self.assertEqual(container.out.next().split()[0], number)
        helper = children_of(container.application())[0]
        os.kill(helper, signal.SIGUSR2)  # had it got SIGUSR1, the lower, it would tell of that first
        self.assertEqual(container.out.next().split()[:2], ["helper", "12"])

    def test_g_still_reaches_an_application_that_left_its_group(self):
        container = self.recorder("record-elsewhere", options=["-g"])
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "10 0 0")

    def test_an_orphan_s_end_is_not_the_application_s_business(self):
        container = self.recorder("record-with-orphan")
        application, orphan = sorted(eventually(lambda: (c := children_of(container.pid))[1:] and c, "the orphan"))
        os.kill(orphan, signal.SIGKILL)
        eventually(lambda: children_of(container.pid) == [application], "the orphan's end")
        container.signal(64)  # taken after any other
        self.assertEqual(container.out.next(), "64 0 0")

    def test_alarm_set_before_the_start_goes_off(self):
        def setup():
            raw.set_mask(1 << 13)  # or it may come before the application is ready for it
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        container = self.recorder(setup=setup)
        self.assertEqual(container.out.next().split()[0], "14")

    def test_reaches_another_user_without_the_capability_to_kill(self):
        """As with an entrypoint that becomes another user, where all capabilities but those for that are dropped."""
        for options in ([], ["-n"], ["-g"], ["-S", "TERM"]):
            with self.subTest(options):
                container = self.recorder("record-as", str(NOBODY), options=options, setup=lambda: raw.drop_bounding(raw.CAP_KILL))
                container.signal(signal.SIGUSR1)
                self.assertEqual(container.out.next().split()[0], "10")
                raw.queue(container.pid, signal.SIGUSR2, 7)
                self.assertEqual(container.out.next().split()[:3:2], ["12", "0" if options == ["-g"] else "7"])
                eventually(lambda: quiet(container.pid), "the init waiting again")
                self.assertEqual(status_of(container.pid)["Uid"].split(), ["0"] * 4)
                os.kill(container.application(), signal.SIGKILL)
                self.assertEqual(container.wait(), 137)

    def test_reaches_what_another_user_leaves_behind(self):
        script = "sh -c 'trap \"echo bye >&3; exit\" TERM; echo ready >&3; while :; do sleep 0.01; done' & exec sleep 1000"
        container = self.run_in("/usr/bin/setpriv", "--reuid", str(NOBODY), "--clear-groups", "sh", "-c", script, options=["-S", "TERM"],
                                setup=lambda: raw.drop_bounding(raw.CAP_KILL), out=True)
        self.assertEqual(container.out.next(), "ready")
        container.signal(signal.SIGTERM)
        self.assertEqual(container.out.next(), "bye")
        self.assertEqual(container.wait(), 143)

    def test_what_its_own_words_raise_is_not_forwarded(self):
        """SIGPIPE where nobody reads standard error, SIGXFSZ where that is a file at its limit."""
        for name in ("pipe", "file"):
            with self.subTest(name), tempfile.NamedTemporaryFile() as file:
                def setup():
                    if name == "pipe":
                        read, write = os.pipe()
                        os.close(read)
                    else:
                        write = os.open(file.name, os.O_WRONLY)
                    os.dup2(write, 2)
                    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
                container = self.app("dispositions", "default", options=["-vv"], setup=setup)
                self.assertEqual(container.out.next(), "ready 0")
                for _ in range(3):
                    container.signal(signal.SIGURG)
                    eventually(lambda: quiet(container.pid), "the init at rest")
                container.signal(64)
                self.assertEqual(container.out.next(), "ping")
                for command in (["no-such"], ["/etc/passwd"]):
                    container = self.run_in(*command, setup=setup)
                    self.assertEqual(container.wait(), 127 if command == ["no-such"] else 126)

    def test_survives_not_being_allowed_to(self):
        def setup():
            raw.drop_bounding(raw.CAP_KILL)
            raw.deny(["readlinkat"], errno.EPERM)  # so that the application's user cannot be known
        container = self.recorder("record-as", str(NOBODY), setup=setup)
        container.signal(signal.SIGUSR1)
        raw.queue(container.pid, signal.SIGUSR2, 7)
        eventually(lambda: quiet(container.pid), "the init waiting again")
        os.kill(container.application(), signal.SIGUSR2)
        self.assertEqual(container.out.next().split()[0], "12")
        os.kill(container.application(), signal.SIGKILL)
        self.assertEqual(container.wait(), 137)


if __name__ == "__main__":
    unittest.main()
