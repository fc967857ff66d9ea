"""Jobs of systemd, over its private socket, as an installation restarts engines: a real systemd, the test's units."""

import contextlib
import os
import socket
import subprocess
import threading
import time
import unittest

from bed.case import Case, built, until
from bed.systemd import Systemd

SERVICE = "[Unit]\nDefaultDependencies=no\n[Service]\n"
UNITS = {
    "fine.service": f"{SERVICE}ExecStart=/bin/sleep 1000\n",
    "slow.service": f"{SERVICE}ExecStartPre=/bin/sleep 0.5\nExecStart=/bin/sleep 1000\n",
    "fails.service": f"{SERVICE}Type=oneshot\nExecStart=/bin/false\n",
    "hangs.service": f"{SERVICE}Type=notify\nTimeoutStartSec=infinity\nTimeoutStopSec=1\nExecStart=/bin/sleep 1000\n",
    "impatient.service": f"{SERVICE}Type=notify\nTimeoutStartSec=300ms\nExecStart=/bin/sleep 1000\n",
    "reloads.service": f"{SERVICE}ExecStart=/bin/sleep 1000\nExecReload=/bin/touch {{scratch}}/reloaded\n",
    "needs.service": f"[Unit]\nRequires=fails.service\nAfter=fails.service\n{SERVICE}ExecStart=/bin/sleep 9\n",
    "waits.service": f"[Unit]\nJobTimeoutSec=300ms\nAfter=hangs.service\n{SERVICE}ExecStart=/bin/sleep 9\n",
    "broken.service": "[Service]\n",
}


class Jobs(Case):
    def setUp(self):
        super().setUp()
        self.systemd = Systemd(self, {name: text.replace("{scratch}", self.scratch) for name, text in UNITS.items()})

    def words(self, action, unit, seconds):
        return self.systemd.argv(built("HOST_PROBE"), action, self.systemd.socket, unit, str(seconds))

    def ask(self, action, unit, seconds=10):
        done = self.command(*self.words(action, unit, seconds))
        return done.returncode, (done.stdout + done.stderr).decode().strip()

    def pids(self, unit):
        """Of what it runs, as its cgroup says."""
        found = []
        for folder in self.cgroups():
            if os.path.basename(folder) == unit:
                with open(os.path.join(folder, "cgroup.procs"), encoding="utf-8") as file:
                    found += file.read().split()
        return found

    def test_a_restart_is_waited_for(self):
        for unit in ("fine.service", "slow.service"):
            self.assertEqual(self.ask("state", unit), (0, "inactive"))
            self.assertEqual(self.ask("restart", unit), (0, ""))
            self.assertEqual(self.ask("state", unit), (0, "active"))
            first = self.pids(unit)
            self.assertEqual(self.ask("restart", unit), (0, ""))
            self.assertEqual(self.ask("state", unit), (0, "active"))
            self.assertTrue(first and not set(first) & set(self.pids(unit)), "it is the same process")

    def test_a_failure_says_where_to_look(self):
        self.assertEqual(self.ask("restart", "fails.service"),
                         (1, "restart of fails.service: failed: see journalctl --unit fails.service"))
        self.assertEqual(self.ask("state", "fails.service"), (0, "failed"))
        self.assertEqual(self.ask("restart", "impatient.service")[0], 1)

    def test_what_the_unit_needs_fails(self):
        self.assertEqual(self.ask("restart", "needs.service"),
                         (1, "restart of needs.service: was not begun, as a unit that it needs failed"))

    def test_a_unit_that_is_not_there(self):
        for action in ("restart", "reload"):
            self.assertEqual(self.ask(action, "none.service"),
                             (1, f"{action} of none.service: systemd has no unit of that name on this machine"))
        self.assertEqual(self.ask("state", "none.service"),
                         (1, "none.service: systemd has no unit of that name on this machine"))

    def test_what_systemd_itself_says_is_passed_on(self):
        status, text = self.ask("reload", "fine.service")
        self.assertEqual(status, 1)
        self.assertRegex(text, "^reload of fine.service: systemd: .*(not applicable|not active)")
        status, text = self.ask("restart", "broken.service")
        self.assertEqual(status, 1)
        self.assertRegex(text, "^restart of broken.service: systemd: .*bad unit file")
        status, text = self.ask("restart", "no unit's name")
        self.assertEqual(status, 1)
        self.assertRegex(text, "^restart of no unit's name: systemd: .*not valid")

    def test_one_that_hangs_is_left_after_a_while(self):
        started = time.monotonic()
        self.assertEqual(self.ask("restart", "hangs.service", seconds=1),
                         (1, "restart of hangs.service: has not ended within 1 s, and goes on"))
        self.assertLess(time.monotonic() - started, 8)
        self.assertEqual(self.ask("state", "hangs.service"), (0, "activating"))

    def test_another_job_takes_its_place(self):
        with subprocess.Popen(self.words("restart", "hangs.service", 30),
                              stderr=subprocess.PIPE, text=True) as first:
            until(lambda: self.ask("state", "hangs.service") == (0, "activating"), "the job to begin")
            self.succeed(*self.systemd.argv("systemctl", "stop", "hangs.service"))
            self.assertEqual(first.stderr.read(),
                             "restart of hangs.service: was cancelled by another job for the unit\n")
            self.assertEqual(first.wait(), 1)

    def test_a_job_that_runs_into_its_own_timeout(self):
        self.ask("restart", "hangs.service", seconds=1)
        self.assertEqual(
            self.ask("restart", "waits.service"),
            (1, "restart of waits.service: ran into the unit's own timeout: see journalctl --unit waits.service"))

    def test_a_reload(self):
        self.assertEqual(self.ask("restart", "reloads.service"), (0, ""))
        before = self.pids("reloads.service")
        self.assertEqual(self.ask("reload", "reloads.service"), (0, ""))
        self.assertTrue(os.path.exists(self.path("reloaded")))
        self.assertEqual(self.pids("reloads.service"), before)

    def test_systemd_is_replaced_meanwhile(self):
        with subprocess.Popen(self.words("restart", "hangs.service", 30),
                              stderr=subprocess.PIPE, text=True) as job:
            until(lambda: self.ask("state", "hangs.service") == (0, "activating"), "the job to begin")
            self.succeed(*self.systemd.argv("systemctl", "daemon-reexec"))
            self.assertIn("restart of hangs.service: systemd closed the connection", job.stderr.read())
            self.assertEqual(job.wait(), 1)


class NoSystemd(Case):
    def ask(self, place):
        done = self.command(built("HOST_PROBE"), "restart", place, "fine.service", "1")
        self.assertEqual(done.returncode, 1)
        return done.stderr.decode().strip()

    def test_no_socket(self):
        path = self.path("private")
        self.assertEqual(self.ask(path), f"{path}: connect: No such file or directory")

    def test_nobody_listens(self):
        path = self.path("private")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            self.assertEqual(self.ask(path), f"{path}: nobody listens there: is the daemon running?")

    def test_something_else_listens(self):
        path = self.path("private")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()

            def answer():
                for _ in range(2):
                    connection = server.accept()[0]
                    with contextlib.suppress(OSError):  # it may have seen enough already
                        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n", socket.MSG_NOSIGNAL)
                    connection.close()

            thread = threading.Thread(target=answer)
            thread.start()
            self.assertRegex(self.ask(path), f"^{path}: systemd closed the connection")
            thread.join()

    def test_what_listens_says_nothing(self):
        path = self.path("private")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            self.assertEqual(self.ask(path), f"{path}: systemd does not answer")


if __name__ == "__main__":
    unittest.main()
