"""The files in deploy/, unchanged, given to the programs that they are for.

runi stands where those files say, /usr/local, and each file where an administrator puts it, in /etc: both are
overlays of the test's own. RUNI_CRIO may name a CRI-O, with pinns beside it or in PATH.
"""

import json
import os
import re
import shutil
import subprocess
import time
import unittest

from bed import crio, image
from bed.case import Case, built, need, until
from bed.containerd import containerd_of
from bed.cri import Cri
from bed.shim import INIT

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy")
ARGV_OF_PID1 = ["sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline"]
INIT_IN_FRONT = " ".join((*INIT, "--", "sh", "-c", ""))


def read(*names):
    with open(os.path.join(DEPLOY, *names), encoding="utf-8") as file:
        return file.read()


def yaml(case, *names):
    """A manifest as Python values. Skips the test where python3-yaml is missing."""
    try:
        import yaml as reader
    except ImportError as missing:
        case.skipTest(f"needs python3-yaml: {missing}")
    return reader.safe_load(read(*names))


class Deploy(Case):
    """A case with the files of `make install` and an /etc to write to."""

    def setUp(self):
        super().setUp()
        if "RUNI_TEST_WORLD" not in os.environ:
            raise unittest.SkipTest("needs a world of its own; run it through tests/run.py")
        for place in ("/usr/local", "/etc"):
            self.lay_over(place)
        runi = built("RUNI")
        os.makedirs("/usr/local/libexec/runi", exist_ok=True)
        shutil.copy(runi, "/usr/local/sbin/runi")
        shutil.copy(built("RUNI_INIT"), "/usr/local/libexec/runi/runi-init")
        # A development build does not read /etc/runi.
        self.configuration = os.path.join(os.path.dirname(runi), "..", "etc", "runi")
        os.makedirs(self.configuration, exist_ok=True)
        self.succeed("mount", "-t", "tmpfs", "tmpfs", self.configuration)
        self.addCleanup(self.command, "umount", "--lazy", self.configuration)

    def lay_over(self, place):
        upper, work = self.folder("over", place[1:]), self.folder("work", place[1:])
        done = self.command("mount", "-t", "overlay", "-o", f"lowerdir={place},upperdir={upper},workdir={work}", "overlay", place)
        if done.returncode != 0:
            raise unittest.SkipTest(f"needs an overlay on {place}: {done.stderr.decode().strip()}")
        self.addCleanup(self.command, "umount", "--lazy", place)

    def put(self, source, target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.join(DEPLOY, source), target)


