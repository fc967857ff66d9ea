"""The shield of -S: signals act on the application as they would if it were PID 1, but for those that stop containers;
and who is ended by one of those takes nobody along."""

import errno
import os
import signal
import unittest

import raw
from container import Case, children_of, eventually, needs_root, quiet, status_of

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
SHIELD = ["-S", "TERM,INT,QUIT"]
PING = 64  # as app.py has it: the last, so that it comes after every other that is pending
OTHERS = [number for number in range(1, 65) if number not in (signal.SIGKILL, signal.SIGSTOP, PING)]


@needs_root
class Shield(Case):
    def answers(self, how, numbers, **container):
        """The signals that the application says it got, sent one after another; after each it must still answer to PING.
        In no order: Python may run the handlers of two in another than that in which they came."""
        application = self.recorder("dispositions", how, **container)
        said = []
        for number in [*numbers, None]:
            if number is not None:
                application.signal(number)
                eventually(lambda: quiet(application.pid) or application.has_ended() or not container.get("init", True), "the signal forwarded")
            application.signal(PING)
            while (word := application.out.next()) != "ping":
                said.append(int(word))
        self.assertFalse(application.has_ended())
        return sorted(said)

    def test_every_signal_is_as_without_an_init(self):
        for how in ("default", "ignored", "handled", "blocked", "waited"):
            with self.subTest(how):
                # The C library has no actions for the two it keeps.
                numbers = [number for number in OTHERS if (how != "default" or number not in STOPS) and (how in ("default", "waited") or number not in (32, 33))]
                self.assertEqual(self.answers(how, numbers, options=SHIELD), self.answers(how, numbers, init=None))

    def test_an_application_that_is_busy_is_shielded_too(self):
        container = self.run_in("/bin/busybox", "sh", "-c", "while :; do :; done", options=SHIELD)
        application = container.application()
        eventually(lambda: status_of(application)["Name"] == "busybox", "the application")
        for _ in range(100):
            container.signal(signal.SIGHUP)
            eventually(lambda: quiet(container.pid), "the init at rest")
        self.assertFalse(container.has_ended())
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_an_application_whose_first_thread_has_ended(self):
        container = self.recorder("second-thread", options=SHIELD)
        application = container.application()
        eventually(lambda: status_of(application)["State"].startswith("Z"), "the end of the first thread")
        for number in (signal.SIGHUP, signal.SIGUSR1, 64):
            container.signal(number)
            eventually(lambda: quiet(container.pid), "the init at rest")
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_an_application_that_blocks_signals_for_moments(self):
        """As shells and others do around fork and wait."""
        container = self.run_in("/bin/dash", "-c", "while :; do sleep 0.002; done", options=SHIELD)
        container.application()
        for _ in range(300):
            container.signal(signal.SIGHUP)
            eventually(lambda: quiet(container.pid), "the init at rest")
        self.assertFalse(container.has_ended())
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_stop_signals_act(self):
        for options, ends in ((SHIELD, STOPS), (["-S", "37"], [37]), (["-SRTMIN+3,USR1"], [37, 10]), (["-S", "USR1", "-S", "USR2"], [10, 12]),
                              (["-S", "TERM", "-r", "TERM:USR1"], [15]), (["-S", "USR1", "-r", "HUP:USR1"], [1])):
            for number in ends:
                with self.subTest(options, number=number):
                    container = self.recorder("dispositions", "default", options=options)
                    container.signal(signal.SIGALRM)
                    eventually(lambda: quiet(container.pid), "the init at rest")
                    self.assertFalse(container.has_ended())
                    container.signal(number)
                    sent = {15: 10, 1: 10}.get(number, number) if "-r" in options else number
                    self.assertEqual(container.wait(), 128 + sent)

    def test_a_list_may_be_empty(self):
        self.assertEqual(self.answers("default", (15, 2, 3, 1), options=["-S", ""]), [])

    def test_every_signal_acts_without_it(self):
        container = self.recorder("dispositions", "default")
        container.signal(signal.SIGHUP)
        self.assertEqual(container.wait(), 129)

    def test_every_signal_acts_where_nothing_can_be_known(self):
        for name in ("readlinkat", "pread64"):
            with self.subTest(name):
                container = self.run_in("/bin/busybox", "sleep", "1000", options=SHIELD, setup=lambda: raw.deny([name], errno.EPERM))
                container.application()
                container.signal(signal.SIGHUP)
                self.assertEqual(container.wait(), 129)

    def test_every_signal_acts_where_it_is_not_pid_1(self):
        container = self.recorder("dispositions", "default", options=SHIELD, fork=os.fork)
        container.signal(signal.SIGHUP)
        self.assertEqual(container.wait(), 129)

    def test_a_stopped_application_is_continued(self):
        container = self.recorder("dispositions", "default", options=SHIELD)
        application = container.application()
        os.kill(application, signal.SIGSTOP)
        container.signal(signal.SIGCONT)
        container.signal(PING)
        self.assertEqual(container.out.next(), "ping")


