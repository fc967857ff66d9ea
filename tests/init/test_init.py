"""What runi-init does, seen from outside: the real program as PID 1 of a PID namespace of its own."""

import errno
import fcntl
import itertools
import os
import pty
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import unittest

import raw
from container import (DEADLINE_S, ENVIRONMENT, INIT, INIT_ARM64, NOBODY, PYTHON, Case, children_of, eventually, files_of,
                       kept_files_of, needs_root, quiet, read_file, stat_of, status_of)


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
class Orphans(Case):
    def test_a_thousand_leave_no_zombie(self):
        container = self.recorder("orphans", "1000")
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "made")
        eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)

    def test_signals_and_status_get_through_a_backlog(self):
        container = self.recorder("orphans", "500", options=["-w"])  # -w: not by the kernel, see test_reaping.py
        application = container.application()
        container.signal(signal.SIGSTOP)
        os.kill(application, signal.SIGUSR1)
        self.assertEqual(container.out.next(), "made")
        eventually(lambda: len(children_of(container.pid)) == 501, "the orphans")
        container.signal(signal.SIGTERM)
        container.signal(signal.SIGCONT)
        self.assertEqual(container.wait(), 143)

    def test_subreaper_adopts_outside_a_namespace_of_its_own(self):
        for options, adopts in ((["-s"], True), ([], False)):
            with self.subTest(options):
                container = self.app("orphan", options=options, fork=os.fork)
                lines = sorted(container.out.next().split() for _ in range(2))
                adopter = next(int(words[0]) for words in lines if words[0] != "parent")
                self.assertEqual(adopter == container.pid, adopts)


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


class Terminal:
    """A pseudo terminal; what is typed is written to .master."""

    def __init__(self, test):
        self.master, self.slave = pty.openpty()
        test.addCleanup(self.hang_up)

    def hang_up(self):
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = -1


