"""The application on a terminal: its session, its process group, and the signals of the terminal."""

import errno
import fcntl
import os
import signal
import struct
import termios
import unittest

import raw
from container import Case, children_of, eventually, kept_files_of, needs_root, quiet, read_file, stat_of
from terminal import Terminal


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


if __name__ == "__main__":
    unittest.main()
