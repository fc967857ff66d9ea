"""System calls as the kernel has them, without libc's reservations: all 64 signals, namespaces, seccomp."""

import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# x86-64, asm/unistd_64.h
NUMBERS = {
    "fstat": 5, "rt_sigaction": 13, "rt_sigprocmask": 14, "ioctl": 16, "pread64": 17, "madvise": 28, "getpid": 39, "clone": 56,
    "fork": 57, "vfork": 58, "kill": 62, "uname": 63, "fcntl": 72, "chdir": 80, "ptrace": 101, "setpgid": 109, "sched_yield": 24, "getppid": 110, "setsid": 112,
    "getuid": 102, "setresuid": 117, "getpgid": 121, "getsid": 124, "rt_sigtimedwait": 128, "rt_sigqueueinfo": 129, "sched_getscheduler": 145,
    "capget": 125, "capset": 126, "prctl": 157, "clock_gettime": 228, "waitid": 247, "openat": 257, "readlinkat": 267, "ppoll": 271, "signalfd4": 289, "prlimit64": 302, "dup3": 292, "pidfd_open": 434, "clone3": 435,
    "close_range": 436,
}
CLONE_VM = 0x100
CLONE_PIDFD = 0x1000
PIDFD_GET_INFO = 0xC040FF0B
CLONE_NEWNS = 0x20000
CLONE_NEWPID = 0x20000000
SIGCHLD = 17
PR_CAPBSET_DROP = 24
CAP_KILL = 5
SI_USER, SI_QUEUE, SI_KERNEL = 0, -1, 0x80

ALL = (1 << 64) - 1


def call(name, *args):
    result = _libc.syscall(NUMBERS[name], *(ctypes.c_long(a) if isinstance(a, int) else a for a in args))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def set_mask(mask):
    call("rt_sigprocmask", 2, ctypes.byref(ctypes.c_uint64(mask)), 0, 8)


def take_signal():
    """The next pending signal of all 64, waiting for one: (number, si_code, value)."""
    info = (ctypes.c_char * 128)()
    while True:
        try:
            number = call("rt_sigtimedwait", ctypes.byref(ctypes.c_uint64(ALL)), info, 0, 8)
        except InterruptedError:
            continue
        code, = struct.unpack_from("i", info, 8)
        value, = struct.unpack_from("i", info, 24)
        return number, code, value


def queue(pid, number, value):
    info = struct.pack("iiiiiii", number, 0, SI_QUEUE, 0, os.getpid(), os.getuid(), value).ljust(128, b"\0")
    call("rt_sigqueueinfo", pid, number, ctypes.c_char_p(info))


def fork_into(flags):
    """fork(2) with clone's flags. The child may do little more than exec: Python is not told."""
    return call("clone", flags | SIGCHLD, 0, 0, 0, 0)


def trace(pid):
    PTRACE_SEIZE = 0x4206
    call("ptrace", PTRACE_SEIZE, pid, 0, 0)


def be_traced():
    """By the parent."""
    PTRACE_TRACEME = 0
    call("ptrace", PTRACE_TRACEME, 0, 0, 0)


def set_dumpable(dumpable):
    PR_SET_DUMPABLE = 4
    call("prctl", PR_SET_DUMPABLE, dumpable, 0, 0, 0)


def drop_capabilities():
    """All that are in effect, permitted or inheritable."""
    VERSION_3 = 0x20080522
    call("capset", ctypes.c_char_p(struct.pack("Ii", VERSION_3, 0)), ctypes.c_char_p(bytes(24)))


def setns(namespace):
    """The children of the caller will be in this PID namespace."""
    if _libc.setns(namespace, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def mount(source, target, kind, flags):
    if _libc.mount(source, target, kind, ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def mount_own_proc():
    MS_REC, MS_PRIVATE = 0x4000, 0x40000
    mount(None, b"/", None, MS_REC | MS_PRIVATE)
    mount(b"proc", b"/proc", b"proc", 0)


def drop_bounding(capability):
    if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")


def deny(names, error, flag=None, request=None):
    """From now on these calls fail with error: all of them, or those with a flag in the first argument, or those
    whose second argument is request."""
    LOAD, JUMP_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x45, 0x06
    ALLOW, ERRNO = 0x7FFF0000, 0x00050000
    program = []
    for name in names:
        test = []
        if flag is not None:
            test = [(LOAD, 0, 0, 16), (JUMP_SET, 0, 1, flag)]  # the low half of an argument is at 16 + 8 * its index
        elif request is not None:
            test = [(LOAD, 0, 0, 24), (JUMP_EQUAL, 0, 1, request)]
        program += [(LOAD, 0, 0, 0), (JUMP_EQUAL, 0, len(test) + 1, NUMBERS[name]), *test, (RETURN, 0, 0, ERRNO | error)]
    program.append((RETURN, 0, 0, ALLOW))
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
    if _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(filter_), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")
