"""runictl install and uninstall, killed at every system call that changes something: between two of those all stays as it is.

The machine's effective configuration is then the old or the new one, and the next run goes on from there. By default each
engine has its third of the calls; RUNI_TEST_EACH_CALL=1 tries all of them with each.
"""

import os
import unittest

from bed.calls import kill_at, need_x86_64
from bed.case import Case, need
from bed.containerd import containerd_of
from bed.node import Node

STEP = 1 if os.environ.get("RUNI_TEST_EACH_CALL") else 3


class Killed(Case):
    def setUp(self):
        super().setUp()
        need_x86_64()
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
        while kill_at(self.node.argv(command, *options), last) == last:
            self.assertIn(self.effective(self.node.tree()), effective, f"{command}, {last}")
            self.assertEqual(self.runs(other, options), before, f"the other command takes back what was begun: {command}, {last}")
            kill_at(self.node.argv(command, *options), last)
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
        self.node.use(containerd_of("2"), "containerd")
        self.node.write("/etc/containerd/config.toml", 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n')
        self.runs("install", ("--engine", "podman", "--restart", "none"))
        self.assert_goes_on("containerd", 2)


if __name__ == "__main__":
    unittest.main()