@needs_root
class Following(Case):
    def leave(self, *how, options, **more):
        container = self.app("leave", *how, options=options, **more)
        for name in how:
            self.assertEqual(container.out.next().split()[:2], ["left", name])
        return container

    def gone(self, container, application):
        eventually(lambda: application not in children_of(container.pid), "the application's end")
        eventually(lambda: quiet(container.pid), "the init at rest")

    def test_what_is_left_gets_the_signal_and_is_waited_for(self):
        for options in (SHIELD, [*SHIELD, "-w"], [*SHIELD, "-n"]):
            with self.subTest(options):
                container = self.leave("bye", "away", "stopped", "wait", options=options)
                container.signal(signal.SIGTERM)
                self.assertEqual(sorted(container.out.next() for _ in range(3)), ["bye away", "bye bye", "bye stopped"])
                self.assertEqual(container.wait(), 143)

    def test_only_the_engine_ends_what_does_not_end(self):
        container = self.leave("deaf", "wait", options=SHIELD)
        application = container.application()
        container.signal(signal.SIGTERM)
        self.gone(container, application)
        for _ in range(2):
            container.signal(signal.SIGTERM)
            container.signal(signal.SIGALRM)
            eventually(lambda: quiet(container.pid), "the init at rest")
        self.assertFalse(container.has_ended())
        container.signal(signal.SIGKILL)
        self.assertEqual(container.wait(), -9)

    def test_a_later_stop_signal_reaches_them(self):
        container = self.leave("bye", "wait", options=SHIELD)
        application = container.application()
        container.signal(signal.SIGQUIT)  # which they do not wait for
        self.gone(container, application)
        container.signal(signal.SIGHUP)  # shielded from that
        container.signal(signal.SIGTERM)
        self.assertEqual(container.out.next(), "bye bye")
        self.assertEqual(container.wait(), 131)

    def test_who_has_a_handler_ends_for_all(self):
        script = "trap '%s' TERM; sh -c 'trap \"\" TERM INT; echo deaf >&3; while :; do sleep 1000; done' & wait"
        for end, status in (("exit 5", 5), ("trap - TERM; kill -TERM $$", 143)):
            with self.subTest(end):
                container = self.run_in("/bin/sh", "-c", script % end, options=SHIELD, out=True)
                self.assertEqual(container.out.next(), "deaf")
                container.signal(signal.SIGTERM)
                self.assertEqual(container.wait(), status)

    def test_not_of_a_signal_that_was_not_forwarded(self):
        container = self.leave("deaf", "wait", options=SHIELD)
        os.kill(container.application(), signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_not_without_the_shield(self):
        container = self.leave("deaf", "wait", options=[])
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_a_grace_limits_it(self):
        for seconds in ("0", "1"):
            with self.subTest(seconds):
                container = self.leave("deaf", "wait", options=[*SHIELD, "-t", seconds])
                container.signal(signal.SIGTERM)
                self.assertEqual(container.wait(), 143)


if __name__ == "__main__":
    unittest.main()