class Containerd(Deploy):
    MAIN = """
version = {version}
root = "{scratch}/root"
state = "{scratch}/state"
imports = [{imports}]
[grpc]
  address = "{address}"
"""
    IMPORTS = '"/etc/containerd/conf.d/*.toml"'

    def main_file(self, version, imports, rest):
        path = "/etc/containerd/config.toml"
        self.address = self.path("containerd.sock")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.MAIN.format(version=version, imports=imports, scratch=self.scratch, address=self.address) + rest)
        return path

    def merged_1(self, series):
        program = containerd_of(series)
        fragment = re.sub(r"(?m)^version = 2$", "", read("containerd", "runi-1.x.toml"))
        return program, self.main_file(2, "", f"""
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image.NAME}"
  restrict_oom_score_adj = true
""" + fragment)

    def dropped_in_2(self):
        program = containerd_of("2")
        self.put("containerd/runi-2.x.toml", "/etc/containerd/conf.d/runi.toml")
        return program, self.main_file(3, self.IMPORTS, f"""
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{image.NAME}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
""")

    def assert_complete(self, program, config):
        dump = self.succeed(program, "--config", config, "config", "dump").replace("'", '"')
        for text in (image.NAME, "containerd.runtimes.runc]", "containerd.runtimes.runi]",
                     'BinaryName = "/usr/local/sbin/runi"', 'pod_annotations = ["runi.dev/*", "*.runi.dev/*"]'):
            self.assertIn(text, dump)

    def problems_by(self, program):
        """What runictl check says is wrong with containerd's configuration where this is the one that reads it."""
        if not os.path.exists("/usr/local/sbin/containerd"):
            os.symlink(program, "/usr/local/sbin/containerd")
        findings = json.loads(self.command(built("RUNICTL"), "check", "--json").stdout)["findings"]
        self.findings = [finding for finding in findings if finding["subject"] == "containerd"]
        return [finding["what"] for finding in self.findings if finding["severity"] == "problem"]

    def assert_found(self, program, words):
        problems = self.problems_by(program)
        self.assertTrue([what for what in problems if words in what], problems)

    def assert_pods_get_init(self, program, config):
        """The example pod as a kubelet runs it, and the same with an annotation that wants no init."""
        # The shim must be of the daemon's own version.
        path = f"{os.path.dirname(program)}:{os.environ['PATH']}"
        self.daemon(["env", f"PATH={path}", program, "--config", config], self.path("containerd.log"))
        ctr = [need("ctr"), "--address", self.address, "--namespace", "k8s.io"]
        until(lambda: self.command(*ctr, "version").returncode == 0, "containerd", 20)
        self.succeed(*ctr, "images", "import", image.archive(self))
        cri = Cri(self, containerd=self)
        args = yaml(self, "kubernetes", "example-pod.yaml")["spec"]["containers"][0]["command"]
        for annotations, first, zombies in (({}, "/dev/.runi-init", 0), ({"c.runi.dev/init": "false"}, "sleep", 3)):
            container = cri.container(cri.pod("runi", annotations=annotations), args)

            def processes(container=container):
                return cri.exec(container, "ps", "-o", "pid,stat,args").stdout.decode().splitlines()
            until(lambda: not any("sleep 1" == line[-7:] for line in processes()), "the orphans' end")
            listed = [line.split() for line in processes()]
            self.assertEqual([words[2] for words in listed if words[0] == "1"], [first], listed)
            self.assertEqual(len([words for words in listed if words[1].startswith("Z")]), zombies, listed)
            began = time.monotonic()
            cri.stop(container, 3)  # seconds until SIGKILL
            self.assertEqual(time.monotonic() - began > 3, annotations != {})

    def test_fragment_for_1_6(self):
        self.assert_complete(*self.merged_1("1.6"))

    def test_fragment_for_1_7(self):
        self.assert_complete(*self.merged_1("1.7"))

    def test_pods_of_1_6(self):
        self.assert_pods_get_init(*self.merged_1("1.6"))

    def test_pods_of_1_7(self):
        self.assert_pods_get_init(*self.merged_1("1.7"))

    def test_drop_in_for_2(self):
        self.assert_complete(*self.dropped_in_2())

    def test_pods_of_2(self):
        self.assert_pods_get_init(*self.dropped_in_2())

    def test_fragment_for_1_is_no_drop_in(self):
        """What the fragment warns of: the main file's table is gone."""
        program = containerd_of("1.6")
        self.put("containerd/runi-1.x.toml", "/etc/containerd/conf.d/runi.toml")
        config = self.main_file(2, self.IMPORTS, '[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "pause:lost"\n')
        dump = self.succeed(program, "--config", config, "config", "dump")
        self.assertIn('BinaryName = "/usr/local/sbin/runi"', dump)
        self.assertNotIn("pause:lost", dump)
        self.assert_found(program, "this file replaces all that /etc/containerd/config.toml says")

    def test_fragment_for_1_needs_runc(self):
        """The other warning: an entry for runi alone hides the built-in one for runc."""
        program = containerd_of("1.6")
        _, title, entry = read("containerd", "runi-1.x.toml").partition(
            '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runi]')
        dump = self.succeed(program, "--config", self.main_file(2, "", title + entry), "config", "dump")
        self.assertIn("containerd.runtimes.runi]", dump)
        self.assertNotIn("containerd.runtimes.runc]", dump)
        self.assert_found(program, 'there is no handler "runc"')


class Merged(Containerd):
    """What runictl check says of a main file and a drop-in is what containerd makes of the two."""

    NAMES = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
    OWN = """
[plugins."{cri}".cni]
  conf_dir = "/main/cni"
[plugins."{cri}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."{cri}".containerd.runtimes.runc.options]
    SystemdCgroup = true
"""

    def drop_in(self, version, keyed, systemd):
        """The file of deploy/ that has this version's names, with or without the key that says so."""
        text = read("containerd", f"runi-{version - 1}.x.toml")
        text = text.replace("# SystemdCgroup", "SystemdCgroup") if systemd else text
        os.makedirs("/etc/containerd/conf.d", exist_ok=True)
        with open("/etc/containerd/conf.d/runi.toml", "w", encoding="utf-8") as file:
            file.write(text if keyed else re.sub(r"(?m)^version = .*$", "", text))

    def is_intact(self, program, config, has_own):
        done = self.command(program, "--config", config, "config", "dump")
        dump = done.stdout.decode().replace("'", '"')
        wanted = ["containerd.runtimes.runc]", "containerd.runtimes.runi]", 'BinaryName = "/usr/local/sbin/runi"']
        wanted += ["/main/cni"] if has_own else []
        return done.returncode == 0 and all(text in dump for text in wanted)

    def agree(self, program):
        seen = set()
        for main in (2, 3):
            for version, keyed in ((2, True), (3, True), (main, False)):
                for has_own in (True, False):
                    config = self.main_file(main, self.IMPORTS, self.OWN.format(cri=self.NAMES[main]) if has_own else "")
                    self.drop_in(version, keyed, has_own)
                    intact = self.is_intact(program, config, has_own)
                    problems = self.problems_by(program)
                    case = f"main {main}, own {has_own}, drop-in {version} {keyed}: {intact}, {self.findings}"
                    self.assertEqual(problems == [], intact, case)
                    self.assertEqual([finding["severity"] for finding in self.findings] == ["ok"], intact, case)
                    seen.add(intact)
        return seen

    def test_by_1_6(self):
        self.assertEqual(self.agree(containerd_of("1.6")), {True, False})

    def test_by_1_7(self):
        self.assertEqual(self.agree(containerd_of("1.7")), {True, False})

    def test_by_2(self):
        self.assertEqual(self.agree(containerd_of("2")), {True, False})


