"""What the application finds: what it would find as PID 1."""

import errno
import os
import shutil
import signal
import socket
import tempfile
import unittest

import raw
from container import ENVIRONMENT, INIT, PYTHON, Case, files_of, kept_files_of, needs_root, read_file


@needs_root
class Inheritance(Case):
    """The application finds what it would have found as PID 1; PID 1 keeps next to nothing."""

    def field(self, name, setup):
        container = self.run_in("/bin/cat", "/proc/self/status", setup=setup)
        self.assertEqual(container.wait(), 0)
        return next(int(line.split()[1], 16) for line in container.output().splitlines() if line.startswith(name))

    def test_ignored_signals(self):
        def ignore(*numbers):
            def setup():
                for number in numbers:
                    signal.signal(number, signal.SIG_IGN)
            return setup
        def bits(*numbers):
            return sum(1 << (number - 1) for number in numbers)
        self.assertEqual(self.field("SigIgn", None), 0)
        for numbers in ((signal.SIGCHLD,), (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT), (signal.SIGTERM, 35, 64)):
            with self.subTest(numbers):
                self.assertEqual(self.field("SigIgn", ignore(*numbers)), bits(*numbers))

    def test_signal_mask(self):
        for mask in (0, 1, 0x3 << 31, 0x7 << 31 | 1 << 63, raw.ALL & ~(1 << 8 | 1 << 18)):
            with self.subTest(hex(mask)):
                self.assertEqual(self.field("SigBlk", lambda: raw.set_mask(mask)), mask)

    def test_environment_and_arguments(self):
        environment = {"PATH": "/usr/bin:/bin", "EMPTY": "", "SPACES": " a b ", "BIG": "x" * 20000, "TINI_SUBREAPER": "1"}
        command = ["/bin/sh", "-c", "cat /proc/$$/environ /proc/$$/cmdline; exit 3", "--", "a b", "", "-x"]
        container = self.run_in(*command, environment=environment)
        self.assertEqual(container.wait(), 3)
        expected = "".join(f"{name}={value}\0" for name, value in environment.items()) + "".join(f"{c}\0" for c in command)
        self.assertEqual(container.output(), expected)

    def test_files_and_working_directory(self):
        def setup():
            os.open("/etc/passwd", os.O_RDONLY)
            os.set_inheritable(4, True)
            os.dup2(4, 700)
            os.set_inheritable(700, True)
        container = self.recorder(setup=setup)
        application = container.application()
        files = files_of(application)
        files.pop(5, None)  # the recorder's own
        self.assertEqual(files[4], "/etc/passwd")
        self.assertEqual(files[700], "/etc/passwd")
        self.assertTrue(files[3].startswith("pipe:"))
        self.assertEqual(os.readlink(f"/proc/{application}/cwd"), "/usr")

        mine = kept_files_of(container.pid)
        self.assertEqual(sorted(mine), [0, 1, 2])
        self.assertEqual([mine[fd] for fd in (0, 1, 2)], [files[fd] for fd in (0, 1, 2)])
        self.assertEqual(os.readlink(f"/proc/{container.pid}/cwd"), "/")

    def test_pid_1_shows_its_command_line_and_environment(self):
        container = self.recorder()
        self.assertEqual(read_file(f"/proc/{container.pid}/cmdline").split(b"\0")[:3], [INIT.encode(), b"--", PYTHON.encode()])
        self.assertEqual(read_file(f"/proc/{container.pid}/environ"),
                         "".join(f"{n}={v}\0" for n, v in ENVIRONMENT.items()).encode())


@needs_root
class Addressed(Case):
    """Variables that name the process they are for: where that is the init, the application finds itself named."""

    def found(self, variables, deny=None, **how):
        """LISTEN_PID, WATCHDOG_PID and LISTEN_PIDFDID as app.py listen finds them. In variables, id stands for the
        init's pidfd's inode."""
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        environment = dict(ENVIRONMENT, LISTEN_FDS="2")
        names = [f"{directory}/{name}" for name in ("one", "two")]
        def setup():
            for fd, name in enumerate(names, 4):
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(name)
                os.dup2(listener.detach(), fd + 10)
            for fd in (4, 5):
                os.dup2(fd + 10, fd)
            os.closerange(6, 1024)
            pidfd = os.pidfd_open(os.getpid())
            own = os.fstat(pidfd).st_ino
            os.close(pidfd)
            environment.update((name, str(value).replace("id", str(own))) for name, value in variables.items())
            if deny is not None:
                raw.deny(deny, errno.EPERM)
        container = self.app("listen", setup=setup, environment=environment, **how)
        ready, *words = container.out.next().split()
        self.assertEqual((ready, words[3:]), ("ready", names))
        container.wait()
        return words[:3]

    def test_as_the_init(self):
        for variables, found in (
                ({"LISTEN_PID": 1, "WATCHDOG_PID": 1, "LISTEN_PIDFDID": "id"}, ["mine", "mine", "mine"]),
                ({"LISTEN_PIDFDID": "id", "WATCHDOG_PID": 1, "A": 1, "LISTEN_PID": 1}, ["mine", "mine", "mine"]),
                ({"WATCHDOG_PID": 1}, ["none", "mine", "none"]),
                ({"LISTEN_PID": 1}, ["mine", "none", "none"])):
            with self.subTest(variables):
                self.assertEqual(self.found(variables), found)

    def test_as_another(self):
        for variables, found in (
                ({"LISTEN_PID": 17, "WATCHDOG_PID": 11, "LISTEN_PIDFDID": "id"}, ["other", "other", "other"]),
                ({"LISTEN_PID": 1, "LISTEN_PIDFDID": 12345}, ["mine", "none", "other"]),
                ({"XLISTEN_PID": 1, "LISTEN_PID": 0, "WATCHDOG_PID": 10}, ["other", "other", "none"])):
            with self.subTest(variables):
                self.assertEqual(self.found(variables), found)

    def test_inode_is_not_told_where_it_cannot_be_known(self):
        for denied in ("fstat", "pidfd_open"):
            with self.subTest(denied):
                # The application asks for it, too; so this is seen in its environment.
                environment = dict(ENVIRONMENT, LISTEN_PID="1", LISTEN_PIDFDID="77", LAST="x")
                container = self.run_in("/bin/busybox", "env", environment=environment,
                                        setup=lambda: raw.deny([denied], errno.EPERM))
                self.assertEqual(container.wait(), 0)
                environment["LISTEN_PID"] = "2"
                del environment["LISTEN_PIDFDID"]
                self.assertEqual(dict(line.split("=") for line in container.output().splitlines()), environment)

    def test_in_place_it_is_the_init(self):
        self.assertEqual(self.found({"LISTEN_PID": 1, "WATCHDOG_PID": 1, "LISTEN_PIDFDID": "id"},
                                    deny=["clone", "vfork", "fork"]), ["mine", "mine", "mine"])

    def test_pid_1_shows_what_it_was_given(self):
        container = self.recorder(environment=dict(ENVIRONMENT, LISTEN_PID="1"))
        self.assertIn(b"LISTEN_PID=1\0", read_file(f"/proc/{container.pid}/environ"))
        self.assertIn(b"LISTEN_PID=2\0", read_file(f"/proc/{container.application()}/environ"))


if __name__ == "__main__":
    unittest.main()
