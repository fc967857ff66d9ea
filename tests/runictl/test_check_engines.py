"""runictl check finds each mistake in how engines are told of runi; the files in deploy/ must be right."""

import os
import unittest

from bed.case import built
from machine import CONTAINERD, CRIO, DOCKER, DROP_IN, IMPORTS, PODMAN, Check


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

    def test_crio_of_its_own_packages(self):
        self.deploy_crio()
        self.assert_right("CRI-O", 'handler "runi" calls /usr/local/sbin/runi')
        runtimes = [f["what"] for f in self.check() if f["subject"] == "runtime"]
        self.assertEqual(len(runtimes), 1, runtimes)
        self.assertIn("/usr/libexec/crio/crun", runtimes[0])

    def test_crio_of_a_distribution(self):
        for name in ("conmon", "crun"):
            self.write(f"usr/bin/{name}", "", mode=0o755)
        self.deploy("crio/distribution/10-runi.conf", CRIO)
        self.deploy("crio/distribution/runi.json", os.path.join(self.etc_runi, "runi.json"))
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
        self.assert_says(said, "problem", "in containerd 2.0 to 2.2 this file has all files read as version 3",
                         "so the CRI section of /etc/containerd/config.toml is dropped")
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
        self.assert_finds("problem", "not valid TOML", f"/{CONTAINERD}:2")

    def test_what_is_there_twice_is_said_without_a_name_that_nobody_wrote(self):
        table = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runi]\n'
        for text in (table + table, table + "options = 1\n" + table.replace("runi]", "runi.options]"),
                     'plugins."io.containerd.grpc.v1.cri" = {}\n' + table):
            self.write(CONTAINERD, "version = 2\n" + text)
            found = self.above_notes(self.check())
            self.assertEqual(len(found), 1, found)
            self.assertIn("not valid TOML", found[0]["what"])
            self.assertRegex(found[0]["what"], "cannot (redefine|insert into) existing (table|integer as table|inline table)$")

    def test_files_that_import_each_other(self):
        self.write(CONTAINERD, 'version = 2\nimports = ["b.toml", "config.toml", "*.toml"]\n')
        self.write("etc/containerd/b.toml", 'version = 2\nimports = ["/etc/containerd/*.toml"]\n')
        self.assertEqual(self.above_notes(self.check()), [])
        self.write("etc/containerd/c.toml", "version = 2\n[")
        self.assert_finds("problem", "not valid TOML", "/etc/containerd/c.toml:2")  # once: each is read once


class Crio(Check):
    """Each mistake that keeps CRI-O from starting, its pods from having an init, or that loses pods."""

    def test_program_missing(self):
        self.deploy_crio(("/usr/local/sbin/runi", "/opt/runi"))
        self.assert_finds("problem", "runtime_path /opt/runi does not exist", rf"/{CRIO}:\d+")

    def test_type(self):
        self.deploy_crio(('"oci"', '"vm"'))
        self.assert_finds("problem", 'runtime_type is "vm"', rf"/{CRIO}:\d+")
        self.deploy_crio(('"oci"', '"pod"'))
        self.assert_finds("warning", 'runtime_type is "pod", so conmon-rs calls runi', rf"/{CRIO}:\d+")

    def test_inherited_runtime(self):
        self.deploy_crio(("(?m)^(runtime_root.*)", r"\1\ninherit_default_runtime = true"))
        self.assert_finds("problem", 'by that of the default handler "crun", so no container gets an init', rf"/{CRIO}:\d+")

    def test_no_monitor(self):
        """What a handler for CRI-O's own packages needs beside a handler for a distribution's."""
        self.deploy_crio(("(?m)^monitor_path.*", ""))
        self.assert_finds("problem", "the system's directories have no conmon, so CRI-O does not start", rf"/{CRIO}:\d+")
        self.write("usr/bin/conmon", "")  # found by no search: not executable
        self.assert_finds("problem", "the system's directories have no conmon, so CRI-O does not start")
        self.write("usr/bin/conmon", "", mode=0o755)
        self.assert_right("CRI-O", 'handler "runi" calls')

    def test_monitor_that_cannot_be_run(self):
        self.deploy_crio()
        os.chmod(self.path("usr/libexec/crio/conmon"), 0o644)
        self.assert_finds("problem", "monitor_path /usr/libexec/crio/conmon is not executable", rf"/{CRIO}:\d+")
        os.unlink(self.path("usr/libexec/crio/conmon"))
        self.assert_finds("problem", "monitor_path /usr/libexec/crio/conmon does not exist", rf"/{CRIO}:\d+")

    def test_default_with_another_root(self):
        default = "(?m)^(\\[crio.runtime.runtimes.runi\\])", r'[crio.runtime]\ndefault_runtime = "runi"\n\1'
        self.deploy_crio(default)
        self.assert_right("CRI-O", 'handler "runi" calls')
        self.deploy_crio(default, ("/run/crun\"", "/run/runi\""))
        self.assert_finds("problem", 'other than that of "crun", /run/crun: pods that ran before are lost', rf"/{CRIO}:\d+")

    def test_minimum_of_memory(self):
        self.deploy_crio(("(?m)^container_min_memory.*", ""))
        self.assert_right("CRI-O", 'handler "runi" calls')  # as the packages' own handler for crun
        os.unlink(self.path("etc/crio/crio.conf.d/10-crio.conf"))
        self.assert_finds("warning", 'no container_min_memory, so containers with a limit below 12 MiB', rf"/{CRIO}:\d+")

    def test_another_runtime(self):
        """Found without a configuration: runc, as everywhere, where CRI-O's default is crun."""
        self.deploy_crio()
        os.unlink(self.path(os.path.join(self.etc_runi, "runi.json")))
        self.assert_finds("warning", 'runi becomes /usr/sbin/runc, while the handler "crun" calls /usr/libexec/crio/crun',
                          rf"/{CRIO}:\d+")


class OtherEngines(Check):
    def test_two_programs_of_one_name(self):
        """Each is looked at, whichever an engine calls."""
        self.install(built("RUNI"), "opt/runi/bin/runi")
        self.write(DOCKER, '{"runtimes": {"init": {"path": "/opt/runi/bin/runi"}}}')
        self.assert_finds("problem", "neither /opt/runi/bin/runi-init nor /opt/runi/libexec/runi/runi-init exists")
        self.assertEqual([f["what"].split(":")[0] for f in self.check() if f["subject"] == "runi"],
                         ["/opt/runi/bin/runi", "/usr/local/sbin/runi"])

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
        self.assert_finds("problem", "not valid JSON", f"/{DOCKER}")

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
                               ("crio/upstream/10-runi.conf", CRIO), ("docker/daemon.json", DOCKER)):
            with self.subTest(source):
                self.deploy(source, target)
                findings = self.check()
                self.assertEqual([f["what"] for f in findings if f["subject"] == "engines"], [])
                self.assertEqual([f["subject"] for f in self.above_notes(findings)].count("runi"), 1)
                os.unlink(self.path(target))


if __name__ == "__main__":
    unittest.main()
