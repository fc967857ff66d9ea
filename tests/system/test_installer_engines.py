"""runictl install with engines that run: restarted once, asked, proven by a container, and left as they were."""

import json
import os
import subprocess
import unittest

from bed.case import RUNI, Case, need, until
from bed.containerd import containerd_of
from bed.cri import Cri
from bed.engine import comm_of
from bed.node import Node
from bed.podman import Podman
from bed import image

ADDRESS = "/run/containerd/containerd.sock"
CONFIGURATION = """version = 2
{imports}[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{image}"
"""
SUPERVISOR = 'while :; do "$@"; echo "--- ended: $?"; done'


class ThisMachine(Case):
    """What is changed in these folders is only for the test: it is laid over what is there."""

    def setUp(self):
        super().setUp()
        for folder in ("/etc", "/opt", "/var/lib"):
            upper, work = self.folder("upper" + folder), self.folder("work" + folder)
            done = self.command("mount", "-t", "overlay", "-o", f"lowerdir={folder},upperdir={upper},workdir={work}", "overlay",
                                folder)
            if done.returncode != 0:
                raise unittest.SkipTest(f"needs overlay: {done.stderr.decode().strip()}")
            self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        self.program = Node.copy_programs(self.folder("programs"))

    def runictl(self, command, *options, status=0):
        done = self.command(self.program, command, "--json", *options, timeout=180)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return json.loads(done.stdout)

    def changed(self):
        """The files that the test has made or changed."""
        return sorted(os.path.join(top, name)[len(self.path("upper")):] for top, _, names in os.walk(self.path("upper"))
                      for name in names)


class Docker(ThisMachine):
    """A daemon that reloads: what runs goes on."""

    def ask(self, *words):
        return self.succeed(need("docker"), "--host", "unix:///run/docker.sock", *words).strip()

    def test_docker(self):
        dockerd, options = need("dockerd"), ("--engine", "docker", "--restart", "signal")
        os.makedirs("/etc/docker", exist_ok=True)
        with open("/etc/docker/daemon.json", "w", encoding="utf-8") as file:
            file.write('{"debug": true}\n')
        before = self.changed()
        self.daemon([dockerd, "--host", "unix:///run/docker.sock", "--data-root", self.path("docker"), "--exec-root",
                     self.path("exec"), "--bridge", "none", "--iptables=false", "--ip6tables=false"], self.path("dockerd.log"))
        until(lambda: self.command(need("docker"), "--host", "unix:///run/docker.sock", "version").returncode == 0, "dockerd", 20)
        self.ask("load", "--quiet", "--input", image.archive(self))
        run = ("run", "--detach", "--network", "none", "--cgroup-parent", self.cgroup)
        plain = self.ask(*run, image.NAME, "sleep", "1000")
        started = self.ask("inspect", "--format", "{{.State.StartedAt}}", plain)

        self.assertEqual([step["do"] for step in self.runictl("install", *options, "--prefix", "/opt/runi")["steps"]][-2:],
                         ["reload", "prove"])
        until(lambda: "runi" in json.loads(self.ask("info", "--format", "{{json .Runtimes}}")), "the runtime", 10)
        held = self.ask(*run, "--runtime", "runi", image.NAME, "sleep", "1000")
        pid = int(self.ask("inspect", "--format", "{{.State.Pid}}", held))
        until(lambda: comm_of(pid).startswith((".runi", "runi-init")), "the init")
        self.assertIn("1 of the handler's containers exist", self.runictl("uninstall", *options, status=3)["refused"])
        self.ask("rm", "--force", held)
        self.assertIn("until it is restarted", self.runictl("uninstall", *options)["notes"][0])
        self.assertEqual(self.changed(), before)
        self.assertEqual(self.ask("inspect", "--format", "{{.State.StartedAt}} {{.State.Running}}", plain), f"{started} true")
        self.ask("rm", "--force", plain)