class CrioFiles(unittest.TestCase):
    """What CRI-O's files say; no CRI-O is asked."""

    HANDLER = {"runtime_path": "/usr/local/sbin/runi", "runtime_type": "oci", "runtime_root": "/run/crun",
               "container_min_memory": "500KiB", "allowed_annotations": ["io.containers.trace-syscall"]}

    def assert_files(self, folder, runtime, **more):
        try:
            import tomllib
        except ImportError as missing:
            self.skipTest(f"needs Python 3.11: {missing}")
        drop_in = tomllib.loads(read("crio", folder, "10-runi.conf"))
        # The whole of it: neither a default nor a key that brings another runtime.
        self.assertEqual(drop_in, {"crio": {"runtime": {"runtimes": {"runi": {**self.HANDLER, **more}}}}})
        configuration = json.loads(re.sub(r"(?m)^\s*//.*", "", read("crio", folder, "runi.json")))
        self.assertEqual(configuration, {"runtime": runtime})

    def test_for_its_own_packages(self):
        self.assert_files("upstream", "/usr/libexec/crio/crun", monitor_path="/usr/libexec/crio/conmon")

    def test_for_a_distributions(self):
        self.assert_files("distribution", "/usr/bin/crun")


class Crio(Deploy):
    def test_pods(self):
        program = crio.crio()
        has_packages = os.path.exists("/usr/libexec/crio/conmon")
        folder = "upstream" if has_packages else "distribution"
        if not has_packages:
            need("conmon")
            need("crun")
        self.put(f"crio/{folder}/10-runi.conf", "/etc/crio/crio.conf.d/10-runi.conf")
        self.put(f"crio/{folder}/runi.json", os.path.join(self.configuration, "runi.json"))
        self.address = self.path("crio.sock")
        crio.prepare(self, program, self.address)
        found = json.loads(self.command(built("RUNICTL"), "check", "--json").stdout)["findings"]
        self.assertEqual([f for f in found if f["subject"] == "CRI-O" and f["severity"] in ("warning", "problem")], [])
        path = f"{os.environ['PATH']}:{os.path.dirname(program)}"
        process = self.daemon(["env", f"PATH={path}", program, "--config", "/etc/crio/crio.conf", "--config-dir",
                               "/etc/crio/crio.conf.d"], self.path("crio.log"))
        until(lambda: process.poll() is not None or os.path.exists(self.address), "CRI-O", 20)
        if process.returncode is not None:
            with open(self.path("crio.log"), encoding="utf-8") as log:
                self.fail(f"CRI-O ended: {log.read()[-2000:]}")
        cri = Cri(self, containerd=self)
        for annotations, first in (({}, "/dev/.runi-init"), ({"runi.dev/init": "false"}, "sleep")):
            container = cri.container(cri.pod("runi", annotations=annotations), ["sleep", "1000"])
            argv = cri.exec(container, "cat", "/proc/1/cmdline").stdout.decode().split("\0")
            self.assertEqual(argv[0], first)


class Podman(Deploy):
    def test_drop_in(self):
        podman = need("podman")
        need("conmon")
        need("runc")
        self.put("podman/50-runi.conf", "/etc/containers/containers.conf.d/50-runi.conf")
        # conmon lowers nproc, and where the machine grants less than podman's default, raising it is refused.
        with open("/etc/containers/containers.conf", "w", encoding="utf-8") as file:
            file.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n')
        environment = os.environ | {"HOME": self.folder("home"), "XDG_RUNTIME_DIR": self.folder("home/run")}
        argv = [podman, "--root", self.path("storage"), "--runroot", self.path("runroot"), "--tmpdir", self.path("tmp"),
                "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runi"]
        self.addCleanup(self.command, "umount", self.path("storage", "overlay"))
        self.assertEqual(self.succeed(*argv, "info", "--format", "{{.Host.OCIRuntime.Path}}", env=environment).strip(),
                         "/usr/local/sbin/runi")
        self.succeed(*argv, "load", "--quiet", "--input", image.archive(self), env=environment)
        run = [*argv, "run", "--rm", "--network", "none", "--cgroup-parent", self.cgroup]
        self.assertIn(INIT_IN_FRONT, self.succeed(*run, image.NAME, *ARGV_OF_PID1, env=environment))

        # runtime_supports_json at work: the runtime's own message reaches the user whole.
        with open(os.path.join(self.configuration, "runi.json"), "w", encoding="utf-8") as file:
            file.write('{"inject": "sometimes"}')
        failed = self.command(*run, image.NAME, "true", env=environment)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn('/inject: expected "always" or "annotated" or "never", found "sometimes"', failed.stderr.decode())


