"""How the application is looked up, and with which status runi-init ends."""

import os
import shutil
import signal
import tempfile
import unittest

from container import INIT, Case, needs_root


@needs_root
class Status(Case):
    def test_is_the_applications(self):
        for script, status in (("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143),
                               ("kill -KILL $$", 137), ("kill -64 $$", 192)):
            with self.subTest(script):
                self.assertEqual(self.run_in("/bin/sh", "-c", script).wait(), status)

    def test_of_a_core_dump_is_128_and_the_signal(self):
        # ulimit, so that no core is left behind; the wait status says "dumped" only with a core.
        self.assertEqual(self.run_in("/bin/sh", "-c", "ulimit -c 0; kill -ABRT $$").wait(), 134)

    def test_survives_sigchld_inherited_as_ignored(self):
        container = self.run_in("/bin/sh", "-c", "exit 7", setup=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(container.wait(), 7)

    def test_127_where_there_is_no_such_command(self):
        for name in ("no-such-command", "/no/such/command", "", "/etc/passwd/x"):
            with self.subTest(name):
                container = self.run_in(name)
                self.assertEqual(container.wait(), 127)
                why = "Not a directory" if name.endswith("/x") else "No such file or directory"
                self.assertEqual(container.output(), f"runi-init: exec {name}: {why}\n")

    def test_126_where_it_cannot_be_executed(self):
        with tempfile.TemporaryDirectory() as directory:
            text = os.path.join(directory, "text")
            with open(text, "w", encoding="ascii") as file:
                file.write("exit 5\n")  # a shell would run it
            os.chmod(text, 0o755)
            loop = os.path.join(directory, "loop")
            os.symlink(loop, loop)
            for name, why in (("/etc/passwd", "Permission denied"), ("/etc", "Permission denied"),
                              (text, "Exec format error"), (loop, "error 40"),
                              ("/" + "x" * 300, "error 36")):
                with self.subTest(name):
                    container = self.run_in(name)
                    self.assertEqual(container.wait(), 126)
                    self.assertEqual(container.output(), f"runi-init: exec {name}: {why}\n")

    def test_125_where_the_init_is_used_wrongly(self):
        for args in (["-x", "true"], ["--group", "true"], ["-g"], []):
            with self.subTest(args):
                container = self.run_in(INIT, *args, init=False)
                self.assertEqual(container.wait(), 125)
                output = container.output()
                self.assertTrue(output.startswith("runi-init: ") and output.endswith("\n"), output)
                self.assertEqual(output.count("\n"), 1)

    def test_version_is_what_dockerd_reads(self):
        container = self.run_in(INIT, "--version", init=False)
        self.assertEqual(container.wait(), 0)
        self.assertRegex(container.output(), r"^tini version \d+\.\d+\.\d+ - git\.runi-init\n$")

    def test_help_fits_a_screen(self):
        for option in ("-h", "--help"):
            container = self.run_in(INIT, option, init=False)
            self.assertEqual(container.wait(), 0)
            lines = container.output().splitlines()
            self.assertLessEqual(len(lines), 24)
            self.assertLessEqual(max(map(len, lines)), 80)


@needs_root
class Search(Case):
    """PATH, as execvp(3) reads it."""

    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)

    def script(self, place, text, mode=0o755):
        path = os.path.join(self.directory, place)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)

    def result(self, path, name="it", cwd="/usr"):
        environment = {} if path is None else {"PATH": path.replace("@", self.directory)}
        container = self.run_in(name, environment=environment, cwd=cwd.replace("@", self.directory))
        return container.wait(), container.output()

    def test_takes_the_first_that_can_be_executed(self):
        self.script("a/it", "#!/bin/sh\nexit 1\n", mode=0o644)
        self.script("b/it", "#!/bin/sh\necho $0; exit 2\n")
        self.script("c/it", "#!/bin/sh\nexit 3\n")
        self.script("file", "")
        long = "/" + "x" * 5000
        self.assertEqual(self.result(f"/none:@/file:{long}:@/a:@/b:@/c"), (2, f"{self.directory}/b/it\n"))

    def test_says_permission_denied_where_that_was_all_it_found(self):
        self.script("a/it", "#!/bin/sh\nexit 1\n", mode=0o644)
        self.assertEqual(self.result("@/a:/none"), (126, "runi-init: exec it: Permission denied\n"))

    def test_never_gives_a_file_without_magic_to_a_shell(self):
        self.script("a/it", "exit 4\n")
        self.script("b/it", "#!/bin/sh\nexit 2\n")
        self.assertEqual(self.result("@/a:@/b"), (126, "runi-init: exec it: Exec format error\n"))

    def test_empty_element_is_the_working_directory(self):
        self.script("a/it", "#!/bin/sh\nexit 6\n")
        for path in ("", ":/none", "/none:", "/none::/none"):
            with self.subTest(path):
                self.assertEqual(self.result(path, cwd="@/a")[0], 6)

    def test_has_a_default_where_path_is_unset(self):
        self.assertEqual(self.result(None, name="true"), (0, ""))


if __name__ == "__main__":
    unittest.main()
