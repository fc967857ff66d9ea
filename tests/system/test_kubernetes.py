"""What a Kubernetes node asks of the runtime, through containerd's CRI."""

import json
import os
import time

from bed.case import PLAIN, RUNI, Case, until
from bed.cri import Cri
from bed.engine import comm_of

INJECTED = "runi.dev/injected"


class Pods(Case):
    def setUp(self):
        super().setUp()
        self.cri = Cri(self)

    def annotations(self, container):
        """Those that the runtime was given for a container or a sandbox."""
        folder = self.path("containerd/state/io.containerd.runtime.v2.task/k8s.io", container)
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            return json.load(file).get("annotations", {})

    def await_name(self, container, name):
        """Waits until the container's first process is called so."""
        pid = json.loads(self.cri.status(container).info["info"])["pid"]
        until(lambda: comm_of(pid) == name, f"the first process to be {name}")

    def test_stopping_takes_no_time(self):
        container = self.cri.container(self.cri.pod(RUNI), ["sleep", "1000"])
        self.cri.exec(container, "sh", "-c", "until pidof sleep; do :; done")
        started = time.monotonic()
        self.cri.stop(container, 30)
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(self.cri.status(container).status.exit_code, 128 + 15)

    def test_stopping_takes_the_grace_period_without_an_init(self):
        container = self.cri.container(self.cri.pod(PLAIN), ["sleep", "1000"])
        started = time.monotonic()
        self.cri.stop(container, 1)
        self.assertGreaterEqual(time.monotonic() - started, 1)
        self.assertEqual(self.cri.status(container).status.exit_code, 128 + 9)

    def test_the_sandbox_is_left_alone(self):
        pod = self.cri.pod(RUNI)
        container = self.cri.container(pod, ["sleep", "1000"])
        self.assertIn(INJECTED, self.annotations(container))
        self.assertNotIn(INJECTED, self.annotations(pod[0]))

    def test_a_pod_s_shared_pid_namespace_is_left_alone(self):
        pod = self.cri.pod(RUNI, pid="POD")
        container = self.cri.container(pod, ["sleep", "1000"], pid="POD")
        self.assertNotIn(INJECTED, self.annotations(container))
        self.await_name(container, "sleep")

    def test_a_pod_can_decline(self):
        pod = self.cri.pod(RUNI, annotations={"runi.dev/init": "false"})
        container = self.cri.container(pod, ["sleep", "1000"])
        self.assertNotIn(INJECTED, self.annotations(container))
        self.await_name(container, "sleep")

    def test_exec_in_a_container(self):
        container = self.cri.container(self.cri.pod(RUNI), ["sleep", "1000"])
        done = self.cri.exec(container, "sh", "-c", "echo out; echo err >&2; exit 9")
        self.assertEqual((done.exit_code, done.stdout, done.stderr), (9, b"out\n", b"err\n"))