class Docker(Deploy):
    def test_fragment(self):
        dockerd, docker = need("dockerd"), need("docker")
        need("containerd")
        need("runc")
        self.put("docker/daemon.json", "/etc/docker/daemon.json")
        validated = self.command(dockerd, "--validate", "--config-file", "/etc/docker/daemon.json")
        if b"unknown flag" not in validated.stderr:  # Docker before 23
            self.assertEqual(validated.returncode, 0, validated.stderr)
        socket = f"unix://{self.path('docker.sock')}"
        path = self.path
        process = self.daemon(
            [dockerd, "--host", socket, "--data-root", path("docker"), "--exec-root", path("exec"), "--pidfile",
             path("docker.pid"), "--bridge", "none", "--iptables=false", "--ip6tables=false"], path("dockerd.log"))
        argv = [docker, "--host", socket]
        environment = os.environ | {"HOME": self.folder("home")}
        until(lambda: process.poll() is not None or self.command(*argv, "version").returncode == 0, "dockerd", 20)
        if process.returncode is not None:
            with open(path("dockerd.log"), encoding="utf-8") as log:
                self.fail(f"dockerd ended: {log.read()[-2000:]}")
        self.succeed(*argv, "load", "--quiet", "--input", image.archive(self), env=environment)
        output = self.succeed(*argv, "run", "--rm", "--runtime", "runi", "--network", "none", "--cgroup-parent", self.cgroup,
                              image.NAME, *ARGV_OF_PID1, env=environment)
        self.assertIn(INIT_IN_FRONT, output)


class Configuration(Deploy):
    """config/config.json as it is, and with every key that it only shows in a comment."""

    def start(self, text):
        with open(os.path.join(self.configuration, "config.json"), "w", encoding="utf-8") as file:
            file.write(text)
        # No bundle: a configuration that is accepted leaves the complaint to the runtime.
        return self.command("/usr/local/sbin/runi", "--root", self.folder("state"), "run", "--bundle", self.folder("none"), "c")

    def assert_accepted(self, text):
        done = self.start(text)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(b"runi: configuration", done.stderr)
        self.assertIn(b"config.json", done.stderr)

    def test_as_it_is(self):
        need("runc")
        self.assert_accepted(read("config", "config.json"))

    def test_with_every_key(self):
        need("runc")
        text = read("config", "config.json")
        whole = re.sub(r'(?m)^( *)// (?="\w+":)', r"\1", text).replace("/usr/sbin/runc", need("runc"))
        whole = whole.replace('"sink": "syslog"', '"sink": "file"')  # no other has a file
        self.assertGreater(len(re.findall(r'(?m)^ *"', whole)), len(re.findall(r'(?m)^ *"', text)))
        self.assert_accepted(whole)

    def test_a_mistake_is_found(self):
        """The two above would not see a file that nobody reads."""
        need("runc")
        done = self.start(read("config", "config.json").replace('"always",', '"sometimes",'))
        self.assertIn(b"runi: configuration", done.stderr)


class Kubernetes(unittest.TestCase):
    """The manifests' structure; no API server is asked."""

    def test_runtime_class(self):
        runtime_class = yaml(self, "kubernetes", "runtimeclass.yaml")
        self.assertEqual(runtime_class, {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
                                         "metadata": {"name": "runi"}, "handler": "runi"})
        for name in ("runi-1.x.toml", "runi-2.x.toml"):
            self.assertIn(f".containerd.runtimes.{runtime_class['handler']}]", read("containerd", name))
        for folder in ("upstream", "distribution"):
            self.assertIn(f"[crio.runtime.runtimes.{runtime_class['handler']}]", read("crio", folder, "10-runi.conf"))

    def test_example_pod(self):
        pod = yaml(self, "kubernetes", "example-pod.yaml")
        self.assertEqual((pod["apiVersion"], pod["kind"]), ("v1", "Pod"))
        self.assertEqual(pod["spec"]["runtimeClassName"],
                         yaml(self, "kubernetes", "runtimeclass.yaml")["metadata"]["name"])
        for container in pod["spec"]["containers"]:
            self.assertLessEqual({"name", "image", "command"}, set(container))


if __name__ == "__main__":
    unittest.main()
