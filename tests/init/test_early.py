"""Signals that come at every moment of the init's start."""

import os
import signal
import time
import unittest

import raw
from container import DEADLINE_S, INIT, Case, needs_root

ROUNDS = 2000
BUDGET_S = 12  # fewer rounds where the machine is slow
DELAYS_US = range(0, 1500, 25)  # the application has been executed after some 400


@needs_root
@unittest.skipUnless(len(os.sched_getaffinity(0)) > 1, "needs a processor for the sender")
class Early(Case):
    def setUp(self):
        processors = sorted(os.sched_getaffinity(0))
        self.addCleanup(os.sched_setaffinity, 0, processors)
        os.sched_setaffinity(0, processors[:1])
        self.other_processor = processors[1:2]

    def statuses(self, command, signals, mask):
        """Starts the init again and again, and sends it a signal each time, so long after exec has made it the init: then
        a pipe ends. Yields delay, signal and exit status (None where it does not end)."""
        began = time.monotonic()
        done = 0
        while done < ROUNDS and time.monotonic() - began < BUDGET_S:
            delay_us, number = DELAYS_US[done % len(DELAYS_US)], signals[done % len(signals)]
            read, write = os.pipe()
            pid = raw.fork_into(raw.CLONE_NEWPID)
            if pid == 0:
                try:
                    os.sched_setaffinity(0, self.other_processor)
                    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python's doing
                        signal.signal(ignored, signal.SIG_DFL)
                    raw.set_mask(mask)
                    os.execv(INIT, [INIT, "--", *command])
                finally:
                    os._exit(99)
            os.close(write)
            os.read(read, 1)
            os.close(read)
            until = time.perf_counter_ns() + delay_us * 1000
            while time.perf_counter_ns() < until:
                pass
            os.kill(pid, number)
            yield delay_us, number, self.status_of(pid)
            done += 1
        self.assertGreater(done, len(DELAYS_US))

    def status_of(self, pid):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.0002)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return None

    def test_none_is_lost_that_is_blocked(self):
        # The application finds SIGTERM blocked, too, and takes it when it comes: which ends it with 0.
        for delay_us, number, status in self.statuses([INIT, "-P"], [signal.SIGTERM], 1 << (signal.SIGTERM - 1)):
            self.assertEqual(status, 0, f"{number} after {delay_us} us")

    def test_none_ends_or_hangs_the_init(self):
        # The application ends by itself or by the signal, where that came in time.
        signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGALRM, signal.SIGSEGV, 34, 64)
        for delay_us, number, status in self.statuses(["/bin/true"], signals, 0):
            self.assertIn(status, (0, 128 + number), f"{number} after {delay_us} us")


if __name__ == "__main__":
    unittest.main()