@needs_root
class OnATerminal(Case):
    def setUp(self):
        self.terminal = Terminal(self)
        self.name = os.ttyname(self.terminal.slave)

    def take_terminal(self, *numbers):
        def setup():
            os.setsid()
            slave = os.open(self.name, os.O_RDWR)  # the leader's first becomes the controlling one
            for number in numbers:
                os.dup2(slave, number)
            if slave > 3:
                os.close(slave)
        return setup

    def start(self, *numbers, **how):
        return self.recorder(setup=self.take_terminal(*numbers), **how)

    def assert_owns_terminal(self, pid):
        place = stat_of(pid)
        self.assertEqual(place["session"], pid)
        self.assertEqual(place["group"], pid)
        self.assertEqual(place["foreground"], pid)
        self.assertEqual(place["terminal"], os.fstat(self.terminal.slave).st_rdev)

    def fence(self, container):
        """Behind all that the init may have had to forward: the highest signal, which is taken last."""
        container.signal(64)
        return container.out.next()

    def test_application_is_leader_and_in_the_foreground(self):
        for numbers in ((0, 1, 2), (1,), (2,), ()):  # with none, it is found as /dev/tty
            with self.subTest(numbers):
                container = self.start(*numbers)
                application = container.application()
                self.assert_owns_terminal(application)
                self.assertEqual(stat_of(container.pid)["terminal"], 0)
                self.assertEqual(sorted(kept_files_of(container.pid)), [0, 1, 2])
                self.assertEqual(self.fence(container), "64 0 0")  # no SIGHUP, no SIGCONT of the hand-over
                container.kill()
                container.ended = 0

    def test_the_init_holds_the_terminal_by_name(self):
        """So that it can be written to through /proc/1, and is closed when the application closes it."""
        O_PATH = 0o10000000
        container = self.start(0, 1, 2)
        eventually(lambda: quiet(container.pid) and os.readlink(f"/proc/{container.pid}/cwd") == "/", "the init at rest")
        for fd in range(3):
            self.assertEqual(os.readlink(f"/proc/{container.pid}/fd/{fd}"), self.name)
            flags = next(line for line in read_file(f"/proc/{container.pid}/fdinfo/{fd}").decode().splitlines() if line.startswith("flags:"))
            self.assertTrue(int(flags.split()[1], 8) & O_PATH)
        with open(f"/proc/{container.pid}/fd/1", "wb", buffering=0) as terminal:
            terminal.write(b"through process 1\n")
        self.assertEqual(os.read(self.terminal.master, 100), b"through process 1\r\n")

    def test_an_init_with_something_to_say_keeps_the_terminal(self):
        self.start(0, 1, 2, options=["-v"])
        self.assertIn(b"runi-init: started ", os.read(self.terminal.master, 100))

    def test_terminal_open_for_writing_only(self):
        def setup():
            os.setsid()
            os.open(self.name, os.O_RDWR)
            only = os.open(self.name, os.O_WRONLY)
            for number in (0, 1, 2):
                os.dup2(only, number)
            raw.drop_bounding(21)  # CAP_SYS_ADMIN may do what is not tried here
        container = self.recorder(setup=setup)
        self.assert_owns_terminal(container.application())

    def test_ctrl_c_arrives_once(self):
        container = self.start(0, 1, 2)
        os.write(self.terminal.master, b"\x03")
        self.assertEqual(container.out.next(), f"2 {raw.SI_KERNEL} 0")
        self.assertEqual(self.fence(container), "64 0 0")

    def test_window_change_arrives_once(self):
        container = self.start(0, 1, 2, options=["-g"])
        fcntl.ioctl(self.terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        self.assertEqual(container.out.next(), f"{int(signal.SIGWINCH)} {raw.SI_KERNEL} 0")
        self.assertEqual(self.fence(container), "64 0 0")

    def test_hang_up_arrives_once(self):
        container = self.start(0, 1, 2)
        self.terminal.hang_up()
        got = sorted(container.out.next() for _ in range(2))
        self.assertEqual(got, [f"1 {raw.SI_KERNEL} 0", f"18 {raw.SI_KERNEL} 0"])
        self.assertEqual(self.fence(container), "64 0 0")

    def test_where_the_terminal_cannot_be_given_up(self):
        take = self.take_terminal(0, 1, 2)
        def setup():
            take()
            raw.deny(["ioctl"], errno.EPERM, request=termios.TIOCNOTTY)
        container = self.recorder(setup=setup)
        place = stat_of(container.application())
        self.assertEqual(place["session"], container.pid)
        self.assertEqual((place["group"], place["foreground"]), (container.application(),) * 2)
        self.terminal.hang_up()  # of which the kernel tells the session's leader, here the init, and nobody else
        got = sorted(container.out.next() for _ in range(2))
        self.assertEqual(got, ["1 0 0", "18 0 0"])
        self.assertEqual(self.fence(container), "64 0 0")

    def test_hang_up_sent_by_another_before_the_start_is_kept(self):
        take = self.take_terminal(0, 1, 2)
        def setup():
            take()
            raw.set_mask(1 << 0 | 1 << 17)
            sender = os.fork()
            if sender == 0:
                os.kill(os.getppid(), signal.SIGHUP)
                os._exit(0)
            os.waitpid(sender, 0)
        container = self.recorder(setup=setup)
        self.assertEqual(container.out.next(), "1 0 0")
        self.assertEqual(self.fence(container), "64 0 0")

    def shell(self, foreground, last=lambda: None):
        """Starts the init as a job, as a shell does: it is the child of the session's leader, .pid."""
        def setup():
            self.take_terminal(0, 1, 2)()
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, lambda *_: os.tcsetpgrp(0, job))  # fg
            job = os.fork()
            if job != 0:
                _, status = os.waitpid(job, 0)
                os._exit(os.waitstatus_to_exitcode(status))
            os.setpgid(0, 0)
            if foreground:
                os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            last()
        container = self.recorder(setup=setup, fork=os.fork)
        init = container.application()
        application, = children_of(init)
        return container, init, application

    def job_ends(self, container, application):
        os.kill(application, signal.SIGKILL)
        self.assertEqual(container.wait(), 137)

    def test_job_of_a_shell_hands_its_foreground_on(self):
        for foreground in (True, False):
            with self.subTest(foreground=foreground):
                container, _, application = self.shell(foreground)
                place = stat_of(application)
                self.assertEqual(place["session"], container.pid)
                self.assertEqual(place["group"], application)
                self.assertEqual(place["foreground"], application if foreground else container.pid)
                self.job_ends(container, application)

    def test_ctrl_c_arrives_once_at_a_job_brought_to_the_foreground(self):
        container, init, application = self.shell(foreground=False)
        container.signal(signal.SIGUSR1)
        eventually(lambda: stat_of(init)["foreground"] == init, "the init's group in the foreground")
        os.write(self.terminal.master, b"\x03")
        self.assertEqual(container.out.next(), "2 0 0")
        os.kill(init, signal.SIGUSR2)
        self.assertEqual(container.out.next().split()[0], "12")
        self.job_ends(container, application)

    def test_ctrl_c_arrives_once_in_the_init_s_own_group(self):
        deny = lambda: raw.deny(["setpgid"], errno.EPERM)
        container, init, application = self.shell(foreground=True, last=deny)
        self.assertEqual(stat_of(application)["group"], init)
        os.kill(init, signal.SIGSTOP)  # so that a second one would not merge with the first
        os.write(self.terminal.master, b"\x03")
        self.assertEqual(container.out.next(), f"2 {raw.SI_KERNEL} 0")
        os.kill(init, signal.SIGCONT)
        self.assertEqual(container.out.next(), "18 0 0")
        self.job_ends(container, application)


