"""Watching a program's system calls that change something, to kill it at one of them or to have one of them fail.

Only for x86-64, whose numbers of system calls these are.
"""

import ctypes
import errno
import os
import platform
import signal
import unittest

PTRACE_TRACEME, PTRACE_POKEUSER, PTRACE_SYSCALL = 0, 6, 24
PTRACE_SETOPTIONS, PTRACE_GET_SYSCALL_INFO = 0x4200, 0x420E
TRACESYSGOOD, EXITKILL = 1, 0x100000
ENTRY = 1
NUMBER, RESULT = 15 * 8, 10 * 8  # orig_rax and rax in struct user
# Those that change files, or end the program.
CHANGING = {"write": 1, "fsync": 74, "ftruncate": 77, "fchmod": 91, "fchown": 93, "fsetxattr": 190, "fremovexattr": 199,
            "exit_group": 231, "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "linkat": 265,
            "symlinkat": 266, "fchmodat": 268, "renameat2": 316}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class SyscallInfo(ctypes.Structure):
    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
                ("sp", ctypes.c_uint64), ("number", ctypes.c_uint64), ("args", ctypes.c_uint64 * 6)]


def need_x86_64():
    if platform.machine() != "x86_64":
        raise unittest.SkipTest(f"needs x86-64: {platform.machine()} has other numbers of system calls")


def kill_at(argv, last):
    """Runs argv and kills it at the entry of the changing system call that is the `last`, from 0 on. Returns how
    many it made; fewer than that: it came to its end."""
    made, _, _ = _trace(argv, last, None)
    return made


def fail_at(argv, last, error=errno.EIO):
    """Runs argv and has the changing system call that is the `last`, from 0 on, fail without being made. Returns that
    call's name, None where argv made fewer; and argv's exit status."""
    made, name, status = _trace(argv, last, error)
    return name if made > last else None, os.waitstatus_to_exitcode(status)


def _start(argv):
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
    return child


def _is_changing(info, error):
    if info.number not in CHANGING.values():
        return False
    if info.number == CHANGING["exit_group"] or (info.number == CHANGING["write"] and info.args[0] <= 2):
        return error is None
    return info.number != CHANGING["openat"] or bool(info.args[2] & (os.O_CREAT | os.O_TMPFILE & ~os.O_DIRECTORY))


def _trace(argv, last, error):
    child = _start(argv)
    info = SyscallInfo()
    made, deliver, name = 0, 0, None
    while True:
        LIBC.ptrace(PTRACE_SYSCALL, child, None, deliver)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return made, name, status
        number = os.WSTOPSIG(status)
        deliver = 0 if number in (signal.SIGTRAP | 0x80, signal.SIGTRAP) else number
        if number != signal.SIGTRAP | 0x80:
            continue
        LIBC.ptrace(PTRACE_GET_SYSCALL_INFO, child, ctypes.sizeof(info), ctypes.byref(info))
        if info.op != ENTRY or not _is_changing(info, error):
            continue
        made += 1
        if made <= last or name is not None:
            continue
        name = next(each for each, its in CHANGING.items() if its == info.number)
        if error is None:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            return last, name, status
        LIBC.ptrace(PTRACE_POKEUSER, child, NUMBER, ctypes.c_void_p(-1))
        LIBC.ptrace(PTRACE_SYSCALL, child, None, 0)
        os.waitpid(child, 0)
        LIBC.ptrace(PTRACE_POKEUSER, child, RESULT, ctypes.c_void_p(-error))
