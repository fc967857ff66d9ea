"""A person at a terminal: a program on a pty, typed at and read from."""

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """argv as the session leader of a new pty. Ended with the test."""

    def __init__(self, case, argv, rows=24, columns=80):
        self.seen = b""  # what was printed and not yet matched by expect()
        self.fd, other_end = os.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(argv, stdin=other_end, stdout=other_end, stderr=other_end,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(other_end)
        case.addCleanup(self._close)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=10.0):
        """Reads on until the regular expression matches. Returns the match; what follows it stays to be read."""
        match = self.find(pattern, seconds)
        if match is None:
            raise AssertionError(f"waited for {pattern!r} on the terminal, saw {self.seen!r}")
        return match

    def find(self, pattern, seconds):
        """As expect(), but None when there is no match in time."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern.encode(), self.seen)):
            if not self._read(deadline - time.monotonic()):
                return None
        self.seen = self.seen[match.end():]
        return match

    def wait(self, seconds=10.0):
        """Reads to the end. Returns the program's exit status."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, seconds):
        """Appends what comes next to self.seen. False at the end, and when nothing comes in time."""
        if seconds <= 0 or not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self.seen += data
        return data != b""

    def _close(self):
        os.close(self.fd)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
