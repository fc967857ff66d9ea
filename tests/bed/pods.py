"""What tests ask of the pods of a cluster with one node, which bed/cluster_node.py boots."""

import time

from bed.case import Case, until
from bed.cluster_node import node_with_control_plane
from bed.control_plane import BUSYBOX_IMAGE
from bed.engine import state_of

# Installs no handler for SIGTERM, so as PID 1 it never sees one.
DEAF = ["sh", "-c", "while :; do sleep 1; done"]


def pod(name, command, labels=None, container=None, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}},
            "spec": {"terminationGracePeriodSeconds": 10, "runtimeClassName": "runi", "containers": [
                {"name": "c", "image": BUSYBOX_IMAGE, "command": command} | (container or {})]} | spec}


def deployment(name, replicas, command, **container):
    template = pod(name, command, {"app": name}, container)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]}}}


class NodeCase(Case):
    """A node without runi, and what tests ask of its pods."""

    def setUp(self):
        super().setUp()
        self.node, self.cluster = node_with_control_plane(self)

    def kubectl(self, *words, **keywords):
        return self.cluster.kubectl(*words, **keywords)

    def run_pod(self, *arguments, **keywords):
        manifest = pod(*arguments, **keywords)
        self.cluster.apply(manifest)
        self.await_ready(manifest["metadata"]["name"])

    def await_ready(self, *names, seconds=60):
        self.kubectl("wait", "--for=condition=Ready", *(f"pod/{name}" for name in names), f"--timeout={seconds}s",
                     timeout=seconds + 30)

    def pod(self, name):
        return self.cluster.get("pod", name)

    def container(self, name):
        """What the kubelet says of a pod's only container; {} before it says anything."""
        return (self.pod(name)["status"].get("containerStatuses") or [{}])[0]

    def pid(self, name):
        """Of the first process of a pod's only container, as numbered here."""
        return self.node.first_process(self.container(name)["containerID"].rpartition("/")[2])

    def identity(self, name):
        """Changes if the container of a pod is another one, or another time the same."""
        container = self.container(name)
        return container["containerID"], container["restartCount"], self.pid(name)

    def exec(self, name, *words, **keywords):
        return self.kubectl("exec", name, "--", *words, **keywords)

    def await_reason(self, name, state, reason, seconds=90):
        """Waits until a pod's only container is, or was, in a state for a reason. Returns the state."""
        kind, _, last = state.rpartition(".")
        def reached():
            found = self.container(name).get(kind or "state", {}).get(last, {})
            return found if found.get("reason") == reason else None
        return until(reached, f"{name} to be {reason}", seconds)

    def seconds_to_end(self, name):
        """Deletes a pod. Returns how long its container still lived; the rest of a deletion is the kubelet's."""
        first = self.pid(name)
        started = time.monotonic()
        self.kubectl("delete", "pod", name, "--wait=false")
        until(lambda: state_of(first) in ("", "Z", "X"), f"the container of {name} to end", 60)
        return time.monotonic() - started

    def ask(self, *questions):
        """Each is a method that asserts; one that fails does not keep the others from being asked."""
        for question in questions:
            with self.subTest(question.__name__):
                question()
