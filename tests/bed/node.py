"""Machines for runictl to install on: a root directory with the programs of this machine, and this machine itself."""

import hashlib
import json
import os
import shutil
import stat
import subprocess

from bed.case import built

MOST_SHOWN = 1 << 16  # bytes of a file
TOPS = ("bin", "lib", "lib64", "sbin")  # links into usr, or folders of this machine


class Node:
    """A root directory below the case's scratch folder. Its programs are this machine's; all else is empty and its own."""

    def __init__(self, case, name="node"):
        self.case = case
        self.root = case.folder(name)
        case.folder(name, "usr")
        subprocess.run(["mount", "--rbind", "/usr", self.path("usr")], check=True)
        for top in TOPS:
            if os.path.islink("/" + top):
                os.symlink(os.readlink("/" + top), self.path(top))
        for folder in ("etc", "opt", "run", "var/lib"):
            case.folder(name, folder)
        self.program = self.copy_programs(case.folder(name + "-programs"))

    @staticmethod
    def copy_programs(folder):
        """The programs under test as they are packaged, without what is for debuggers. Returns runictl's path."""
        for variable, name in (("RUNI", "runi"), ("RUNI_INIT", "runi-init"), ("RUNICTL", "runictl")):
            path = shutil.copy(built(variable), os.path.join(folder, name))
            if shutil.which("strip") and name != "runi-init":
                subprocess.run(["strip", path], check=True)
        return path

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return file.read()

    def use(self, program, name):
        """Has another program in the place of the one of that name in usr/bin."""
        subprocess.run(["mount", "--bind", program, self.path(f"usr/bin/{name}")], check=True)

    def tree(self):
        """Everything but /usr and the lock, whose file stays: what each path is, and what is in it."""
        found = {}
        for top, folders, files in os.walk(self.root):
            if top == self.root:
                folders.remove("usr")
            for name in folders + files:
                path = os.path.join(top, name)
                found[path[len(self.root):]] = _state_of(path)
        for lock in ("/run/lock", "/run/lock/runi-install.lock"):
            found.pop(lock, None)
        return found

    def argv(self, command, *options):
        return [self.program, command, "--host-root", self.root, *options]

    def runictl(self, command, *options, **keywords):
        return self.case.command(*self.argv(command, *options), **keywords)

    def answer(self, command, *options, status=0):
        """What the command says with --json, after a look at its status and at stderr, which has one line of a failure."""
        done = self.runictl(command, "--json", *options)
        words = done.stderr.decode()
        self.case.assertEqual(done.returncode, status, words)
        self.case.assertEqual(words.count("\n"), 1 if status in (1, 3) and command != "installed" else 0, words)
        return json.loads(done.stdout)


def _state_of(path):
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return ("link", os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return ("folder", stat.S_IMODE(status.st_mode))
    with open(path, "rb") as file:
        text = file.read()
    if len(text) > MOST_SHOWN:
        text = hashlib.sha256(text).hexdigest()
    return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, text)
