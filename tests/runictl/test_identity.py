"""runictl scan: what containers are called."""

import json
import os
import signal
import subprocess
import sys

from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, until
from bed.containerd import Ctr
from bed.cri import Cri
from bed.docker import Docker
from bed.podman import Podman
from look import SHELL, Look


class Names(Look):
    """What real engines call their containers."""

    def only(self, started):
        containers = self.scan()
        self.assertIn(started.pid, containers)
        return containers[started.pid]

    def test_runc(self):
        container = self.only(Runc(self).start(PLAIN, SHELL))
        self.assertEqual((container["engine"], container["id"], container["because"]), ("runc", "c", ["shell"]))

    def test_crun(self):
        container = self.only(Crun(self).start(PLAIN, ["sleep", "1000"]))
        self.assertEqual((container["engine"], container["id"], container["because"]),
                         ("crun", "c", ["no-sigterm-handler"]))

    def assert_not_started(self, engine):
        bundle = engine.bundle(["sleep", "1000"], "created")
        done = self.command(*engine.argv(PLAIN, "create", "--bundle", bundle, "created"),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # the container keeps them open
        self.assertEqual(done.returncode, 0)
        (container,) = self.scan().values()
        self.assertEqual(container["verdict"], "not-started")
        # Its runtime has ended: what it is called, its cgroup tells.
        self.assertEqual(container["id"], "created")

    def test_not_started_by_runc(self):
        self.assert_not_started(Runc(self))

    def test_not_started_by_crun(self):
        self.assert_not_started(Crun(self))

    def test_podman(self):
        engine = Podman(self)
        started = engine.start(PLAIN, ["sleep", "1000"], flags=["--name", "web"])
        container = self.only(started)
        self.assertEqual((container["engine"], container["name"], container["id"]), ("podman", "web", started.id))
        self.assertIn("web ", self.runictl("scan").stdout.decode())

    def test_docker(self):
        engine = Docker(self)
        started = engine.start(PLAIN, ["sleep", "1000"], flags=["--name", "web"])
        container = self.only(started)
        self.assertEqual((container["engine"], container["name"], container["id"]), ("docker", "web", started.id))

    def test_ctr(self):
        container = self.only(Ctr(self).start(PLAIN, ["sleep", "1000"]))
        self.assertEqual((container["engine"], container["id"]), ("containerd", "c"))

    def test_pods(self):
        cri = Cri(self)
        pod = cri.pod(PLAIN)
        container = cri.container(pod, ["sleep", "1000"])
        with_init = cri.container(cri.pod(RUNI), ["sleep", "1000"])
        def by_id():
            return {one["id"]: one for one in self.scan().values()}
        by_id = until(lambda: (seen := by_id())[with_init]["init"] and seen, "the init")
        seen = by_id[container]
        self.assertEqual((seen["engine"], seen["podNamespace"], seen["pod"], seen["name"], seen["podUid"]),
                         ("containerd", "bed", "pod1", "c", "uid1"))
        self.assertEqual(seen["verdict"], "needs-init")
        self.assertEqual(by_id[pod[0]]["verdict"], "sandbox")
        self.assertEqual(by_id[with_init]["init"], "runi-init")
        text = self.runictl("scan").stdout.decode()
        self.assertIn("bed/pod1/c ", text)
        self.assertNotIn("is a pod's sandbox", text)
        self.assertRegex(text, r"(?m)^2 containers of containerd and 2 pods' sandboxes among \d+ processes: ")
        self.assertEqual(self.runictl("scan", "--sandboxes").stdout.decode().count("is a pod's sandbox"), 2)


class Supervisors(Look):
    """What calls itself one."""

    def test_of_a_container_with_the_hosts_pid_namespace_no_file_of_the_host_is_read(self):
        """What is in such a container may call itself a supervisor; it is shown as what it can see itself."""
        secret, root = self.folder("secret"), self.folder("root")
        os.mkdir(os.path.join(root, "own"))
        os.symlink(secret, os.path.join(root, "linked"))
        for folder, name in ((secret, "secret"), (os.path.join(root, "own"), "own")):
            with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
                json.dump({"annotations": {"io.kubernetes.cri.container-name": name}}, file)
        code = ("import ctypes, os, time\nos.chroot(%r)\nos.chdir('/')\nctypes.CDLL(None).unshare(0x20000000)\n"
                "child = os.fork()\nif child: print(child, flush=True)\ntime.sleep(1000)")
        for bundle, name in (("/linked", ""), ("/own", "own"), ("linked", ""), ("/../../linked", "")):
            with self.subTest(bundle):
                script = self.path("script")
                with open(script, "w", encoding="utf-8") as file:
                    file.write(code % root)
                environment = os.environ | {"PYTHONHOME": sys.base_prefix}  # it would look for itself as argv[0] says
                with open(script, encoding="utf-8") as file, \
                        subprocess.Popen(["conmon", "-", "-c", "f" * 64, "-b", bundle], executable=sys.executable, stdin=file,
                                         stdout=subprocess.PIPE, env=environment) as process:
                    first = int(process.stdout.readline() or 0)
                    containers = self.scan()
                    for pid in filter(None, (first, process.pid)):
                        os.kill(pid, signal.SIGKILL)
                self.assertEqual((containers[first]["engine"], containers[first]["id"], containers[first]["name"] or ""),
                                 ("podman", "f" * 64, name))
