"""runictl check on this machine, and on another that runs beside it."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from machine import Check


class AnotherRoot(Check):
    """The root directory of a process in another mount namespace, which is called / there as ours is here."""

    PROGRAM = """
import ctypes, os, platform, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def call(done):
    if done != 0: sys.exit(os.strerror(ctypes.get_errno()))
root = sys.argv[1].encode()
call(libc.unshare(0x20000))  # CLONE_NEWNS
call(libc.mount(b"none", b"/", None, 0x44000, None))  # MS_REC | MS_PRIVATE
call(libc.mount(root, root, None, 0x5000, None))  # MS_BIND | MS_REC
os.chdir(root)
call(libc.syscall({"x86_64": 155, "aarch64": 41}[platform.machine()], b".", b"."))  # pivot_root
call(libc.umount2(b".", 2))  # MNT_DETACH
print("ready", flush=True)
time.sleep(1000)
"""

    def test_of_a_process(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: makes a mount namespace")
        os.unlink(self.path("usr/local/libexec/runi/runi-init"))
        with subprocess.Popen([sys.executable, "-c", self.PROGRAM, self.root], stdout=subprocess.PIPE) as process:
            try:
                self.assertEqual(process.stdout.readline(), b"ready\n")
                for magic in ("root", "cwd"):
                    root = f"/proc/{process.pid}/{magic}"
                    self.assertEqual(os.readlink(root), "/")
                    answer = json.loads(self.call("--json", "--root", root).stdout)
                    self.assertEqual([f["what"] for f in self.above_notes(answer["findings"])],
                                     ["handler runi: neither /usr/local/sbin/runi-init nor "
                                      "/usr/local/libexec/runi/runi-init exists"])
                    self.assertIn({"severity": "ok", "subject": "runi", "what": f"/usr/local/sbin/runi: version {self.version()}"},
                                  answer["findings"])
                    self.assertNotIn("kernel", [f["subject"] for f in answer["findings"]])
            finally:
                process.kill()

    def test_of_this_machine(self):
        link = self.path("link")
        os.symlink("/", link)
        for root in ("/", "/proc/self/root", link):
            answer = json.loads(self.call("--json", "--root", root).stdout)
            self.assertIn("kernel", [f["subject"] for f in answer["findings"]], root)


class ThisMachine(Check):
    def test_as_it_is(self):
        done = self.call("--json")
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if answer["problems"] else 0)
        kernel = [finding["what"] for finding in answer["findings"] if finding["subject"] == "kernel"]
        self.assertEqual(len(kernel), 2, answer)
        release = tuple(int(number) for number in re.match(r"(\d+)\.(\d+)", os.uname().release).groups())
        self.assertEqual("by itself" in kernel[0], release >= (6, 15), kernel)
        if runc := shutil.which("runc"):
            version = subprocess.run([runc, "--version"], check=True, capture_output=True, text=True).stdout.split("\n")[0]
            self.assertTrue([f for f in answer["findings"] if f["subject"] == "runtime" and version in f["what"]], answer)

    def test_text(self):
        done = self.call("--root", self.root)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), rf"(?m)^ok +runi +/usr/local/sbin/runi: version {self.version()}$")
        self.assertRegex(done.stdout.decode(), rf"(?m)^ok +init +/usr/local/libexec/runi/runi-init: version {self.version()}, ")
        self.assertRegex(done.stdout.decode(), r"(?m)^0 problems, 0 warnings$")
        os.chmod(self.path("usr/local/sbin/runi"), 0o775)
        done = self.call("--root", self.root)
        self.assertRegex(done.stdout.decode(), r"(?m)^problem +runi +writable by users other than its owner\n +in /usr/local/"
                                               r"sbin/runi\n +-> run chmod go-w on it$")

    def test_usage_that_is_wrong_ends_with_2(self):
        for args in (["--root", "/no/such"], ["--handler", "a/b"], ["word"], ["--bundle", "x"], ["--config", "/no/such"]):
            done = self.call(*args)
            self.assertEqual((done.returncode, done.stdout), (2, b""), args)
            self.assertTrue(done.stderr.startswith(b"runictl: "), done.stderr)

    def test_a_runtime_that_others_can_change_is_not_run(self):
        ran = self.path("ran")
        self.write("unsafe", f"#!/bin/sh\ntouch {ran}\n", mode=0o777)
        answer = self.check_runtime(self.path("unsafe"))
        self.assertFalse(os.path.exists(ran))
        self.assertTrue([f for f in answer if f["severity"] == "problem" and "writable by users other" in f["what"]], answer)
        os.chmod(self.path("unsafe"), 0o755)
        self.check_runtime(self.path("unsafe"))
        self.assertTrue(os.path.exists(ran))

    def test_a_runtime_that_hangs_is_a_problem(self):
        self.write("hangs", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n", mode=0o755)
        answer = self.check_runtime(self.path("hangs"))
        self.assertTrue([f for f in answer if f["severity"] == "problem" and "did not finish within 5 s" in f["what"]], answer)

    def test_a_runtime_that_fails_is_a_problem(self):
        for script, words in (("exit 3", "exited with status 3"), ("kill -9 $$", "killed by signal 9")):
            self.write("fails", f"#!/bin/sh\n{script}\n", mode=0o755)
            answer = self.check_runtime(self.path("fails"))
            self.assertEqual([f["what"] for f in answer if f["severity"] == "problem" and f["subject"] == "runtime"],
                             [f"{self.path('fails')}: --version: {words}"])

    def check_runtime(self, runtime):
        """The findings on this machine for a handler of its own in front of the runtime."""
        name = f"runi-{os.path.basename(self.root)}"
        configuration = os.path.join("/", self.etc_runi, name + ".json")
        os.makedirs(os.path.dirname(configuration), exist_ok=True)
        with open(configuration, "w", encoding="utf-8") as file:
            json.dump({"runtime": runtime}, file)
        try:
            return json.loads(self.call("--json", "--handler", name).stdout)["findings"]
        finally:
            os.unlink(configuration)


if __name__ == "__main__":
    unittest.main()
