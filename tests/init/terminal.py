"""A pseudo terminal for an application under runi-init."""

import os
import pty


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
