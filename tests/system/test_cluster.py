"""runi on the node of a real Kubernetes, seen from kubectl. Needs RUNI_KUBERNETES_BIN: see bed/control_plane.py."""

import json
import os
import time

from bed import shim
from bed.case import PLAIN, Case, built, until
from bed.control_plane import BUSYBOX_IMAGE
from bed.engine import comm_of, state_of
from bed.kubernetes import Kubernetes

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/kubernetes")
INJECTED = "runi.dev/injected"
GRACE = 10  # seconds
# Installs no handler for SIGTERM, so as PID 1 it never sees one.
DEAF = ["sh", "-c", "while :; do sleep 1; done"]


def pod(name, command, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"terminationGracePeriodSeconds": GRACE,
                     "containers": [{"name": "c", "image": BUSYBOX_IMAGE, "command": command}]} | spec}


class Cluster(Case):
    def setUp(self):
        super().setUp()
        self.cluster = Kubernetes(self)
        self.runtime = self.cluster.containerd.paths[PLAIN]
        # An injection that cannot work is then told, not skipped.
        self.configure(onFailure="fail", init={"path": built("RUNI_INIT")})
        self.cluster.apply(os.path.join(DEPLOY, "runtimeclass.yaml"))

    def configure(self, **keys):
        shim.configure(self, json.dumps({"runtime": self.runtime} | keys))

    def run_pod(self, *arguments, **spec):
        self.cluster.apply(pod(*arguments, **spec))
        self.await_ready(arguments[0])

    def await_ready(self, name):
        self.cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")

    def seconds_to_end(self, name):
        """Deletes a pod. Returns how long its container still lived; the rest of a deletion is the kubelet's."""
        first = self.cluster.pid(self.cluster.bundles(name)["c"])
        started = time.monotonic()
        self.cluster.kubectl("delete", "pod", name, "--wait=false")
        until(lambda: state_of(first) in ("", "Z", "X"), "the container to end", 60)
        return time.monotonic() - started

    def await_event(self, name, text):
        """Waits until kubectl shows the text for the pod, and returns the event's message."""
        def message():
            events = json.loads(self.cluster.kubectl("get", "events", "--output", "json", "--field-selector",
                                                     f"involvedObject.name={name}"))["items"]
            return next((event["message"] for event in events if text in event["message"]), None)
        found = until(message, f"an event with {text!r}", 60)
        self.assertIn(text, self.cluster.kubectl("describe", "pod", name))
        return found

    def test_a_pod_of_the_class_gets_the_init(self):
        self.cluster.apply(os.path.join(DEPLOY, "example-pod.yaml"))
        self.await_ready("runi-example")
        bundles = self.cluster.bundles("runi-example")
        container, sandbox = bundles["sleeper"], bundles[""]
        first = self.cluster.pid(container)
        self.assertIn(INJECTED, self.cluster.specification(container)["annotations"])
        # Until it executes the init, it is the runtime's.
        init = os.stat(built("RUNI_INIT"))
        until(lambda: os.path.samestat(os.stat(f"/proc/{first}/exe"), init), "PID 1 to be the init")
        self.assertNotIn(INJECTED, self.cluster.specification(sandbox)["annotations"])
        self.assertEqual(comm_of(self.cluster.pid(sandbox)), "sleep")

        self.run_pod("shared", DEAF, runtimeClassName="runi", shareProcessNamespace=True)
        container = self.cluster.bundles("shared")["c"]
        self.assertNotIn(INJECTED, self.cluster.specification(container)["annotations"])
        self.assertEqual(comm_of(self.cluster.pid(container)), "sh")

    def test_annotations_of_a_pod_reach_its_containers(self):
        says_which = ["sh", "-c", "trap 'exit 41' QUIT; trap 'exit 42' TERM; >/ready; while :; do sleep 0.1; done"]
        manifest = pod("annotated", says_which, runtimeClassName="runi", restartPolicy="Never")
        manifest["metadata"]["annotations"] = {"runi.dev/signals": "TERM:QUIT", "runi.dev/expect-exit": "41",
                                               "other.runi.dev/expect-exit": "42", "other.runi.dev/signals": ""}
        (first,) = manifest["spec"]["containers"]
        first["readinessProbe"] = {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}
        manifest["spec"]["containers"].append(first | {"name": "other"})
        self.cluster.apply(manifest)
        self.await_ready("annotated")
        bundles = self.cluster.bundles("annotated")
        for name, options in (("c", ["-r", "TERM:QUIT", "-e", "41"]), ("other", ["-e", "42"])):
            args = self.cluster.specification(bundles[name])["process"]["args"]
            self.assertEqual(args[:len(shim.INIT) + len(options) + 1], [*shim.INIT, *options, "--"])
            self.succeed("kill", str(self.cluster.pid(bundles[name])))
        # Both ended as they were told to and so as a success: the pod has not failed.
        until(lambda: self.cluster.kubectl("get", "pod", "annotated", "--output", "jsonpath={.status.phase}") == "Succeeded",
              "the pod to have succeeded", 60)

    def test_deleting_a_pod_takes_no_grace_period(self):
        self.run_pod("plain", DEAF)
        self.run_pod("runi", DEAF, runtimeClassName="runi")
        self.assertLess(self.seconds_to_end("runi"), GRACE / 2)
        self.cluster.kubectl("wait", "--for=delete", "pod/runi", "--timeout=60s")
        self.assertGreaterEqual(self.seconds_to_end("plain"), GRACE)

    def test_errors_show_in_the_pod_s_events(self):
        self.run_pod("running", DEAF, runtimeClassName="runi")
        self.configure(onFailure="fail", init={"path": "/nonexistent/init"})
        self.cluster.apply(pod("without-init", DEAF, runtimeClassName="runi"))
        self.await_event("without-init", "runi: init /nonexistent/init: open: No such file or directory")
        self.configure(inject="allways")
        self.cluster.apply(pod("misconfigured", DEAF, runtimeClassName="runi"))
        self.await_event("misconfigured", f'runi: configuration {self.runi_configuration}: /inject: '
                                          'expected "always" or "annotated" or "never", found "allways"')
        self.assertLess(self.seconds_to_end("running"), GRACE / 2)
