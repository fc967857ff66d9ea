"""Programs that take the whole screen, and shells, at a terminal under runi-init."""

import fcntl
import os
import re
import select
import struct
import tempfile
import termios
import time

from container import DEADLINE_S, ENVIRONMENT, Case, eventually, needs_root, read_file, stat_of
from terminal import Terminal

BUSYBOX = "/bin/busybox"
ESCAPE, CONTROL_Z = b"\x1b", b"\x1a"
PROMPT = rb"READY> "


@needs_root
class Screen(Case):
    def setUp(self):
        self.terminal = Terminal(self)
        self.name = os.ttyname(self.terminal.slave)
        self.resize(24, 80)
        self.seen = b""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = os.path.join(directory.name, "file")

    def start(self, *command):
        def setup():
            os.setsid()
            slave = os.open(self.name, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(slave, number)
            os.close(slave)
        return self.run_in(*command, setup=setup, environment=dict(ENVIRONMENT, TERM="vt100", PS1=PROMPT.decode()))

    def resize(self, rows, columns):
        fcntl.ioctl(self.terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def settings(self):
        return termios.tcgetattr(self.terminal.master)

    def type(self, keys):
        os.write(self.terminal.master, keys)

    def expect(self, pattern):
        """Reads on until the pattern is on the screen; what was before it is forgotten."""
        end = time.monotonic() + DEADLINE_S
        while not (match := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.terminal.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} within {DEADLINE_S} s, but {self.seen!r}")
            self.seen += os.read(self.terminal.master, 65536)
        self.seen = self.seen[match.end():]

    def write_hello(self):
        self.type(b"ihello")
        self.expect(rb"I \S+/file")  # the status line, in insert mode
        self.type(ESCAPE)
        self.expect(rb"- \S+/file")  # a key that came sooner would be taken for a part of an escape sequence
        self.type(b":wq\r")

    def test_editor(self):
        before = self.settings()
        container = self.start(BUSYBOX, "vi", self.file)
        self.expect(rb"\x1b\[24;1H")  # its last line
        self.assertNotEqual(self.settings()[3], before[3])  # raw
        self.resize(10, 40)
        self.expect(rb"\x1b\[10;1H")
        self.write_hello()
        self.assertEqual(container.wait(), 0)
        self.assertEqual(read_file(self.file), b"hello\n")
        self.assertEqual(self.settings(), before)

    def test_settings_are_found_and_stay(self):
        settings = self.settings()
        settings[6][termios.VERASE] = b"\x05"
        termios.tcsetattr(self.terminal.master, termios.TCSANOW, settings)
        container = self.start("/bin/sh", "-c", "stty -a; stty -echo intr ^X; exit 6")
        self.expect(rb"erase = \^E")
        self.assertEqual(container.wait(), 6)
        after = self.settings()
        self.assertEqual((after[3] & termios.ECHO, after[6][termios.VINTR], after[6][termios.VERASE]), (0, b"\x18", b"\x05"))

    def test_editor_is_suspended_and_brought_back(self):
        container = self.start("/bin/sh", "-i")
        self.expect(PROMPT)
        shell = container.application()
        self.type(f"{BUSYBOX} vi {self.file}\n".encode())
        self.expect(rb"\x1b\[24;1H")
        for _ in range(3):
            self.type(CONTROL_Z)
            self.expect(b"Stopped")
            self.expect(PROMPT)
            eventually(lambda: stat_of(shell)["foreground"] == shell, "the shell in the foreground")
            self.type(b"fg\n")
            self.expect(rb"\x1b\[24;1H")
        self.write_hello()
        self.expect(PROMPT)
        self.assertEqual(read_file(self.file), b"hello\n")
        self.type(b"exit 5\n")
        self.assertEqual(container.wait(), 5)

    def test_hang_up_ends_a_shell_and_its_editor(self):
        container = self.start("/bin/sh", "-i")
        self.expect(PROMPT)
        self.type(f"{BUSYBOX} vi {self.file}\n".encode())
        self.expect(rb"\x1b\[24;1H")
        self.terminal.hang_up()
        self.assertEqual(container.wait(), 129)
