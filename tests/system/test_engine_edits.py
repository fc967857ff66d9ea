"""The edits that give an engine a handler that calls runi, judged by the programs that read the files.

For containerd: the effective configuration (`containerd config dump`) before and after may differ in the handler's own
table only, and the removal leaves every byte as it was.
"""

import json
import os
import subprocess
import unittest

from bed.case import Case, built, need
from bed.containerd import containerd_of, version_of

PROGRAM = "/opt/runi/sbin/runi"
NAMES = {1: "cri", 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
CNI = '[plugins."{cri}".cni]\n  conf_dir = "/main/cni"\n'
RUNC = """[plugins."{cri}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."{cri}".containerd.runtimes.runc.options]
    SystemdCgroup = true
"""
DOTTED = """[plugins."{cri}".containerd]
runtimes.runc.runtime_type = "io.containerd.runc.v2"
runtimes.runc.options.SystemdCgroup = true
"""
INLINE = """[plugins."{cri}".containerd]
runtimes = {{ runc = {{ runtime_type = "io.containerd.runc.v2" }} }}
"""
OTHER_DEFAULT = """[plugins."{cri}".containerd]
  default_runtime_name = "mine"
""" + RUNC.replace("runc]", "mine]").replace("runc.options", "mine.options")
REST = {"empty": "", "cni": CNI, "runc": CNI + RUNC, "dotted": DOTTED, "other default": OTHER_DEFAULT}


class Edits(Case):
    def edit(self, *arguments):
        """What is to be done, with which file, and the bytes."""
        done = subprocess.run([built("EDIT_PROBE"), *arguments], capture_output=True, check=True)
        line, _, text = done.stdout.partition(b"\n")
        kind, _, what = line.decode().partition(" ")
        return kind, what, text

    def carry_out(self, kind, path, text):
        if kind == "remove":
            os.remove(path)
            return
        self.assertIn(kind, ("new", "write"), path)
        self.assertEqual(kind == "new", not os.path.exists(path), path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text)

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path


class Containerd(Edits):
    def default(self, program):
        """A file of what it does without a file; asked to read one that is missing, it fails."""
        text = subprocess.run([program, "config", "default"], capture_output=True, text=True, check=True).stdout
        return self.write(self.path("default.toml"), text)

    def add(self, program, main, *imported):
        return self.edit("add", "containerd", version_of(program)[0], PROGRAM, self.default(program), main, *imported)

    def dump(self, program, config, name):
        done = subprocess.run([program, "--config", config, "config", "dump"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path(name), "wb") as file:
            file.write(done.stdout)
        return self.path(name)

    def compare(self, before, after, *files):
        done = subprocess.run([built("EDIT_PROBE"), "compare", before, after, *files], capture_output=True, text=True, check=True)
        lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
        return [path for kind, path in lines if kind == "ours"], [path for kind, path in lines if kind == "others"]

    def files(self, case, text):
        """The main file and those that it imports."""
        folder = self.folder(case)
        main = self.write(os.path.join(folder, "config.toml"), text)
        drop_ins = os.path.join(folder, "conf.d")
        return main, drop_ins, [os.path.join(drop_ins, name) for name in sorted(os.listdir(drop_ins))] if os.path.isdir(
            drop_ins) else []

    def assert_only_ours(self, program, case, text, systemd):
        main, drop_ins, imported = self.files(case, text)
        with open(main, "rb") as file:
            original = file.read()
        before = self.dump(program, main, "before.toml")
        kind, path, after_text = self.add(program, main, *imported)
        self.carry_out(kind, path, after_text)
        after = self.dump(program, main, "after.toml")
        ours, others = self.compare(before, after, path)
        self.assertEqual(others, [], case)
        self.assertTrue(any(key.endswith(".runi.options.BinaryName") for key in ours), (case, ours))
        with open(after, encoding="utf-8") as file:
            _, _, handler = file.read().replace("'", '"').partition(".containerd.runtimes.runi]")
        self.assertIn('pod_annotations = ["runi.dev/*", "*.runi.dev/*"]', handler, case)
        self.assertEqual("SystemdCgroup = true" in handler.partition("[plugins.")[2].partition("[")[0], systemd, case)
        files = [main, *([path] if path != main else [])]
        self.assertEqual(self.add(program, *files)[0], "unchanged", case)
        self.carry_out(*self.edit("remove", "containerd", *files))
        with open(main, "rb") as file:
            self.assertEqual(file.read(), original, case)
        self.assertFalse(os.path.isdir(drop_ins) and os.listdir(drop_ins), case)
        return "drop-in" if path != main else "block"

    def assert_all(self, program, versions):
        seen = set()
        for version in versions:
            for imports in (False, True):
                for name, rest in REST.items():
                    case = f"{version} {imports} {name}"
                    text = f"version = {version}\n"
                    text += f'imports = ["{self.folder(case)}/conf.d/*.toml"]\n' if imports else ""
                    text += rest.format(cri=NAMES[version])
                    if imports:
                        text = text.rstrip().replace("\n", "\r\n")
                    with self.subTest(case):
                        seen.add(self.assert_only_ours(program, case, text, systemd=name not in ("empty", "cni")))
        return seen

    def assert_refused(self, program, text, words):
        main, _, _ = self.files("refused", text)
        kind, what, _ = self.add(program, main)
        self.assertEqual(kind, "refused")
        self.assertIn(words, what)

    def test_1_6(self):
        self.assertEqual(self.assert_all(containerd_of("1.6"), (1, 2)), {"block"})

    def test_1_7(self):
        self.assertEqual(self.assert_all(containerd_of("1.7"), (1, 2)), {"block"})

    def test_2(self):
        self.assertEqual(self.assert_all(containerd_of("2"), (2, 3)), {"block", "drop-in"})

    def assert_written_where_there_is_none(self, program):
        folder = self.folder("none")
        default = self.default(program)
        main = os.path.join(folder, "config.toml")
        before = self.dump(program, default, "before.toml")
        kind, path, text = self.edit("new", "containerd", version_of(program)[0], PROGRAM, default, main)
        self.assertEqual((kind, path), ("new", main))
        self.carry_out(kind, path, text)
        ours, others = self.compare(before, self.dump(program, main, "after.toml"), main, default)
        self.assertTrue(ours)
        self.assertEqual(others, [])
        self.assertEqual(self.add(program, main)[0], "unchanged")
        self.assertEqual(self.edit("remove", "containerd", main), ("remove", main, b""))

    def test_no_main_file_of_1_6(self):
        self.assert_written_where_there_is_none(containerd_of("1.6"))

    def test_no_main_file_of_1_7(self):
        self.assert_written_where_there_is_none(containerd_of("1.7"))

    def test_no_main_file_of_2(self):
        self.assert_written_where_there_is_none(containerd_of("2"))

    def test_inline_tables_are_refused(self):
        self.assert_refused(containerd_of("1.6"), "version = 2\n" + INLINE.format(cri=NAMES[2]), "cannot be added to at the end")

    def test_version_3_is_refused_for_1(self):
        self.assert_refused(containerd_of("1.6"), "version = 3\n", "is not known to read files of version 3")

    def test_version_1_is_refused_for_2(self):
        """It would lose the table, as an edit by hand in its names shows."""
        program = containerd_of("2")
        text = "version = 1\n" + RUNC.format(cri="cri")
        self.assert_refused(program, text, "drops the CRI section")
        main, _, _ = self.files("lost", text)
        with open(self.dump(program, main, "lost.toml"), encoding="utf-8") as file:
            self.assertNotIn("SystemdCgroup = true", file.read())

    def test_the_comparison_sees_what_a_drop_in_does_to_1(self):
        """The mistake that the edit avoids: the main file's section is gone."""
        program = containerd_of("1.6")
        folder = self.folder("replaced")
        main, _, _ = self.files("replaced", f'version = 2\nimports = ["{folder}/conf.d/*.toml"]\n' + CNI.format(cri=NAMES[2]))
        before = self.dump(program, main, "before.toml")
        path = self.write(os.path.join(folder, "conf.d", "runi.toml"),
                          "version = 2\n" + RUNC.replace("runc]", "runi]").replace("runc.options", "runi.options").format(cri=NAMES[2]))
        _, others = self.compare(before, self.dump(program, main, "after.toml"), path)
        self.assertIn('plugins."io.containerd.grpc.v1.cri".cni.conf_dir', others)


class Docker(Edits):
    def test_daemon_json(self):
        dockerd = need("dockerd")
        for text in ("{}", '{\n  "debug": true\n}\n', '{"runtimes": {"x": {"path": "/x"}}}', '{"runtimes":{}}'):
            path = self.write(self.path("daemon.json"), text)
            self.carry_out(*self.edit("add", "docker", PROGRAM, path))
            with open(path, encoding="utf-8") as file:
                after = json.load(file)
            self.assertEqual(after["runtimes"].pop("runi"), {"path": PROGRAM})
            self.assertEqual({**json.loads(text), "runtimes": json.loads(text).get("runtimes", {})}, after)
            done = self.command(dockerd, "--validate", "--config-file", path)
            if b"unknown flag" not in done.stderr:  # Docker before 23
                self.assertEqual(done.returncode, 0, done.stderr)
            self.carry_out(*self.edit("remove", "docker", PROGRAM, path))
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), text)


class Podman(Edits):
    def test_drop_in(self):
        podman = need("podman")
        kind, path, text = self.edit("add", "podman", PROGRAM, self.path("none.conf"))
        self.assertEqual((kind, path), ("new", "/etc/containers/containers.conf.d/runi.conf"))
        runi = self.write(self.path("runi"), "#!/bin/sh\n")
        os.chmod(runi, 0o755)
        drop_in = self.write(self.path("containers.conf"), text.decode().replace(PROGRAM, runi))
        environment = os.environ | {"CONTAINERS_CONF": drop_in, "HOME": self.folder("home"), "XDG_RUNTIME_DIR": self.folder("run")}
        done = subprocess.run(
            [podman, "--root", self.path("storage"), "--runroot", self.path("runroot"), "--tmpdir", self.path("tmp"),
             "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runi",
             "info", "--format", "{{.Host.OCIRuntime.Path}}"], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout.strip(), runi, done.stderr)


if __name__ == "__main__":
    unittest.main()
