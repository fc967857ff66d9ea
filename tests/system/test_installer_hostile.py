"""runictl install among others: what users and containers of the machine do to lead it elsewhere, or to hold it up."""

import fcntl
import os
import subprocess
import unittest

from bed.case import Case, need, until
from bed.node import Node

FILES_ONLY = ("--restart", "none")
LOCK = "/run/lock/runi-install.lock"
RECORD = "/var/lib/runi/install.json"
USER = 1000


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.node = Node(self)

    def install(self, *options, status=0):
        return self.node.answer("install", *FILES_ONLY, *options, status=status)


class Processes(Hostile):
    """Anybody can give a process any name and command line."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.node.path("/proc"))
        self.succeed("mount", "-t", "proc", "proc", self.node.path("/proc"))

    def pretend(self, name, option, before=(), user=0):
        words = [*before, "sh", "-c", f"printf {name} >/proc/$$/comm; read word", option]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, user=user)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        until(lambda: name in self.names(), name)

    @staticmethod
    def names():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    yield file.read().strip()
            except OSError:
                pass  # it has ended

    def test_the_kubelet_says_which_engine(self):
        self.pretend("kubelet", "--container-runtime-endpoint=unix:///run/docker.sock")
        self.assertEqual(self.install("--dry-run")["engine"], "docker")

    def test_a_kubelet_of_a_user(self):
        self.pretend("kubelet", "--container-runtime-endpoint=unix:///run/docker.sock", user=USER)
        self.assertIn("name one with --engine", self.install("--dry-run", status=3)["refused"])

    def test_a_kubelet_in_a_container(self):
        self.pretend("kubelet", "--container-runtime-endpoint=unix:///run/docker.sock",
                     before=("unshare", "--pid", "--fork", "--mount-proc"))
        self.assertIn("name one with --engine", self.install("--dry-run", status=3)["refused"])

    def test_a_containerd_of_a_user(self):
        need("containerd")
        self.node.write("/home/user/config.toml", "version = 2\n")
        self.pretend("containerd", "--config=/home/user/config.toml", user=USER)
        self.install("--engine", "containerd")
        self.assertEqual(self.node.read("/home/user/config.toml"), "version = 2\n")
        self.assertIn("runi", self.node.read("/etc/containerd/config.toml"))


class Files(Hostile):
    def test_a_lock_of_another_user_holds_nobody_up(self):
        folder = os.path.dirname(LOCK)
        os.makedirs(self.node.path(folder))
        os.chmod(self.node.path(folder), 0o1777)
        self.node.write(LOCK, "")
        os.chown(self.node.path(LOCK), USER, USER)
        with open(self.node.path(LOCK), "r", encoding="ascii") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.install("--engine", "podman")
        self.assertEqual(os.stat(self.node.path(LOCK)).st_uid, 0)

    def test_a_lock_that_is_a_link_of_another_user(self):
        self.node.write("/etc/precious", "", mode=0o600)
        os.makedirs(self.node.path(os.path.dirname(LOCK)))
        os.symlink("/etc/precious", self.node.path(LOCK))
        os.lchown(self.node.path(LOCK), USER, USER)
        self.install("--engine", "podman")
        self.assertFalse(os.path.islink(self.node.path(LOCK)))

    def test_the_record_tells_nobody_what_the_engine_s_file_does_not(self):
        self.node.write("/etc/docker/daemon.json", '{"labels": ["password"]}\n', mode=0o600)
        self.install("--engine", "docker")
        self.assertIn("password", self.node.read(RECORD))
        self.assertEqual(os.stat(self.node.path(RECORD)).st_mode & 0o777, 0o600)

    def test_a_prefix_that_others_can_change(self):
        for folder, owner, group, mode in (("/srv/user", USER, USER, 0o755), ("/srv/all", 0, 0, 0o1777),
                                           ("/srv/group", 0, 50, 0o2775)):
            os.makedirs(self.node.path(folder))
            os.chown(self.node.path(folder), owner, group)
            os.chmod(self.node.path(folder), mode)
            before = self.node.tree()
            answer = self.install("--engine", "podman", "--prefix", f"{folder}/runi", status=3)
            self.assertIn(f"others than root can change {folder}", answer["refused"])
            self.assertEqual(self.node.tree(), before)
        os.makedirs(self.node.path("/srv/root"))
        os.symlink("/srv/root", self.node.path("/srv/user/link"))
        answer = self.install("--engine", "podman", "--prefix", "/srv/user/link", status=3)
        self.assertIn("others than root can change /srv/user", answer["refused"])

    def test_a_prefix_of_root_s_group(self):
        os.makedirs(self.node.path("/srv/root"))
        os.chmod(self.node.path("/srv/root"), 0o775)
        self.install("--engine", "podman", "--prefix", "/srv/root")


if __name__ == "__main__":
    unittest.main()