class Containerd(ThisMachine):
    def start(self, program, imports=""):
        self.succeed("mount", "--mkdir", "-t", "tmpfs", "tmpfs", "/var/lib/containerd")
        self.addCleanup(subprocess.run, ["umount", "--lazy", "/var/lib/containerd"], check=True)
        os.makedirs("/etc/containerd", exist_ok=True)
        with open("/etc/containerd/config.toml", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(image=image.NAME, imports=imports))
        if program != need("containerd"):
            self.succeed("mount", "--bind", program, need("containerd"))
            self.addCleanup(subprocess.run, ["umount", "--lazy", need("containerd")], check=True)
        self.address = ADDRESS
        self.daemon(["sh", "-c", SUPERVISOR, "sh", "env", f"PATH={os.path.dirname(program)}:{os.environ['PATH']}",
                     need("containerd")], self.path("containerd.log"))
        until(lambda: self.command(*self.ctr("version")).returncode == 0, "containerd", 30)
        self.succeed(*self.ctr("images", "import", image.archive(self)))

    def ctr(self, *words):
        return [need("ctr"), "--namespace", "k8s.io", *words]

    def ends(self):
        with open(self.path("containerd.log"), encoding="utf-8") as log:
            return log.read().count("--- ended")

    @staticmethod
    def answers(cri, container):
        """Whether the connection is one to the daemon that runs now."""
        try:
            cri.status(container)
        except Exception as error:  # pylint: disable=broad-except # grpc is not there on every machine
            return "UNAVAILABLE" not in str(error)
        return True

    def assert_all(self, program, imports=""):
        self.start(program, imports)
        before = self.changed()
        with open("/etc/containerd/config.toml", encoding="utf-8") as file:
            text = file.read()
        options = ("--engine", "containerd", "--restart", "signal")
        answer = self.runictl("install", *options, "--prefix", "/opt/runi")
        self.assertEqual((answer["done"], answer["notes"]), (True, []))
        self.assertEqual(self.ends(), 1)
        self.assertEqual(self.runictl("install", *options, "--prefix", "/opt/runi")["steps"], [])
        self.assertEqual(self.ends(), 1, "it is restarted only if something has changed")
        self.assertTrue(self.runictl("installed")["entries"][0]["proven"])
        cri = Cri(self, self)
        pod = cri.pod(RUNI)
        container = cri.container(pod, ["sleep", "1000"])
        pid = json.loads(cri.status(container).info["info"])["pid"]
        self.assertTrue(comm_of(pid).startswith("runi-init") or until(lambda: comm_of(pid).startswith(".runi"), "the init"))
        refused = self.runictl("uninstall", *options, status=3)["refused"]
        self.assertIn("1 of the handler's containers exist: bed/pod1", refused)
        self.runictl("uninstall", *options, "--force")
        self.assertEqual(os.readlink("/opt/runi/sbin/runi"), os.path.realpath(need("runc")))
        until(lambda: self.answers(cri, container), "the connection to the restarted containerd")
        cri.stop(container, 1)
        self.runictl("install", *options, "--prefix", "/opt/runi")
        until(lambda: self.answers(cri, container), "the connection to the restarted containerd")
        cri.remove_pod(pod[0])
        self.runictl("uninstall", *options)
        self.assertEqual(self.changed(), before)
        with open("/etc/containerd/config.toml", encoding="utf-8") as file:
            self.assertEqual(file.read(), text)

    def test_containerd_1_6(self):
        self.assert_all(containerd_of("1.6"))

    def test_containerd_1_7(self):
        self.assert_all(containerd_of("1.7"))

    def test_containerd_2(self):
        self.assert_all(containerd_of("2"), 'imports = ["/etc/containerd/conf.d/*.toml"]\n')

    def test_what_does_not_come_back_is_put_back(self):
        """A runtime that cannot run anything: containerd takes the handler, and the proof fails."""
        self.start(need("containerd"))
        before = self.changed()
        broken = self.path("broken")
        with open(broken, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 7\n")
        os.chmod(broken, 0o755)
        answer = self.runictl("install", "--engine", "containerd", "--restart", "signal", "--prefix", "/opt/runi", "--runtime",
                              broken, status=1)
        self.assertIn("everything is as it was", answer["error"])
        self.assertEqual(self.changed(), before)
        self.assertEqual(self.ends(), 2)

    def test_without_systemd(self):
        self.start(need("containerd"))
        before = self.changed()
        answer = self.runictl("install", "--engine", "containerd", "--prefix", "/opt/runi", status=1)
        self.assertIn("--restart signal", answer["error"])
        self.assertEqual(self.changed(), before)


class PodmanEngine(ThisMachine):
    def test_podman(self):
        podman = Podman(self)
        before = self.changed()
        self.runictl("install", "--engine", "podman", "--prefix", "/opt/runi")
        podman.paths[RUNI] = RUNI
        done = podman.run(RUNI, ["sh", "-c", "cat /proc/1/comm"])
        self.assertEqual((done.status, done.stdout.strip()[-9:]), (0, b"runi-init"), done.stderr)
        self.runictl("uninstall", "--engine", "podman")
        self.assertEqual(self.changed(), before)


if __name__ == "__main__":
    unittest.main()
