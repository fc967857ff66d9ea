"""cmake --install puts the programs where engines call them, at any moment whole."""

import fcntl
import os
import re
import stat
import subprocess
import threading
import unittest

from bed.case import Case, built

PROGRAMS = ("sbin/runi", "libexec/runi/runi-init")


class Install(Case):
    def install(self, **environment):
        """The manifest's lines: it lies in the build folder, which all tests share."""
        build = os.path.dirname(os.path.dirname(built("RUNI")))
        self.prefix = self.folder("usr")
        with open(os.path.join(build, "install.lock"), "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.succeed("cmake", "--install", build, "--prefix", self.prefix, env=os.environ | environment)
            with open(os.path.join(build, "install_manifest.txt"), encoding="utf-8") as file:
                return file.read().split("\n")

    def test_each_version_stays_under_its_own_name(self):
        manifest = self.install()
        init = os.path.join(self.prefix, "libexec/runi/runi-init")
        self.assertRegex(os.readlink(init), r"^runi-init-\d+\.\d+\.\d+$")
        version = self.succeed(init, "--version")
        self.assertIn(os.path.basename(os.path.realpath(init)).rpartition("-")[2], version)
        for path in [os.path.join(self.prefix, program) for program in PROGRAMS] + [os.path.realpath(init)]:
            self.assertIn(path, manifest)
            self.assertEqual(oct(stat.S_IMODE(os.stat(path).st_mode)), "0o755")
        self.assertEqual([name for name in manifest if name.endswith(".new")], [])
        self.assertEqual(sorted(os.listdir(os.path.dirname(init))),
                         ["runi-init", os.path.basename(os.path.realpath(init))])

    def test_below_another_root(self):
        root = self.folder("root")
        manifest = self.install(DESTDIR=root)
        self.assertTrue(os.path.islink(f"{root}{self.prefix}/libexec/runi/runi-init"))
        self.assertIn(f"{self.prefix}/sbin/runi", manifest)
        self.assertEqual(os.listdir(self.prefix), [])

    def test_over_what_is_in_use(self):
        """Whoever calls a program meanwhile gets one, and what runs goes on with the file it has."""
        self.install()
        paths = [os.path.join(self.prefix, program) for program in PROGRAMS]
        before = [os.open(path, os.O_RDONLY) for path in paths]
        for each in before:
            self.addCleanup(os.close, each)
        calls, failures, done = [0], [], threading.Event()

        def call():
            while not done.is_set():
                for path in paths:
                    try:
                        said = subprocess.run([path, "--version"], check=True, capture_output=True, text=True)
                        if not re.search(r"\d+\.\d+\.\d+", said.stdout):
                            failures.append(said)
                    except (OSError, subprocess.CalledProcessError) as error:
                        failures.append(error)
                    calls[0] += 1

        caller = threading.Thread(target=call)
        caller.start()
        try:
            for _ in range(5):
                self.install()
        finally:
            done.set()
            caller.join()
        self.assertEqual({str(failure) for failure in failures}, set())
        self.assertGreater(calls[0], 10)
        for path, each in zip(paths, before):
            self.assertEqual(os.fstat(each).st_nlink, 0, path)


if __name__ == "__main__":
    unittest.main()
