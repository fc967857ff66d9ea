"""runictl check finds each mistake there can be in how runi is set up, and none where there is none.

Most tests build the root directory of a machine and have it looked at with --root; the files in deploy/ must be right.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from bed import world
from bed.case import built

HERE = os.path.dirname(os.path.abspath(__file__))
DEPLOY = os.path.join(HERE, "..", "..", "deploy")
CONTAINERD = "etc/containerd/config.toml"
DROP_IN = "etc/containerd/conf.d/runi.toml"
CRIO = "etc/crio/crio.conf.d/10-runi.conf"
PODMAN = "etc/containers/containers.conf.d/50-runi.conf"
DOCKER = "etc/docker/daemon.json"
IMPORTS = 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'


class Check(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.runictl, runi, init = built("RUNICTL"), built("RUNI"), built("RUNI_INIT")
        # A development build looks for its configuration beside itself.
        self.etc_runi = os.path.join(os.path.dirname(os.path.dirname(runi)), "etc", "runi").lstrip("/")
        self.root = tempfile.mkdtemp(prefix="check-", dir=os.path.dirname(os.path.dirname(runi)))
        self.addCleanup(shutil.rmtree, self.root)
        os.chmod(self.root, 0o755)
        self.install(runi, "usr/local/sbin/runi")
        self.install(init, "usr/local/libexec/runi/runi-init")
        self.write("usr/sbin/runc", "#!/bin/sh\nexit 1\n", mode=0o755)

    def path(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def install(self, program, name):
        shutil.copyfile(program, self.path(name))
        os.chmod(self.path(name), 0o755)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def deploy(self, name, target, *changes):
        """A file of deploy/ put to its place, changed; each change must hit."""
        with open(os.path.join(DEPLOY, name), encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            changed = re.sub(old, new, text)
            self.assertNotEqual(changed, text, f"{old} does not occur in {name}")
            text = changed
        self.write(target, text)

    def version(self):
        done = subprocess.run([self.runictl, "--version"], check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.split()[1]

    def call(self, *args, **keywords):
        return subprocess.run([self.runictl, "check", *args], check=False, stdin=subprocess.DEVNULL, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)

    def check(self, *args):
        """All findings, after a look at the status that goes with them."""
        done = self.call("--json", "--root", self.root, *args)
        self.assertEqual(done.stderr, b"")
        answer = json.loads(done.stdout)
        problems = [finding for finding in answer["findings"] if finding["severity"] == "problem"]
        self.assertEqual(answer["problems"], len(problems))
        self.assertEqual(done.returncode, 1 if problems else 0, answer)
        for finding in answer["findings"]:
            if finding["severity"] in ("problem", "warning"):
                self.assertTrue(finding.get("action"), f"does not say what to do: {finding}")
        return answer["findings"]

    @staticmethod
    def above_notes(findings):
        return [finding for finding in findings if finding["severity"] in ("problem", "warning")]

    def assert_right(self, subject, *words):
        """Nothing is wrong, and the subject's entry is named as right."""
        findings = self.check()
        self.assertEqual(self.above_notes(findings), [])
        for word in words:
            self.assertTrue([f for f in findings if f["subject"] == subject and f["severity"] == "ok"
                             and word in f["what"]], findings)

    def assert_finds(self, severity, words, where=None):
        """Exactly one thing is wrong, and it is this."""
        found = self.above_notes(self.check())
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0]["severity"], severity, found)
        self.assertIn(words, found[0]["what"])
        if where:
            self.assertRegex(found[0].get("where", ""), "^" + where + "$")


