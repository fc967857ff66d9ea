"""runi-init for arm64, emulated."""

import os
import shutil
import signal
import subprocess
import unittest

from container import DEADLINE_S, ENVIRONMENT, INIT_ARM64

QEMU = shutil.which("qemu-aarch64-static")


@unittest.skipUnless(QEMU, "needs qemu-aarch64-static")
@unittest.skipUnless(os.path.exists(INIT_ARM64), "no arm64 runi-init was built")
class Arm64(unittest.TestCase):
    """Emulated; the applications are the host's. The emulator makes a vfork a fork."""

    def run_init(self, *args, **how):
        return subprocess.run([QEMU, INIT_ARM64, *args], env=ENVIRONMENT, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False, **how)

    def test_version(self):
        done = self.run_init("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^tini version \d+\.\d+\.\d+ - git\.runi-init\n$")

    def test_status(self):
        for script, status in (("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)):
            with self.subTest(script):
                self.assertEqual(self.run_init("sh", "-c", script).returncode, status)

    def test_errors(self):
        for args, status, message in ((["no-such"], 127, "exec no-such: No such file or directory"),
                                      (["/etc/passwd"], 126, "exec /etc/passwd: Permission denied"),
                                      (["-x", "true"], 125, "-x: unknown option")):
            with self.subTest(args):
                done = self.run_init(*args)
                self.assertEqual((done.returncode, done.stderr), (status, f"runi-init: {message}\n"))

    def test_environment(self):
        # Sorted, for the emulator turns it round.
        lines = sorted(self.run_init("/usr/bin/env").stdout.splitlines())
        self.assertEqual(lines, sorted(f"{name}={value}" for name, value in ENVIRONMENT.items()))

    def test_forwards(self):
        with subprocess.Popen([QEMU, INIT_ARM64, "sh", "-c", "trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.01; done"],
                              env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
            self.addCleanup(process.kill)
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(signal.SIGUSR1)
            self.assertEqual(process.stdout.readline(), "got\n")
            self.assertEqual(process.wait(DEADLINE_S), 9)

    def test_options(self):
        for options, script, status in ((["-e", "7"], "exit 7", 0), (["-e7", "-vw"], "exit 8", 8),
                                        (["-t", "1000"], "sleep 1000 & exit 3", 3), (["-r", "USR1:KILL"], "kill -USR1 $PPID; exec sleep 1000", 137)):
            with self.subTest(options):
                self.assertEqual(self.run_init(*options, "sh", "-c", script).returncode, status)

    def test_subreaper_and_orphans(self):
        done = self.run_init("-s", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (true & exec true) & done; wait; exit 4")
        self.assertEqual(done.returncode, 4)


if __name__ == "__main__":
    unittest.main()
