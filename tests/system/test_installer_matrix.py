"""What runictl install does for each version of containerd's main file, each way in which other files are there, and each
containerd: a drop-in, a block, or a refusal.

What containerd then makes of its files (`containerd config dump`) may differ in the handler's own table only. After a refusal,
and after the removal, every byte is as before.
"""

import os
import subprocess
import unittest

from bed.case import Case, built
from bed.containerd import containerd_of
from bed.node import Node

MAIN = "/etc/containerd/config.toml"
CONF_D = "/etc/containerd/conf.d/"
OWN, THEIRS = CONF_D + "runi.toml", CONF_D + "theirs.toml"
CRI = {1: "cri", 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
HANDLER = """[plugins."{cri}".containerd.runtimes.{name}]
  runtime_type = "io.containerd.runc.v2"
  [plugins."{cri}".containerd.runtimes.{name}.options]
    SystemdCgroup = true
"""
CNI = '[plugins."{cri}".cni]\n  conf_dir = "/main/cni"\n'
# The other file: what it is, by its version; whether the main file imports it; whether it is about the CRI plugin.
OTHERS = {"none": None, "left out": (2, False, True), "2": (2, True, False), "3": (3, True, False), "2 CRI": (2, True, True),
          "3 CRI": (3, True, True), "no version": (None, True, False)}
NO_3 = "is not known to read files of version 3"
DIFFER = "does not take both as they are"
DROPS = "drops the CRI section of a file of version 1"
# What becomes of the main file of each version, with each of the others. Nothing is imported where there is no main file.
REPLACES = {
    "none": {"none": MAIN, "left out": MAIN},
    1: {"none": MAIN, "left out": MAIN, "2": DIFFER, "3": NO_3, "2 CRI": DIFFER, "3 CRI": NO_3, "no version": MAIN},
    2: {"none": MAIN, "left out": MAIN, "2": MAIN, "3": NO_3, "2 CRI": THEIRS, "3 CRI": NO_3, "no version": MAIN},
    3: dict.fromkeys(OTHERS, NO_3),
}
MERGES_FIRST = {
    "none": {"none": MAIN, "left out": MAIN},
    1: {"none": DROPS, "left out": DROPS, "2": DIFFER, "3": DIFFER, "2 CRI": DIFFER, "3 CRI": DIFFER, "no version": DROPS},
    2: {"none": OWN, "left out": MAIN, "2": OWN, "3": DIFFER, "2 CRI": OWN, "3 CRI": DIFFER, "no version": OWN},
    3: {"none": OWN, "left out": MAIN, "2": DIFFER, "3": OWN, "2 CRI": DIFFER, "3 CRI": OWN, "no version": OWN},
}


class Matrix(Case):
    def setUp(self):
        super().setUp()
        self.node = Node(self)

    def lay(self, main, other):
        subprocess.run(["rm", "-rf", self.node.path("/etc/containerd")], check=True)
        version, is_imported, has_cri = OTHERS[other] or (None, True, False)
        if OTHERS[other]:
            text = f"version = {version}\n" if version else ""
            names = ("runc", "theirs") if has_cri else ()
            text += "".join(HANDLER.format(cri=CRI[version], name=name) for name in names) or "oom_score = -7\n"
            self.node.write(THEIRS, text)
        if main != "none":
            text = f"version = {main}\n" + (f'imports = ["{CONF_D}*.toml"]\n' if is_imported else "")
            self.node.write(MAIN, text + (CNI + HANDLER).format(cri=CRI[main], name="runc"))

    def dump(self, name):
        words = ["--config", MAIN, "config", "dump"] if os.path.exists(self.node.path(MAIN)) else ["config", "default"]
        done = self.command("chroot", self.node.root, "/usr/bin/containerd", *words)
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(done.stdout)
        return done.returncode, path

    def outcome(self, main, other):
        """Which file the handler came to, or why it was refused."""
        self.lay(main, other)
        before = self.node.tree()
        _, dumped = self.dump("before.toml")
        done = self.node.runictl("install", "--engine", "containerd", "--restart", "none")
        if done.returncode == 3:
            self.assertEqual(self.node.tree(), before)
            return done.stderr.decode()
        self.assertEqual(done.returncode, 0, done.stderr)
        changed = [path for path in (MAIN, OWN, THEIRS) if self.node.tree().get(path) != before.get(path)]
        self.assertEqual(len(changed), 1)
        status, after = self.dump("after.toml")
        self.assertEqual(status, 0)
        told = self.succeed(built("EDIT_PROBE"), "compare", dumped, after, MAIN, OWN, THEIRS).splitlines()
        self.assertEqual([line for line in told if line.startswith("others")], [])
        self.assertTrue([line for line in told if line.startswith("ours") and line.endswith(".runi.options.BinaryName")], told)
        with open(after, encoding="utf-8") as file:
            _, _, handler = file.read().replace("'", '"').partition(".containerd.runtimes.runi.options]")
        self.assertEqual("SystemdCgroup = true" in handler.partition("[")[0], main != "none", "as the default handler has it")
        self.node.answer("uninstall", "--engine", "containerd", "--restart", "none")
        self.assertEqual(self.node.tree(), before)
        return changed[0]

    def assert_table(self, series, table):
        program = containerd_of(series)
        if program != "/usr/bin/containerd":
            self.node.use(program, "containerd")
        for main, outcomes in table.items():
            for other, expected in outcomes.items():
                with self.subTest(main=main, other=other):
                    outcome = self.outcome(main, other)
                    self.assertIn(expected, outcome)
                    self.assertEqual(expected.startswith("/"), outcome == expected, outcome)

    def test_1_6(self):
        self.assert_table("1.6", REPLACES)

    def test_1_7(self):
        self.assert_table("1.7", REPLACES)

    def test_2(self):
        self.assert_table("2", MERGES_FIRST)


if __name__ == "__main__":
    unittest.main()