class Deployed(Check):
    """The files that this project gives to administrators."""

    def test_containerd_1(self):
        self.deploy("containerd/runi-1.x.toml", CONTAINERD)
        self.assert_right("containerd", 'handler "runi" calls /usr/local/sbin/runi')

    def test_containerd_1_systemd_cgroups(self):
        self.deploy("containerd/runi-1.x.toml", CONTAINERD, ("# SystemdCgroup", "SystemdCgroup"))
        self.assert_right("containerd", 'handler "runi"')

    def test_containerd_2(self):
        self.write(CONTAINERD, IMPORTS)
        self.deploy("containerd/runi-2.x.toml", DROP_IN)
        self.assert_right("containerd", 'handler "runi" calls /usr/local/sbin/runi')

    def test_crio(self):
        self.deploy("crio/10-runi.conf", CRIO)
        self.assert_right("CRI-O", 'handler "runi" calls /usr/local/sbin/runi')

    def test_podman(self):
        self.deploy("podman/50-runi.conf", PODMAN)
        self.assert_right("podman", 'runtime "runi" calls /usr/local/sbin/runi')

    def test_docker(self):
        self.deploy("docker/daemon.json", DOCKER)
        self.assert_right("docker", 'runtime "runi" calls /usr/local/sbin/runi')

    def test_configuration(self):
        self.deploy("config/config.json", os.path.join(self.etc_runi, "config.json"))
        self.assert_right("configuration", "config.json")

    def test_several_handlers(self):
        os.symlink("runi", self.path("usr/local/sbin/runi-crun"))
        self.write("usr/bin/crun", "", mode=0o755)
        self.write(os.path.join(self.etc_runi, "runi-crun.json"), '{"runtime": "/usr/bin/crun"}')
        self.deploy("podman/50-runi.conf", PODMAN, (r'(runi = .*)', r'\1\nruni-crun = ["/usr/local/sbin/runi-crun"]'),
                    (r'"runi"\]', '"runi", "runi-crun"]'))
        self.assert_right("podman", 'runtime "runi-crun" calls /usr/local/sbin/runi-crun')
        runtimes = [f["what"] for f in self.check() if f["subject"] == "runtime"]
        self.assertEqual(len(runtimes), 2, runtimes)
        only = [f["what"] for f in self.check("--handler", "runi-crun") if f["subject"] == "runtime"]
        self.assertEqual(len(only), 1, only)
        self.assertIn("/usr/bin/crun", only[0])


