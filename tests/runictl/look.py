"""runictl scan and ps, asked about real containers."""

import json
import subprocess
import sys

from bed.case import Case, built, until
from bed.engine import state_of

FOUND, FAILED = 1, 2
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}

SHELL = ["sh", "-c", "sleep 1000; :"]
PAUSE = "print('ready', flush=True)\nwhile True: time.sleep(1000)"  # for Look.python()


class Look(Case):
    def runictl(self, *words, **keywords):
        return self.command(built("RUNICTL"), *words, **keywords)

    def scan(self, *words, **keywords):
        """The containers that scan sees, by the pid of their PID 1."""
        done = self.runictl("scan", "--json", *words, **keywords)
        self.assertEqual(done.stderr, b"")
        document = json.loads(done.stdout)
        self.assertEqual(done.returncode, FOUND if document["summary"]["needInit"] else 0)
        self.summary = document["summary"]
        self.assertEqual(self.summary["containers"], len(document["containers"]))
        return {container["pid"]: container for container in document["containers"]}

    def ps(self, *words, **keywords):
        """The containers that ps sees, by the pid of their init."""
        done = self.runictl("ps", "--json", *words, **keywords)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return {container["pid"]: container for container in json.loads(done.stdout)["containers"]}

    def namespace(self, *argv, stdout=subprocess.DEVNULL, **keywords):
        """argv as PID 1 of a PID namespace. Returns its pid here, once it is what argv says."""
        process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", *argv], stdin=subprocess.DEVNULL,
                                   stdout=stdout, **keywords)
        def end():
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.addCleanup(end)
        self.process = process
        pid = until(lambda: next(iter(children_of(process.pid)), None), "PID 1")
        until(lambda: arguments_of(pid) == list(argv), "its program")
        return pid

    def python(self, code):
        """Python code as PID 1 of a PID namespace, once it has printed a line. Returns its pid here."""
        pid = self.namespace(sys.executable, "-c", "import ctypes, os, signal, sys, threading, time\n" + code,
                             stdout=subprocess.PIPE)
        self.assertEqual(self.process.stdout.readline(), b"ready\n")
        return pid


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def arguments_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode().split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def zombies_of(pid):
    return [child for child in children_of(pid) if state_of(child) == "Z"]