@needs_root
class InPlace(Case):
    """Where it cannot be an init, the application runs as PID 1, as it would have without."""

    SHOW = ("/bin/cat", "/proc/self/stat", "/proc/self/status")

    def assert_in_place(self, container, mask=0, ignored=0):
        self.assertEqual(container.wait(), 0)
        lines = container.output().splitlines()
        self.assertEqual(lines[0].split()[0], "1", lines[0])
        fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        self.assertEqual(int(fields["SigBlk"], 16), mask)
        self.assertEqual(int(fields["SigIgn"], 16), ignored)

    def with_inheritance(self, then):
        def setup():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            then()
            raw.set_mask(1 << 9)
        return setup

    def check(self, then):
        container = self.run_in(*self.SHOW, setup=self.with_inheritance(then))
        self.assert_in_place(container, mask=1 << 9, ignored=1 << 16)

    def test_process_limit(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        self.check(limit)

    def test_pids_cgroup(self):
        self.check(self.cgroup("pids", max=1))

    def test_no_process_may_be_made(self):
        for error in (errno.EPERM, errno.ENOSYS):
            with self.subTest(errno.errorcode[error]):
                self.check(lambda: raw.deny(["clone", "clone3", "fork", "vfork"], error))

    def test_no_signal_may_be_waited_for(self):
        for error in (errno.EPERM, errno.ENOSYS):
            with self.subTest(errno.errorcode[error]):
                self.check(lambda: raw.deny(["rt_sigtimedwait"], error))

    def test_no_child_may_be_waited_for(self):
        self.check(lambda: raw.deny(["waitid"], errno.EPERM))

    def test_a_policy_that_children_would_not_have(self):
        def reset_on_fork():
            try:
                os.sched_setscheduler(0, os.SCHED_BATCH | os.SCHED_RESET_ON_FORK, os.sched_param(0))
            except PermissionError:
                os._exit(98)
        container = self.run_in(*self.SHOW, setup=reset_on_fork)
        self.assert_in_place(container)

    def test_the_terminal_is_taken_back(self):
        name = os.ttyname(Terminal(self).slave)
        def setup():
            os.setsid()
            terminal = os.open(name, os.O_RDWR)
            os.dup2(terminal, 0)
            os.close(terminal)
            raw.deny(["clone", "clone3", "fork", "vfork"], errno.EPERM)
        container = self.recorder(setup=setup)
        place = stat_of(container.pid)
        self.assertEqual((place["session"], place["group"], place["foreground"]), (container.pid,) * 3)
        container.signal(signal.SIGUSR2)
        self.assertEqual(container.out.next(), "12 0 0")

    def test_an_exec_error_is_told_as_ever(self):
        container = self.run_in("no-such-command", setup=lambda: raw.deny(["clone", "vfork", "fork"], errno.EPERM))
        self.assertEqual(container.wait(), 127)
        self.assertEqual(container.output(), "runi-init: exec no-such-command: No such file or directory\n")


@needs_root
class Stack(Case):
    def test_a_limit_that_leaves_room_for_little(self):
        """The init itself as the application, for it needs next to none."""
        def setup():
            resource.setrlimit(resource.RLIMIT_STACK, (16 << 10, 16 << 10))  # of which the kernel may waste half
        path = {"PATH": f"/bin:/usr/bin:{os.path.dirname(INIT)}"}
        for command in ([INIT, "--version"], [os.path.basename(INIT), "--version"]):
            for _ in range(20):  # where the kernel puts the stack is chance
                container = self.run_in(*command, setup=setup, environment=path)
                self.assertEqual(container.wait(), 0)


@needs_root
class Denied(Case):
    """Any one system call may be denied, and the container still works."""

    CALLS = sorted(set(raw.NUMBERS) - {"clone3", "ptrace", "clock_gettime", "pread64", "setresuid"})

    def test_each_call(self):
        for name in self.CALLS:
            for error in (errno.EPERM, errno.ENOSYS):
                with self.subTest(name, error=errno.errorcode[error]):
                    # The init itself as the application: it needs none of them to print its version.
                    container = self.run_in(INIT, "--version", setup=lambda: raw.deny([name], error))
                    self.assertEqual(container.wait(), 0)
                    self.assertTrue(container.output().startswith("tini version "))

    def test_each_pair(self):
        for error in (errno.EPERM, errno.ENOSYS):
            running = []
            for pair in itertools.combinations(self.CALLS, 2):
                running.append((pair, self.run_in(INIT, "--version", setup=lambda: raw.deny(pair, error))))
                if len(running) == 8:
                    self.assert_all_work(running, error)
            self.assert_all_work(running, error)

    def assert_all_work(self, running, error):
        for pair, container in running:
            with self.subTest(pair, error=errno.errorcode[error]):
                self.assertEqual(container.wait(), 0)
                self.assertTrue(container.output().startswith("tini version "))
        running.clear()

    def test_a_call_that_does_nothing_and_succeeds(self):
        """A profile's SCMP_ACT_ERRNO with errno 0."""
        for name, request in (("ioctl", raw.PIDFD_GET_INFO), ("ppoll", None)):
            with self.subTest(name):
                container = self.run_in("/bin/sleep", "1000", setup=lambda: raw.deny([name], 0, request=request))
                application = container.application()
                eventually(lambda: quiet(container.pid), "the init at rest")
                before = read_file(f"/proc/{container.pid}/stat")
                container.signal(signal.SIGURG)
                eventually(lambda: quiet(container.pid), "the init at rest")
                self.assertEqual(read_file(f"/proc/{container.pid}/stat").split()[13:15], before.split()[13:15])  # no CPU time
                os.kill(application, signal.SIGTERM)
                self.assertEqual(container.wait(), 143)

    def test_another_way_to_make_a_process_is_found(self):
        for only, names, flag in (("clone without CLONE_VM", ["vfork", "fork"], raw.CLONE_VM),
                                  ("vfork", ["clone", "fork"], None), ("fork", ["clone", "vfork"], None)):
            with self.subTest(only):
                def setup():
                    raw.deny(["clone"], errno.EPERM, flag)
                    raw.deny(names, errno.EPERM)
                container = self.run_in("/bin/cat", "/proc/self/stat", setup=setup)
                self.assertEqual(container.wait(), 0)
                self.assertEqual(container.output().split()[0], "2")

    def test_files_are_closed_without_close_range(self):
        def setup():
            for number in (5, 6, 40, 900):
                os.dup2(0, number)
            resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
            raw.deny(["close_range"], errno.ENOSYS)
        container = self.run_in("/bin/sleep", "1000", setup=setup)
        container.application()
        eventually(lambda: quiet(container.pid) and os.readlink(f"/proc/{container.pid}/cwd") == "/", "the init at rest")
        self.assertEqual(sorted(kept_files_of(container.pid)), [0, 1, 2])
        self.assertLessEqual({0, 1, 2, 5, 6, 40, 900}, set(files_of(container.application())))


@needs_root
class Cost(Case):
    def test_memory_at_rest(self):
        for _ in range(8):  # where the kernel puts the stack is chance
            container = self.run_in("/bin/sleep", "1000")
            container.application()
            eventually(lambda: self.fits(container.pid), "an init at rest of 12 KiB, 8 of them its own")

    @staticmethod
    def fits(pid):
        lines = read_file(f"/proc/{pid}/smaps_rollup").decode().splitlines()[1:]
        sizes = {name: int(kilobytes) for name, kilobytes, _ in map(str.split, lines)}
        return sizes["Rss:"] <= 12 and sizes["Anonymous:"] <= 8

    def test_file(self):
        image = read_file(INIT)
        self.assertLessEqual(len(image), 10240)
        self.assert_one_segment(image)

    @unittest.skipUnless(os.path.exists(INIT_ARM64), "no arm64 runi-init was built")
    def test_file_for_arm64(self):
        image = read_file(INIT_ARM64)
        self.assertLessEqual(len(image), 11264)
        self.assert_one_segment(image)

    def assert_one_segment(self, image):
        """Only code to load, nothing writable, no interpreter; and the build id's note."""
        offset, = struct.unpack_from("Q", image, 32)
        size, count = struct.unpack_from("HH", image, 54)
        headers = [struct.unpack_from("II", image, offset + size * i) for i in range(count)]
        PT_LOAD, PT_NOTE, PT_GNU_STACK, READ, WRITE, EXECUTE = 1, 4, 0x6474E551, 4, 2, 1
        self.assertEqual(headers, [(PT_LOAD, READ | EXECUTE), (PT_NOTE, READ), (PT_GNU_STACK, READ | WRITE)])


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