class Containerd(Check):
    def broken(self, *changes):
        self.deploy("containerd/runi-1.x.toml", CONTAINERD, *changes)

    def test_program_missing(self):
        self.broken(("/usr/local/sbin/runi", "/opt/runi"))
        self.assert_finds("problem", "BinaryName /opt/runi does not exist", rf"/{CONTAINERD}:\d+")

    def test_program_that_is_not_runi(self):
        self.broken(("/usr/local/sbin/runi", "/usr/sbin/runc"))
        self.assert_finds("problem", "/usr/sbin/runc is not runi", rf"/{CONTAINERD}:\d+")

    def test_no_program(self):
        self.broken(("BinaryName.*", ""))
        self.assert_finds("problem", "no BinaryName")

    def test_program_without_a_path(self):
        self.broken(("/usr/local/sbin/runi", "runi"))
        self.assert_finds("warning", "PATH")

    def test_name_of_crun(self):
        os.symlink("runi", self.path("usr/local/bin/crun-runi"))
        self.broken(("/usr/local/sbin/runi", "/usr/local/bin/crun-runi"))
        self.assert_finds("problem", "crun takes such a name")

    def test_cgroups_that_differ(self):
        self.broken(("# SystemdCgroup = true\n\n", "SystemdCgroup = true\n\n"))
        self.assert_finds("problem", "SystemdCgroup is not what it is for runc")

    def test_annotations_that_do_not_arrive(self):
        self.broken(("pod_annotations.*", ""))
        found = self.above_notes(self.check())
        self.assertEqual(["warning"] * 2, [finding["severity"] for finding in found])
        self.broken((r', "\*.runi.dev/\*"', ""))
        self.assert_finds("warning", "for single containers", rf"/{CONTAINERD}:\d+")

    def test_another_shim(self):
        self.broken((r'(?s)(runtimes.runi\].*?)io.containerd.runc.v2', r"\1io.containerd.kata.v2"))
        self.assert_finds("problem", 'runtime_type is "io.containerd.kata.v2"', rf"/{CONTAINERD}:\d+")

    def test_runc_hidden(self):
        self.broken((r'(?s)\[[^\n]*runtimes.runc\].*# SystemdCgroup = true\n\n', ""))
        self.assert_finds("warning", 'there is no handler "runc", the default: in containerd 1.x')

    def test_names_of_version_2_in_a_file_of_version_3(self):
        self.write(CONTAINERD, IMPORTS)
        self.deploy("containerd/runi-2.x.toml", DROP_IN, ("io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"))
        self.assert_finds("problem", 'not in plugins."io.containerd.grpc.v1.cri"', rf"/{DROP_IN}:\d+")

    def test_names_of_version_3_in_a_file_of_version_2(self):
        self.broken((r'(?s)(runtimes.runc.*)io.containerd.grpc.v1.cri"(.containerd.runtimes.runi\])',
                     r'\1io.containerd.cri.v1.runtime"\2'),
                    (r'(?s)\[[^\n]*grpc.v1.cri[^\n]*runtimes.runi.options\].*', ""))
        self.assert_finds("problem", 'not in plugins."io.containerd.cri.v1.runtime"')

    def pair(self, main, drop_in):
        """A main file of that version that says something of its own, and deploy's drop-in of another."""
        cri = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}[main]
        self.write(CONTAINERD, IMPORTS.replace("3", str(main)) + f'[plugins."{cri}".containerd.runtimes.runc]\n'
                   '  runtime_type = "io.containerd.runc.v2"\n')
        self.deploy(f"containerd/runi-{drop_in - 1}.x.toml", DROP_IN)
        return [(f["severity"], f["what"], f.get("where")) for f in self.check() if f["subject"] == "containerd"]

    def assert_says(self, said, severity, *words):
        self.assertTrue([what for which, what, _ in said if which == severity and all(word in what for word in words)], said)

    def test_drop_in_of_the_main_files_version(self):
        self.assertEqual([severity for severity, _, _ in self.pair(3, 3)], ["ok"])
        said = self.pair(2, 2)
        self.assert_says(said, "warning", "in containerd 1.x this file replaces all that /etc/containerd/config.toml says")
        self.assert_says(said, "ok", "with containerd 2.0 to 2.2 and containerd 2.3 and later: handler \"runi\" calls")
        self.assertEqual(len(said), 2, said)

    def test_drop_in_above_the_main_files_version(self):
        said = self.pair(2, 3)
        self.assert_says(said, "problem", "containerd 1.x does not know files of version 3")
        self.assert_says(said, "problem", "in containerd 2.0 to 2.2 this file makes all be read as version 3",
                         "what /etc/containerd/config.toml says of the CRI plugin is dropped")
        self.assert_says(said, "problem", "containerd 2.3 does not start")
        self.assertEqual({(severity, where) for severity, _, where in said}, {("problem", "/" + DROP_IN)}, said)

    def test_drop_in_below_the_main_files_version(self):
        said = self.pair(3, 2)
        self.assert_says(said, "warning", "in containerd 2.0 to 2.2 no handler of a file of version 2 is taken")
        self.assert_says(said, "ok", "with containerd 2.3 and later: handler \"runi\" calls")
        self.assertEqual(len(said), 2, said)

    def test_drop_in_of_another_that_hides_runi(self):
        """In 1.x the last one counts alone, whatever it is about."""
        self.deploy("containerd/runi-1.x.toml", CONTAINERD, (r"(?m)^version = 2\n", IMPORTS.replace("3", "2")))
        self.write("etc/containerd/conf.d/other.toml", 'version = 2\n[plugins."io.containerd.grpc.v1.cri".cni]\nbin_dir = "x"\n')
        self.assert_finds("warning", "in containerd 1.x this file replaces all", "/etc/containerd/conf.d/other.toml")

    def test_drop_in_that_nobody_imports(self):
        self.write(CONTAINERD, "version = 3\n")
        self.deploy("containerd/runi-2.x.toml", DROP_IN)
        self.assert_finds("problem", f"/{CONTAINERD} does not import it", f"/{DROP_IN}")

    def test_drop_in_that_replaces_the_main_file_in_1(self):
        self.write(CONTAINERD, IMPORTS.replace("3", "2") +
                   '[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "registry.k8s.io/pause:3.9"\n')
        self.deploy("containerd/runi-1.x.toml", DROP_IN)
        self.assert_finds("warning", "in containerd 1.x this file replaces all that /etc/containerd/config.toml says", f"/{DROP_IN}")

    def test_merged_drop_in_sees_runc_of_the_main_file(self):
        self.write(CONTAINERD, IMPORTS + '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]\n'
                   '  runtime_type = "io.containerd.runc.v2"\n  options.SystemdCgroup = true\n')
        self.deploy("containerd/runi-2.x.toml", DROP_IN)
        self.assert_finds("problem", "SystemdCgroup is not what it is for runc", rf"/{DROP_IN}:\d+")
        self.deploy("containerd/runi-2.x.toml", DROP_IN, ("# SystemdCgroup = true\n$", "SystemdCgroup = true\n"))
        self.assert_right("containerd", 'handler "runi"')

    def test_file_that_is_no_toml(self):
        self.write(CONTAINERD, 'version = 2\n[plugins\n')
        self.assert_finds("problem", "no TOML", f"/{CONTAINERD}:2")

    def test_what_is_there_twice_is_said_without_a_name_that_nobody_wrote(self):
        table = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runi]\n'
        for text in (table + table, table + "options = 1\n" + table.replace("runi]", "runi.options]"),
                     'plugins."io.containerd.grpc.v1.cri" = {}\n' + table):
            self.write(CONTAINERD, "version = 2\n" + text)
            found = self.above_notes(self.check())
            self.assertEqual(len(found), 1, found)
            self.assertIn("no TOML", found[0]["what"])
            self.assertRegex(found[0]["what"], "cannot (redefine|insert into) existing (table|integer as table|inline table)$")

    def test_files_that_import_each_other(self):
        self.write(CONTAINERD, 'version = 2\nimports = ["b.toml", "config.toml", "*.toml"]\n')
        self.write("etc/containerd/b.toml", 'version = 2\nimports = ["/etc/containerd/*.toml"]\n')
        self.assertEqual(self.above_notes(self.check()), [])
        self.write("etc/containerd/c.toml", "version = 2\n[")
        self.assert_finds("problem", "no TOML", "/etc/containerd/c.toml:2")  # once: each is read once


