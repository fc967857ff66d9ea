"""What an init is for: signals that end the application, orphans that are reaped, statuses that arrive."""

import json
import os
import time

from bed.case import PLAIN, RUNI, built
from bed.engine import signals_of
from engines import ALL, for_each_engine

SIGTERM, SIGKILL = 15, 9


@for_each_engine(*ALL)
class Lifetime:
    def test_pid_1_is_the_init(self):
        plain = self.engine.start(PLAIN, ["sleep", "1000"])
        self.assertEqual(plain.await_process("sleep"), plain.pid)
        plain.kill("KILL")
        self.assertEqual(plain.wait(), 128 + SIGKILL)
        container = self.engine.start(RUNI, ["sleep", "1000"])
        container.await_process("sleep")
        self.assertTrue(os.path.samestat(os.stat(f"/proc/{container.pid}/exe"), os.stat(built("RUNI_INIT"))))
        self.assertEqual(len(container.processes()), 2)

    def test_sigterm_ends_an_application_without_a_handler(self):
        container = self.engine.start(RUNI, ["sleep", "1000"])
        container.await_process("sleep")
        started = time.monotonic()
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + SIGTERM)
        self.assertLess(time.monotonic() - started, 3)

    def test_sigterm_does_nothing_without_an_init(self):
        container = self.engine.start(PLAIN, ["sleep", "1000"])
        pid = container.await_process("sleep")
        container.kill("TERM")
        # The kernel has dropped it for PID 1: it lives, and no signal is waiting that could still end it.
        self.assertTrue(container.alive())
        self.assertEqual(signals_of(pid, "ShdPnd") | signals_of(pid, "SigPnd"), set())
        container.kill("KILL")
        self.assertEqual(container.wait(), 128 + SIGKILL)

    def test_orphans_are_reaped(self):
        for which, zombies in ((RUNI, 0), (PLAIN, 1000)):
            done = self.engine.run(which, ["probe", "orphans", "1000", "5000" if which == RUNI else "100"])
            self.assertEqual(done.status, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout), {"orphans": 1000, "zombies": zombies}, which)

    def test_statuses_are_the_application_s(self):
        for script, status in (("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$; sleep 5", 143),
                               ("kill -KILL $$; sleep 5", 137)):
            with self.subTest(script):
                self.assertEqual(self.engine.run(RUNI, ["sh", "-c", script]).status, status)

    def test_a_killed_application_ends_the_container_with_137(self):
        container = self.engine.start(RUNI, ["sleep", "1000"])
        os.kill(container.await_process("sleep"), SIGKILL)
        self.assertEqual(container.wait(), 128 + SIGKILL)
