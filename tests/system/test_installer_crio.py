"""runictl install --engine crio: with a real CRI-O, and the plan alone with what `crio config` of one has printed."""

import json
import os
import unittest

from bed import crio
from bed.case import RUNI, Case, need, until
from bed.cri import Cri
from bed.engine import comm_of
from bed.node import Node

from test_installer_engines import SUPERVISOR, ThisMachine

SOCKET = "/run/crio/crio.sock"
DROP_IN = "/etc/crio/crio.conf.d/10-runi.conf"
# Answers in CRI-O's place, as CRI-O 1.36 is known to: the default handler's values, and after them the drop-ins, which have one
# table each. The test below runs the real one.
STAND_IN = """#!/bin/sh
folder=/etc/crio/crio.conf.d
[ "$1" = --config-dir ] && folder=$2
cat <<'END'
[crio]
[crio.runtime]
default_runtime = "crun"
[crio.runtime.runtimes.crun]
runtime_path = "/usr/libexec/crio/crun"
runtime_type = ""
runtime_root = "/run/crun"
inherit_default_runtime = false
allowed_annotations = ["io.containers.trace-syscall"]
monitor_path = "/usr/libexec/crio/conmon"
container_min_memory = "500KiB"
no_sync_log = false
END
cat "$folder"/*.conf 2>/dev/null || :
"""


class Plan(Case):
    """The layout of CRI-O's own packages. What a CRI-O makes of the files is for the tests below."""

    def setUp(self):
        super().setUp()
        self.node = Node(self)
        for folder in ("/usr/local/bin", "/usr/libexec"):
            self.succeed("mount", "-t", "tmpfs", "tmpfs", self.node.path(folder))
        self.node.write("/usr/local/bin/crio", STAND_IN, mode=0o755)
        self.put("crun", "conmon")

    def put(self, *names):
        for name in names:
            self.node.write(f"/usr/libexec/crio/{name}", "#!/bin/sh\n", mode=0o755)

    def test_values_of_the_default_handler(self):
        before = self.node.tree()
        self.node.answer("install", "--engine", "crio", "--restart", "none")
        text = self.node.read(DROP_IN)
        for line in ('runtime_path = "/opt/runi/sbin/runi"', 'runtime_type = "oci"', 'runtime_root = "/run/crun"',
                     'monitor_path = "/usr/libexec/crio/conmon"', 'container_min_memory = "500KiB"',
                     'allowed_annotations = ["io.containers.trace-syscall"]'):
            self.assertIn(line + "\n", text)
        self.assertNotIn("inherit", text)
        self.assertIn('"runtime": "/usr/libexec/crio/crun"', self.node.read("/opt/runi/etc/runi/runi.json"))
        self.assertEqual(self.node.answer("install", "--engine", "crio", "--restart", "none")["steps"], [])
        self.node.answer("uninstall", "--engine", "crio", "--restart", "none")
        self.assertEqual(self.node.tree(), before)

    def test_what_would_keep_it_from_starting(self):
        """A monitor that is not found, which CRI-O's own parser does not see."""
        os.remove(self.node.path("/usr/libexec/crio/conmon"))
        before = self.node.tree()
        answer = self.node.answer("install", "--engine", "crio", "--restart", "none", status=1)
        self.assertIn("/usr/libexec/crio/conmon", answer["error"])
        self.assertEqual(self.node.tree(), before)


class Running(ThisMachine):
    def start(self):
        program = crio.crio()
        need("conmon")
        need("crun")
        self.succeed("mount", "--mkdir", "-t", "tmpfs", "tmpfs", os.path.dirname(SOCKET))
        self.addCleanup(self.command, "umount", "--lazy", os.path.dirname(SOCKET))
        self.address = SOCKET
        crio.prepare(self, program, SOCKET)
        self.daemon(["sh", "-c", SUPERVISOR, "sh", program], self.path("crio.log"))
        until(lambda: os.path.exists(SOCKET), "CRI-O", 30)

    def log(self):
        with open(self.path("crio.log"), encoding="utf-8") as log:
            return log.read()

    def test_installed_and_removed(self):
        self.start()
        before = self.changed()
        options = ("--engine", "crio", "--restart", "signal")
        answer = self.runictl("install", *options, "--prefix", "/opt/runi")
        self.assertEqual((answer["done"], answer["notes"]), (True, []))
        self.assertEqual(self.log().count("--- ended"), 1)
        self.assertEqual(self.runictl("install", *options, "--prefix", "/opt/runi")["steps"], [])
        self.assertTrue(self.runictl("installed")["entries"][0]["proven"])
        cri = Cri(self, self)
        pod = cri.pod(RUNI)
        container = cri.container(pod, ["sleep", "1000"])
        pid = json.loads(cri.status(container).info["info"])["pid"]
        until(lambda: comm_of(pid).startswith((".runi", "runi-init")), "the init")
        self.assertIn("bed/pod1", self.runictl("uninstall", *options, status=3)["refused"])
        cri.stop(container, 1)
        cri.remove_pod(pod[0])
        self.runictl("uninstall", *options)
        self.assertEqual(self.changed(), before)


if __name__ == "__main__":
    unittest.main()