class OtherEngines(Check):
    def test_crio_program_missing(self):
        self.deploy("crio/10-runi.conf", CRIO, ("/usr/local/sbin/runi", "/opt/runi"))
        self.assert_finds("problem", "runtime_path /opt/runi does not exist", rf"/{CRIO}:\d+")

    def test_crio_type(self):
        self.deploy("crio/10-runi.conf", CRIO, ('"oci"', '"vm"'))
        self.assert_finds("problem", 'runtime_type is "vm"', rf"/{CRIO}:\d+")

    def test_podman_program_missing(self):
        self.deploy("podman/50-runi.conf", PODMAN, ("/usr/local/sbin/runi", "/opt/runi"))
        self.assert_finds("problem", "path /opt/runi does not exist", rf"/{PODMAN}:\d+")

    def test_podman_errors_only_in_part(self):
        self.deploy("podman/50-runi.conf", PODMAN, (', "runi"]', "]"))
        self.assert_finds("warning", "runtime_supports_json", rf"/{PODMAN}:\d+")
        self.deploy("podman/50-runi.conf", PODMAN, ("(?m)^runtime_supports_json.*", ""))
        self.assert_finds("warning", "runtime_supports_json")

    def test_podman_default_without_an_entry(self):
        self.write(PODMAN, '[engine]\nruntime = "runi"\n')
        self.assert_finds("problem", "engine.runtimes has no such entry", f"/{PODMAN}:2")

    def test_docker_program_missing(self):
        self.deploy("docker/daemon.json", DOCKER, ("/usr/local/sbin/runi", "/opt/runi"))
        self.assert_finds("problem", "path /opt/runi does not exist", f"/{DOCKER}:4")

    def test_docker_default_without_an_entry(self):
        self.write(DOCKER, '{\n"default-runtime": "runi"}')
        self.assert_finds("problem", "runtimes has no such entry", f"/{DOCKER}:2")

    def test_docker_file_that_is_no_json(self):
        self.write(DOCKER, "{")
        self.assert_finds("problem", "no JSON", f"/{DOCKER}")

    def test_nobody_names_runi(self):
        findings = self.check()
        self.assertEqual(self.above_notes(findings), [])
        self.assertIn("note", [f["severity"] for f in findings if f["subject"] == "engines"])
        self.deploy("docker/daemon.json", DOCKER)
        self.assertNotIn("engines", [f["subject"] for f in self.check()])


    def test_named_but_gone(self):
        """It is not there, and some configurations name it: not that none does."""
        os.unlink(self.path("usr/local/sbin/runi"))
        for source, target in (("containerd/runi-1.x.toml", CONTAINERD), ("podman/50-runi.conf", PODMAN),
                               ("crio/10-runi.conf", CRIO), ("docker/daemon.json", DOCKER)):
            with self.subTest(source):
                self.deploy(source, target)
                findings = self.check()
                self.assertEqual([f["what"] for f in findings if f["subject"] == "engines"], [])
                self.assertEqual([f["subject"] for f in self.above_notes(findings)].count("runi"), 1)
                os.unlink(self.path(target))


