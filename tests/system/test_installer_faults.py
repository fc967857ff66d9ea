"""runictl install and uninstall where one system call that changes something fails: then everything is as it was."""

import errno
import unittest

from bed.calls import fail_at, need_x86_64
from bed.case import Case, need
from bed.node import Node

FILES_ONLY = ("--restart", "none")


class OneCallFails(Case):
    def setUp(self):
        super().setUp()
        need_x86_64()
        self.node = Node(self)

    def runs(self, command, *options):
        done = self.node.runictl(command, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.node.tree()

    def assert_all_or_nothing(self, command, other, options, before, after):
        """`command` leads from the tree `before` to `after`, and `other` back."""
        last = 0
        while True:
            name, status = fail_at(self.node.argv(command, *options), last, errno.EIO)
            if name is None:
                self.assertGreater(last, 10)
                return
            tree = self.node.tree()
            if name in ("unlinkat", "fsync"):  # what could not be tidied up the next run takes away
                tree = {path: state for path, state in tree.items() if "candidate" not in path}
            with self.subTest(command=command, call=f"{name}, {last}"):
                self.assertIn(status, (0, 1, 3))
                expected = after if status == 0 else before
                others = {path: tree.get(path) for path in {*tree, *expected} if tree.get(path) != expected.get(path)}
                self.assertEqual(others, {}, f"status {status}")
            if self.node.tree() not in (before, after):
                self.assertEqual(self.runs(command, *options), after)
            if self.node.tree() != before:
                self.assertEqual(self.runs(other, *options), before)
            last += 1

    def assert_engine(self, engine):
        options = ("--engine", engine, *FILES_ONLY)
        bare = self.runs("uninstall", *options)
        whole = self.runs("install", *options)
        self.runs("uninstall", *options)
        self.assert_all_or_nothing("install", "uninstall", options, bare, whole)
        self.runs("install", *options)
        self.assert_all_or_nothing("uninstall", "install", options, whole, bare)

    def test_podman(self):
        self.assert_engine("podman")

    def test_docker(self):
        self.node.write("/etc/docker/daemon.json", '{"debug": true}\n')
        self.assert_engine("docker")

    def test_containerd(self):
        need("containerd")
        self.node.write("/etc/containerd/config.toml", "version = 2\n")
        self.assert_engine("containerd")


if __name__ == "__main__":
    unittest.main()
