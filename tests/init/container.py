"""runi-init as PID 1 of a PID namespace of its own, to be looked at from outside."""

import os
import select
import signal
import time
import unittest

import raw

INIT = os.path.abspath(os.environ.get("RUNI_INIT", "build/dev/bin/runi-init"))
INIT_ARM64 = os.environ.get("RUNI_INIT_ARM64", "")
PYTHON = "/usr/bin/python3"
APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "app.py")
DEADLINE_S = 20
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C"}
NOBODY = 54321  # a user nobody else is, so that its processes are these


def needs_root(test):
    return unittest.skipUnless(os.getuid() == 0, "needs root, for a PID namespace")(test)


def eventually(condition, what):
    """Waits until the condition holds; what it waits for, unlike the time it takes, is certain."""
    end = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {DEADLINE_S} s: {what}")
        time.sleep(0.002)


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def status_of(pid):
    lines = read_file(f"/proc/{pid}/status").decode().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def stat_of(pid):
    """ppid, pgrp, session, tty, foreground group: proc(5), fields 4 to 8."""
    fields = read_file(f"/proc/{pid}/stat").decode().rpartition(")")[2].split()
    return dict(zip(("ppid", "group", "session", "terminal", "foreground"), map(int, fields[1:6])))


def children_of(pid):
    """Zombies included."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if stat_of(entry)["ppid"] == pid:
                    found.append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def files_of(pid):
    return {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}


def kept_files_of(pid):
    """Without those that the init has made for its own: they lead nowhere."""
    return {fd: name for fd, name in files_of(pid).items() if name not in ("anon_inode:[pidfd]", "anon_inode:[signalfd]", "pidfd")}


def quiet(pid):
    """Whether it has taken every signal sent to it and waits for the next."""
    status = status_of(pid)
    pending = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return pending == 0 and status["State"].startswith("S")


class Lines:
    """Reads a pipe by lines, each within the deadline."""

    def __init__(self, fd):
        self.fd = fd
        self.rest = b""

    def next(self, deadline_s=DEADLINE_S):
        end = time.monotonic() + deadline_s
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no line within {deadline_s} s, after {self.rest!r}")
            data = os.read(self.fd, 65536)
            if not data:
                raise AssertionError(f"the pipe ended after {self.rest!r}")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()


class Container:
    """runi-init as PID 1, or what init says instead, in front of the command. What it and the application write to 1 and 2 is to be read from .output."""

    def __init__(self, test, command, *, options=(), init=True, setup=None, environment=None, out=False, fork=None,
                 cwd="/usr"):
        args = [INIT, *options, "--", *command] if init is True else [*(init or []), *command]
        output, output_end = os.pipe()
        out_read, out_write = os.pipe() if out else (None, None)
        os.set_inheritable(output_end, True)
        self.pid = raw.fork_into(raw.CLONE_NEWPID | raw.CLONE_NEWNS) if fork is None else fork()
        if self.pid == 0:
            try:
                if fork is None:
                    raw.mount_own_proc()
                os.chdir(cwd)
                for fd, to in ((os.open("/dev/null", os.O_RDONLY), 0), (output_end, 1), (output_end, 2)):
                    os.dup2(fd, to)
                if out:
                    os.dup2(out_write, 3)
                os.closerange(4 if out else 3, 1024)
                for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                    signal.signal(number, signal.SIG_DFL)  # Python and whoever started it may have changed some
                raw.set_mask(0)
                if setup is not None:
                    setup()
                os.execve(args[0], args, ENVIRONMENT if environment is None else environment)
            except BaseException as error:  # pylint: disable=broad-except
                os.write(2, f"container: {error!r}\n".encode())
            finally:
                os._exit(99)
        os.close(output_end)
        self.ended = None
        self.output_fd = output
        if out:
            os.close(out_write)
            self.out = Lines(out_read)
            test.addCleanup(os.close, out_read)
        test.addCleanup(os.close, output)
        test.addCleanup(self.kill)

    def kill(self):
        if self.ended is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def signal(self, number):
        os.kill(self.pid, number)

    def has_ended(self):
        if self.ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                return False
            self.ended = os.waitstatus_to_exitcode(status)
        return True

    def wait(self):
        eventually(self.has_ended, "the container's end")
        return self.ended

    def output(self):
        """All of it; once the container has ended."""
        self.wait()
        with os.fdopen(os.dup(self.output_fd), "rb") as pipe:
            return pipe.read().decode()

    def application(self):
        return eventually(lambda: children_of(self.pid), "the application")[0]


class Case(unittest.TestCase):
    def run_in(self, *command, **how):
        return Container(self, command, **how)

    def app(self, *words, **how):
        return Container(self, [PYTHON, "-ISB", "-c", START_APP, "3", *words], out=True, **how)

    def recorder(self, *words, **how):
        """An application that has said it is ready; its helper's pid, in its namespace, is in .helper."""
        container = self.app(*(words or ("record",)), **how)
        ready, container.helper = container.out.next().split()
        self.assertEqual(ready, "ready")
        return container

    def cgroup(self, controller, **limits):
        """A cgroup of the controller, with limits for version 1 (a) and 2 (b) given as a_or_b=value. Returns what joins it."""
        root = next((r for r in (f"/sys/fs/cgroup/{controller}", "/sys/fs/cgroup") if os.path.exists(f"{r}/cgroup.procs")), None)
        if root is None:
            self.skipTest(f"no {controller} cgroup here")
        group = f"{root}/runi-init-{os.getpid()}-{id(limits)}"
        try:
            os.mkdir(group)
        except OSError as error:
            self.skipTest(f"no cgroup may be made: {error}")
        def remove():
            eventually(lambda: not read_file(f"{group}/cgroup.procs"), "an empty cgroup")
            os.rmdir(group)
        self.addCleanup(remove)
        for names, value in limits.items():
            file = next((f for n in names.split("_or_") if os.path.exists(f := f"{group}/{controller}.{n}")), None)
            if file is None:
                self.skipTest(f"the {controller} controller is not enabled here")
            with open(file, "w", encoding="ascii") as limit:
                limit.write(str(value))
        def join():
            with open(f"{group}/cgroup.procs", "w", encoding="ascii") as procs:
                procs.write("0")
        return join


# -I keeps the environment and the directory of the script out, so that the module is named here.
START_APP = f"import sys; sys.path.insert(0, {os.path.dirname(APP)!r}); exec(open({APP!r}).read())"
