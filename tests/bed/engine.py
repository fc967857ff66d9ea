"""What tests may ask of anything that runs containers, from `runc run` to the kubelet's CRI.

Every request says which runtime it goes through: bed.case.PLAIN or bed.case.RUNI.
"""

import os
from typing import NamedTuple

from bed.case import until


class Finished(NamedTuple):
    status: int
    stdout: bytes
    stderr: bytes

    @classmethod
    def of(cls, process):
        return cls(process.returncode, process.stdout, process.stderr)


class Engine:
    """An engine and its private state, all below the case's scratch folder."""

    def __init__(self, case):
        self.case = case

    def run(self, which, args, **options):
        """Runs args in a new container to its end and removes it. Returns Finished."""
        raise NotImplementedError

    def start(self, which, args):
        """Starts args in a new container in the background. Returns Started, once it runs."""
        raise NotImplementedError

    def terminal(self, which, args):
        """Runs args with a terminal of the container's own. Returns a bed.terminal.Terminal."""
        raise NotImplementedError

    def user_option(self, uid, gid):
        """The options to run() for another user."""
        raise NotImplementedError


class Started:
    """A container in the background. self.pid is its PID 1, as numbered here."""

    pid = 0

    def __init__(self, case):
        self.case = case

    def kill(self, signal):
        """Sends signal ("TERM") by the engine's own means."""
        raise NotImplementedError

    def wait(self, seconds=10):
        """Waits for the end. Returns the status that the engine reports."""
        raise NotImplementedError

    def output(self):
        """What it has written to stdout so far."""
        raise NotImplementedError

    def alive(self):
        return state_of(self.pid) not in ("", "Z", "X")

    def await_process(self, name):
        """Waits until the container runs a process called name. Returns its pid here."""
        return until(lambda: next((pid for pid in self.processes() if comm_of(pid) == name), None),
                     f"a process {name} in the container")

    def processes(self):
        """The pids, as numbered here, of what lives in the container's PID namespace."""
        namespace = _link(self.pid, "ns/pid")
        return [pid for pid in all_pids() if namespace and _link(pid, "ns/pid") == namespace]


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def comm_of(pid):
    return _read(pid, "comm").rstrip("\n")


def state_of(pid):
    """The letter of the process's state; "" when there is none."""
    return _read(pid, "stat").rpartition(")")[2][1:2]


def signals_of(pid, field):
    """The signals in a mask of /proc/PID/status, SigIgn for example, as a set of numbers."""
    for line in _read(pid, "status").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            mask = int(value, 16)
            return {number for number in range(1, 65) if mask >> (number - 1) & 1}
    raise AssertionError(f"process {pid} has gone")


def _read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _link(pid, name):
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except (FileNotFoundError, ProcessLookupError):
        return ""
