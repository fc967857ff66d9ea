"""runictl install and uninstall, killed at every system call that changes something: between two of those all stays as it is.

The machine's effective configuration is then the old or the new one, and the next run goes on from there. By default each
engine has its third of the calls; RUNI_TEST_EACH_CALL=1 tries all of them with each.
"""

import ctypes
import os
import platform
import signal
import unittest

from bed.case import Case, need
from bed.node import Node, containerd2

PTRACE_TRACEME, PTRACE_SYSCALL, PTRACE_SETOPTIONS, PTRACE_GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
TRACESYSGOOD, EXITKILL = 1, 0x100000
ENTRY = 1
# Those that change files, or end the program; by their numbers on x86-64.
CHANGING = {"write": 1, "fsync": 74, "ftruncate": 77, "fchmod": 91, "fchown": 93, "fsetxattr": 190, "fremovexattr": 199,
            "exit_group": 231, "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266,
            "fchmodat": 268, "renameat2": 316}
STEP = 1 if os.environ.get("RUNI_TEST_EACH_CALL") else 3
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class SyscallInfo(ctypes.Structure):
    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
                ("sp", ctypes.c_uint64), ("number", ctypes.c_uint64), ("args", ctypes.c_uint64 * 6)]


def run_until(argv, last):
    """Runs argv and kills it at the entry of the changing system call that is the `last`, from 0 on. Returns how many it
    made; fewer than that: it came to its end."""
    child = os.fork()
    if child == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        LIBC.ptrace(PTRACE_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execv(argv[0], argv)
    os.waitpid(child, 0)
    LIBC.ptrace(PTRACE_SETOPTIONS, child, None, TRACESYSGOOD | EXITKILL)
    info = SyscallInfo()
    made, deliver = 0, 0
    while True:
        LIBC.ptrace(PTRACE_SYSCALL, child, None, deliver)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return made
        number = os.WSTOPSIG(status)
        deliver = 0 if number in (signal.SIGTRAP | 0x80, signal.SIGTRAP) else number
        if number != signal.SIGTRAP | 0x80:
            continue
        LIBC.ptrace(PTRACE_GET_SYSCALL_INFO, child, ctypes.sizeof(info), ctypes.byref(info))
        if info.op != ENTRY or info.number not in CHANGING.values():
            continue
        if info.number == CHANGING["openat"] and not info.args[2] & (os.O_CREAT | os.O_TMPFILE & ~os.O_DIRECTORY):
            continue
        if made == last:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return made
        made += 1


class Killed(Case):
    def setUp(self):
        super().setUp()
        if platform.machine() != "x86_64":
            raise unittest.SkipTest(f"needs x86-64: {platform.machine()} has other numbers of system calls")
        self.node = Node(self)

    def effective(self, tree):
        """The engine's files as it reads them, by their paths."""
        return {path: state[-1] for path, state in tree.items()
                if path.startswith(("/etc/containerd", "/etc/containers", "/etc/docker")) and not
                os.path.basename(path).startswith(".") and state[0] != "folder" and not path.endswith("candidate")}

    def runs(self, command, options):
        done = self.node.runictl(command, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.node.tree()

    def assert_goes_on(self, engine, first):
        """`first`: which of the calls it begins with, in steps."""
        self.first = first % STEP
        options = ("--engine", engine, "--restart", "none")
        bare = self.node.tree()
        whole = self.runs("install", options)
        effective = [self.effective(bare), self.effective(whole)]
        self.assertNotEqual(*effective)
        self.assert_each("uninstall", "install", options, whole, bare, effective)
        self.assertEqual(self.runs("uninstall", options), bare)
        self.assert_each("install", "uninstall", options, bare, whole, effective)

    def assert_each(self, command, other, options, before, after, effective):
        """`command` leads from the tree `before` to `after`, and `other` back."""
        last = self.first
        while run_until(self.node.argv(command, *options), last) == last:
            self.assertIn(self.effective(self.node.tree()), effective, f"{command}, {last}")
            self.assertEqual(self.runs(other, options), before, f"the other command takes back what was begun: {command}, {last}")
            run_until(self.node.argv(command, *options), last)
            self.assertEqual(self.runs(command, options), after, f"the same command goes on: {command}, {last}")
            self.runs(other, options)
            last += STEP
        self.assertGreater(last, 10)

    def test_podman(self):
        self.assert_goes_on("podman", 0)

    def test_docker(self):
        self.node.write("/etc/docker/daemon.json", '{"debug": true}\n')
        self.runs("install", ("--engine", "podman", "--restart", "none"))
        self.assert_goes_on("docker", 1)

    def test_containerd_1(self):
        need("containerd")
        self.node.write("/etc/containerd/config.toml", "version = 2\n")
        self.runs("install", ("--engine", "podman", "--restart", "none"))
        self.assert_goes_on("containerd", 2)

    def test_containerd_2(self):
        self.node.use(containerd2(), "containerd")
        self.node.write("/etc/containerd/config.toml", 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n')
        self.runs("install", ("--engine", "podman", "--restart", "none"))
        self.assert_goes_on("containerd", 2)


if __name__ == "__main__":
    unittest.main()
