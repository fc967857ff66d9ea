"""A world of its own for one test: private namespaces in which nothing a test starts or mounts can outlive it.

Processes: a PID namespace whose first process attends the test; when it ends, the kernel ends the rest.
Mounts: a private mount namespace; /run and /dev/shm are fresh, so that engines with fixed paths there
do not meet. Network and IPC are private too. cgroups are not: the Case's cgroup() keeps those together, and
where a test was killed, they and its empty scratch folder stay until a later test finds them.
"""

import contextlib
import fcntl
import glob
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ENTERED = "RUNI_TEST_WORLD"
LONGER_THAN_ANY_TEST = 3600  # seconds
UNSHARE = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL",
           "--mount-proc", "--net", "--ipc"]


class Unavailable(Exception):
    """The machine does not let this user make the namespaces; the text says what was refused."""


def entered():
    """True inside, and for users who are not root: their tests run as they are."""
    return ENTERED in os.environ or os.geteuid() != 0


def enter(argv):
    """Becomes argv inside a new world. Does not return. Raises Unavailable."""
    trial = subprocess.run(UNSHARE + ["true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        raise Unavailable(trial.stderr.strip())
    _sweep()
    os.environ[ENTERED] = "1"
    os.execvp("unshare", UNSHARE + argv)


def attend(body):
    """Runs body, which returns an exit status, in a child process and returns that status.

    The calling process is this world's PID 1 and adopts daemons and orphans: here they are reaped.
    """
    if ENTERED not in os.environ:
        return body()
    _furnish()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            # Most programs expect the default, and what is ignored here would be handed on: SIGPIPE by Python, SIGHUP by
            # nohup, SIGINT and SIGQUIT by a shell that runs this in the background.
            for ignored in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                signal.signal(ignored, signal.SIG_DFL)
            status = body()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1


def clear():
    """Ends every process here but the test itself and what attends it: they are the test's, whoever adopted them."""
    if ENTERED not in os.environ:
        return
    while True:
        rest = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
        if not rest:
            return
        for pid in rest:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _sweep():
    """Removes what tests left that were killed: none lives for an hour. Only empty folders can be removed so."""
    for pattern in ("/sys/fs/cgroup/runi-*", "/sys/fs/cgroup/*/runi-*", f"{tempfile.gettempdir()}/runi-*"):
        for path in glob.glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - os.lstat(path).st_mtime < LONGER_THAN_ANY_TEST:
                    continue
            for folder, _, _ in os.walk(path, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


def _furnish():
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    for place, mode in (("/run", "755"), ("/dev/shm", "1777")):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", place], check=True)
    # A version 2 hierarchy without the usual controllers, beside version 1: crun refuses to work with it.
    # Without it crun makes folders and files in its place, so that must be private too.
    if os.path.ismount("/sys/fs/cgroup/unified"):
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/sys/fs/cgroup/unified"], check=True)
    with socket.socket() as any_socket:
        SIOCSIFFLAGS, IFF_UP = 0x8914, 1
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