class Log(Check):
    def configure(self, text):
        self.write(os.path.join(self.etc_runi, "config.json"), text)

    def test_without_a_directory(self):
        self.configure('{"log": {"sink": "file", "file": "/var/log/runi/log"}}')
        self.assert_finds("warning", "there is no directory for the log /var/log/runi/log, so nobody hears of")
        self.path("var/log/runi/log")  # makes the directory
        self.assertEqual(self.above_notes(self.check()), [])

    def test_of_an_image_nothing_is_said(self):
        self.assertEqual([f for f in self.check() if f["subject"] == "log"], [])

    def test_that_nobody_hears(self):
        if world.ENTERED not in os.environ:
            self.skipTest("needs a world of its own: tests/run.py makes one, for root")
        devices = self.path("dev")
        os.mkdir(devices)
        subprocess.run(["mount", "--rbind", "/dev", devices], check=True)
        self.addCleanup(subprocess.run, ["umount", "--recursive", "--lazy", devices], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/dev"], check=True)
        os.symlink(os.path.join(devices, "null"), "/dev/null")
        self.assertEqual(self.said("{}"), ["warning"])
        self.assertEqual(self.said('{"onFailure": "fail"}'), ["note"])
        self.assertEqual(self.said('{"log": {"sink": "none"}}'), [])
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_UNIX, kind) as listener:
                listener.bind("/dev/log")
                if kind == socket.SOCK_DGRAM:
                    self.assertEqual(self.said("{}"), [])
                else:
                    self.assertEqual(self.said("{}"), ["warning"])
                    listener.listen()
                    self.assertEqual(self.said("{}"), [])
            os.unlink("/dev/log")

    def said(self, configuration):
        """How grave is what is said of the log of such a configuration on this machine."""
        self.write("draft.json", configuration)
        answer = json.loads(self.call("--json", "--config", self.path("draft.json")).stdout)
        return [f["severity"] for f in answer["findings"] if f["subject"] == "log"]


class Parts(Check):
    """runi itself, its configuration, the runtime and the init."""

    def test_runi_missing(self):
        os.unlink(self.path("usr/local/sbin/runi"))
        self.assertIn("not found", self.above_notes(self.check())[0]["what"])

    def test_runi_that_others_may_write(self):
        os.chmod(self.path("usr/local/sbin/runi"), 0o775)
        self.assert_finds("problem", "writable by others", "/usr/local/sbin/runi")

    def test_runi_that_cannot_be_run(self):
        os.chmod(self.path("usr/local/sbin/runi"), 0o644)
        self.assert_finds("problem", "not executable", "/usr/local/sbin/runi")

    def test_runi_elsewhere(self):
        os.rename(self.path("usr/local/sbin/runi"), self.path("opt/runi/runi"))
        self.install(built("RUNI_INIT"), "opt/runi/runi-init")
        self.write(DOCKER, '{"runtimes": {"init": {"path": "/opt/runi/runi"}}}')
        self.assert_right("docker", "/opt/runi/runi")
        self.assert_right("runi", "/opt/runi/runi")

    def test_files_that_are_none(self):
        configuration = os.path.join(self.etc_runi, "config.json")
        for name in (CONTAINERD, DOCKER, configuration, "usr/local/libexec/runi/fifo"):
            os.mkfifo(self.path(name))
        os.remove(self.path("usr/local/libexec/runi/runi-init"))
        os.symlink("fifo", self.path("usr/local/libexec/runi/runi-init"))
        found = [f for f in self.check() if "not a regular file" in f["what"]]
        self.assertEqual({f["where"] for f in found}, {"/" + CONTAINERD, "/" + DOCKER, "/" + configuration}, found)
        self.assertEqual({f["where"] for f in found if f["severity"] == "note"} & {"/" + CONTAINERD, "/" + DOCKER},
                         {"/" + CONTAINERD, "/" + DOCKER})
        os.remove(self.path(configuration))
        self.assert_finds("problem", "not a regular file", "/usr/local/libexec/runi/runi-init")

    def test_link_of_any_name(self):
        """It leads to runi, so it is a handler, with a configuration of its own."""
        os.symlink("runi", self.path("usr/local/sbin/runicrun"))
        os.symlink("/usr/sbin/runc", self.path("usr/local/sbin/other"))
        self.write(os.path.join(self.etc_runi, "runicrun.json"), '{"runtime": "/opt/crun"}')
        self.assert_finds("problem", "handler runicrun: /opt/crun does not exist")
        self.write("opt/crun", "", mode=0o755)
        self.assert_right("configuration", "runicrun.json")

    def test_configuration_before_it_is_put_in_place(self):
        draft = os.path.join(self.root, "draft.json")
        os.makedirs(os.path.dirname(self.path(os.path.join(self.etc_runi, "x"))), exist_ok=True)
        self.write(os.path.join(self.etc_runi, "config.json"), "{")  # another that is broken is no matter
        self.write("draft.json", '{"runtime": "/opt/crun"}')
        self.write("opt/crun", "", mode=0o755)
        findings = self.check("--config", draft)
        self.assertEqual([(f["severity"], f["subject"]) for f in findings],
                         [("ok", "configuration"), ("ok", "runtime"), ("ok", "init")])
        for text, subject, words in (('{"inject": "sometimes"}', "configuration", "/inject: expected"),
                                     ('{"runtime": "/opt/runc"}', "runtime", "/opt/runc does not exist"),
                                     ('{"init": {"path": "/opt/init"}}', "init", "/opt/init does not exist")):
            self.write("draft.json", text)
            found = self.above_notes(self.check("--config", draft))
            self.assertEqual([(f["severity"], f["subject"]) for f in found], [("problem", subject)], found)
            self.assertIn(words, found[0]["what"])

    def test_link_with_a_name_of_crun(self):
        os.symlink("runi", self.path("usr/local/sbin/crun-runi"))
        self.assert_finds("problem", "crun's own handlers", "/usr/local/sbin/crun-runi")

    def test_configuration_broken(self):
        path = os.path.join(self.etc_runi, "config.json")
        self.write(path, '{"inject": "sometimes"}')
        self.assert_finds("problem", "/inject: expected", "/" + path)

    def test_configuration_of_nobody(self):
        path = os.path.join(self.etc_runi, "runi-x.json")
        self.write(path, "{}")
        findings = self.check()
        self.assertEqual(self.above_notes(findings), [])
        self.assertTrue([f for f in findings if f["severity"] == "note" and f.get("where") == "/" + path])

    def test_configuration_that_others_may_write(self):
        path = os.path.join(self.etc_runi, "config.json")
        self.write(path, "{}", mode=0o666)
        self.assert_finds("problem", "writable by others", "/" + path)

    def test_runtime_missing(self):
        os.unlink(self.path("usr/sbin/runc"))
        self.assert_finds("problem", "neither runc nor crun")
        self.write(os.path.join(self.etc_runi, "config.json"), '{"runtime": "/opt/runc"}')
        self.assert_finds("problem", "/opt/runc does not exist")

    def test_runtime_that_is_runi(self):
        self.write(os.path.join(self.etc_runi, "config.json"), '{"runtime": "/usr/local/sbin/runi"}')
        self.assert_finds("problem", "is runi itself")

    def test_runtime_without_processes(self):
        self.write("usr/bin/krun", "", mode=0o755)
        self.write(os.path.join(self.etc_runi, "config.json"), '{"runtime": "/usr/bin/krun"}')
        self.assert_finds("warning", "no container gets the init")

    def test_init_missing(self):
        os.unlink(self.path("usr/local/libexec/runi/runi-init"))
        self.assert_finds("problem", "neither /usr/local/sbin/runi-init nor /usr/local/libexec/runi/runi-init exists")

    def test_init_that_cannot_be_used(self):
        init = self.path("usr/local/libexec/runi/runi-init")
        os.chmod(init, 0o700)
        self.assert_finds("problem", "not for all to read and execute", "/usr/local/libexec/runi/runi-init")
        os.chmod(init, 0o757)
        self.assert_finds("problem", "writable by others")
        os.chmod(init, 0o755)
        shutil.copyfile("/bin/ls", init)
        self.assert_finds("problem", "needs a dynamic loader")
        self.install(os.environ.get("RUNI_INIT_ARM64", "/nowhere") if os.uname().machine == "x86_64" and
                     os.path.exists(os.environ.get("RUNI_INIT_ARM64", "/nowhere")) else self.foreign(), os.path.relpath(init, self.root))
        self.assert_finds("problem", "another architecture")

    def foreign(self):
        """A program of a machine that there is none of."""
        with open(built("RUNI_INIT"), "rb") as file:
            program = bytearray(file.read())
        program[18:20] = b"\xff\xfe"  # e_machine
        with open(self.path("foreign"), "wb") as file:
            file.write(program)
        return self.path("foreign")

    def test_init_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: gives a file away")
        os.chown(self.path("usr/local/libexec/runi/runi-init"), 65534, 65534)
        self.assert_finds("problem", "belongs to user 65534", "/usr/local/libexec/runi/runi-init")

    def test_init_that_lends_rights(self):
        os.chmod(self.path("usr/local/libexec/runi/runi-init"), 0o4755)
        self.assert_finds("problem", "set-user-ID", "/usr/local/libexec/runi/runi-init")

    def test_init_on_a_file_system_without_programs(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: mounts a file system")
        folder = os.path.dirname(self.path("usr/local/libexec/runi/runi-init"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,mode=755", "tmpfs", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", folder], check=True)
        self.install(built("RUNI_INIT"), "usr/local/libexec/runi/runi-init")
        self.assert_finds("problem", "mounted noexec")

    def test_label_of_selinux(self):
        self.write("sys/fs/selinux/enforce", "1")
        self.assert_finds("problem", "no SELinux label")
        init = self.path("usr/local/libexec/runi/runi-init")
        for label, usable in (("system_u:object_r:bin_t:s0", True), ("system_u:object_r:container_ro_file_t:s0", True),
                              ("system_u:object_r:container_runtime_exec_t:s0", True),
                              ("system_u:object_r:usr_t:s0", False), ("unconfined_u:object_r:user_home_t:s0", False)):
            try:
                os.setxattr(init, "security.selinux", label.encode() + b"\0")
            except OSError as error:
                self.skipTest(f"needs to set an SELinux label: {error.strerror}")
            if usable:
                self.assertEqual(self.above_notes(self.check()), [], label)
            else:
                self.assert_finds("problem", label.split(":")[2])

    def test_links_do_not_lead_out_of_the_root(self):
        init = self.path("usr/local/libexec/runi/runi-init")
        os.rename(init, self.path("usr/local/libexec/runi/real"))
        os.symlink("/usr/local/libexec/runi/real", init)
        self.assertEqual(self.above_notes(self.check()), [])
        os.unlink(self.path("usr/sbin/runc"))
        os.symlink(os.path.realpath("/bin/ls"), self.path("usr/sbin/runc"))
        self.assert_finds("problem", "neither runc nor crun")


class AnotherRoot(Check):
    """The root directory of a process in another mount namespace, which is called / there as ours is here."""

    PROGRAM = """
import ctypes, os, platform, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def call(done):
    if done != 0: sys.exit(os.strerror(ctypes.get_errno()))
root = sys.argv[1].encode()
call(libc.unshare(0x20000))  # CLONE_NEWNS
call(libc.mount(b"none", b"/", None, 0x44000, None))  # MS_REC | MS_PRIVATE
call(libc.mount(root, root, None, 0x5000, None))  # MS_BIND | MS_REC
os.chdir(root)
call(libc.syscall({"x86_64": 155, "aarch64": 41}[platform.machine()], b".", b"."))  # pivot_root
call(libc.umount2(b".", 2))  # MNT_DETACH
print("ready", flush=True)
time.sleep(1000)
"""

    def test_of_a_process(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: makes a mount namespace")
        os.unlink(self.path("usr/local/libexec/runi/runi-init"))
        with subprocess.Popen([sys.executable, "-c", self.PROGRAM, self.root], stdout=subprocess.PIPE) as process:
            try:
                self.assertEqual(process.stdout.readline(), b"ready\n")
                for magic in ("root", "cwd"):
                    root = f"/proc/{process.pid}/{magic}"
                    self.assertEqual(os.readlink(root), "/")
                    answer = json.loads(self.call("--json", "--root", root).stdout)
                    self.assertEqual([f["what"] for f in self.above_notes(answer["findings"])],
                                     ["handler runi: neither /usr/local/sbin/runi-init nor "
                                      "/usr/local/libexec/runi/runi-init exists"])
                    self.assertIn({"severity": "ok", "subject": "runi", "what": f"/usr/local/sbin/runi: version {self.version()}"},
                                  answer["findings"])
                    self.assertNotIn("kernel", [f["subject"] for f in answer["findings"]])
            finally:
                process.kill()

    def test_of_this_machine(self):
        link = self.path("link")
        os.symlink("/", link)
        for root in ("/", "/proc/self/root", link):
            answer = json.loads(self.call("--json", "--root", root).stdout)
            self.assertIn("kernel", [f["subject"] for f in answer["findings"]], root)


class ThisMachine(Check):
    def test_as_it_is(self):
        done = self.call("--json")
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if answer["problems"] else 0)
        kernel = [finding["what"] for finding in answer["findings"] if finding["subject"] == "kernel"]
        self.assertEqual(len(kernel), 2, answer)
        release = tuple(int(number) for number in re.match(r"(\d+)\.(\d+)", os.uname().release).groups())
        self.assertEqual("by itself" in kernel[0], release >= (6, 15), kernel)
        if runc := shutil.which("runc"):
            version = subprocess.run([runc, "--version"], check=True, capture_output=True, text=True).stdout.split("\n")[0]
            self.assertTrue([f for f in answer["findings"] if f["subject"] == "runtime" and version in f["what"]], answer)

    def test_text(self):
        done = self.call("--root", self.root)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), rf"(?m)^ok +runi +/usr/local/sbin/runi: version {self.version()}$")
        self.assertRegex(done.stdout.decode(), rf"(?m)^ok +init +/usr/local/libexec/runi/runi-init: version {self.version()}, ")
        self.assertRegex(done.stdout.decode(), r"(?m)^0 problems, 0 warnings$")
        os.chmod(self.path("usr/local/sbin/runi"), 0o775)
        done = self.call("--root", self.root)
        self.assertRegex(done.stdout.decode(), r"(?m)^problem +runi +writable by others than its owner\n +in /usr/local/"
                                               r"sbin/runi\n +-> run chmod go-w on it$")

    def test_usage_that_is_wrong_ends_with_2(self):
        for args in (["--root", "/no/such"], ["--handler", "a/b"], ["word"], ["--bundle", "x"], ["--config", "/no/such"]):
            done = self.call(*args)
            self.assertEqual((done.returncode, done.stdout), (2, b""), args)
            self.assertTrue(done.stderr.startswith(b"runictl: "), done.stderr)

    def test_a_runtime_that_others_can_change_is_not_run(self):
        ran = self.path("ran")
        self.write("unsafe", f"#!/bin/sh\ntouch {ran}\n", mode=0o777)
        answer = self.check_runtime(self.path("unsafe"))
        self.assertFalse(os.path.exists(ran))
        self.assertTrue([f for f in answer if f["severity"] == "problem" and "writable by others" in f["what"]], answer)
        os.chmod(self.path("unsafe"), 0o755)
        self.check_runtime(self.path("unsafe"))
        self.assertTrue(os.path.exists(ran))

    def test_a_runtime_that_hangs_is_a_problem(self):
        self.write("hangs", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n", mode=0o755)
        answer = self.check_runtime(self.path("hangs"))
        self.assertTrue([f for f in answer if f["severity"] == "problem" and "5 s" in f["what"]], answer)

    def check_runtime(self, runtime):
        """The findings on this machine for a handler of its own in front of the runtime."""
        name = f"runi-{os.path.basename(self.root)}"
        configuration = os.path.join("/", self.etc_runi, name + ".json")
        os.makedirs(os.path.dirname(configuration), exist_ok=True)
        with open(configuration, "w", encoding="utf-8") as file:
            json.dump({"runtime": runtime}, file)
        try:
            return json.loads(self.call("--json", "--handler", name).stdout)["findings"]
        finally:
            os.unlink(configuration)


if __name__ == "__main__":
    unittest.main()
