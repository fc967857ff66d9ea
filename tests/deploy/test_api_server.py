"""deploy/kubernetes given to a real API server. Needs RUNI_KUBERNETES_BIN: see bed/control_plane.py.

What a server does not know (admission policies, before 1.30 and 1.36) is left out, and said.
"""

import json
import os
import re

from bed import manifests
from bed.case import Case
from bed.control_plane import NODE
from bed.kubernetes import Kubernetes
from bed.manifests import containers_of, of_kind, pod_of

FLEET = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../hack/fleet"))


class ApiServer(Case):
    def setUp(self):
        super().setUp()
        self.overlays = manifests.all_overlays()
        self.cluster = Kubernetes(self)
        served = self.cluster.kubectl("api-resources", "--output", "name")
        policies = {f"{kind}AdmissionPolicy{suffix}": f"{kind}admissionpolic{plural}.".lower()
                    for kind in ("Validating", "Mutating")
                    for suffix, plural in (("", "ies"), ("Binding", "ybindings"))}
        self.kinds_left_out = {kind for kind, name in policies.items() if f"\n{name}" not in served}
        if self.kinds_left_out:
            print(f"left out, not served here: {', '.join(sorted(self.kinds_left_out))}")

    def known(self, objects):
        return [each for each in objects if each["kind"] not in self.kinds_left_out]

    def try_out(self, objects):
        """What the server says to these objects, all of its checks done and nothing stored."""
        listed = {"apiVersion": "v1", "kind": "List", "items": self.known(objects)}
        return self.cluster.kubectl("apply", "--dry-run=server", "--filename", "-", input=json.dumps(listed).encode())

    def command_line(self, overlay, container):
        """A labeler's arguments of kubectl, for the node that there is."""
        (found,) = [each for each in containers_of(pod_of(self.overlays[overlay])) if each["name"] == container]
        return [word.replace("$(NODE_NAME)", NODE) for word in found["command"][1:] + found["args"]]

    @staticmethod
    def about_readiness(words):
        """The same wait, for something that every node comes to."""
        return [word.replace('runtimeHandlers[?(@.name=="runi")].name}=runi',
                             'conditions[?(@.type=="Ready")].status}=True') for word in words]

    def node(self):
        return json.loads(self.cluster.kubectl("get", "node", NODE, "--output", "json"))

    def test_every_overlay_is_valid(self):
        self.cluster.apply(of_kind(self.overlays["containerd"], "Namespace")[0])  # or nothing could be in it
        for name, objects in self.overlays.items():
            said = self.try_out(objects)
            self.assertEqual(len(said.splitlines()), len(self.known(objects)), f"{name}: {said}")
            self.assertIn("daemonset.apps/runi ", said)

    def test_a_mistake_would_be_found(self):
        self.cluster.apply(of_kind(self.overlays["containerd"], "Namespace")[0])
        wrong = json.loads(json.dumps(of_kind(self.overlays["containerd"], "DaemonSet")))
        pod_of(wrong)["containers"][0]["volumeMounts"][0]["name"] = "no-such-volume"
        with self.assertRaisesRegex(AssertionError, "no-such-volume"):
            self.try_out(wrong)

    def test_examples_are_valid(self):
        self.cluster.apply(of_kind(self.overlays["no-label"], "RuntimeClass")[0])
        for path in ("example-pod.yaml", "examples/annotations.yaml", "examples/agent-sandbox.yaml"):
            self.assertIn("created (server dry run)", self.try_out(manifests.read(path)))
        if "MutatingAdmissionPolicy" not in self.kinds_left_out:
            self.try_out(manifests.read("examples/namespace-default.yaml"))

    def test_the_labeler_s_commands_label_and_take_it_away(self):
        self.cluster.kubectl(*self.command_line("containerd", "label"))
        metadata = self.node()["metadata"]
        self.assertEqual(metadata["labels"]["runi.dev/installed"], "true")
        version = metadata["annotations"]["runi.dev/version"]
        (daemonset,) = of_kind(self.overlays["containerd"], "DaemonSet")
        self.assertTrue(pod_of([daemonset])["containers"][0]["image"].endswith(f":{version}"))
        self.cluster.kubectl(*self.command_line("containerd", "label"))  # again, as at every start of a pod
        others = {key: value for key, value in metadata["labels"].items() if not key.startswith("runi.dev/")}

        self.cluster.kubectl(*self.command_line("uninstall", "label"))
        metadata = self.node()["metadata"]
        self.assertNotIn("runi.dev/version", metadata["annotations"])
        self.assertEqual(metadata["labels"], others)
        self.cluster.kubectl(*self.command_line("uninstall", "label"))

    def test_the_wait_is_for_the_handler(self):
        """Its JSONPath is understood; this node may be too old to list its handlers."""
        words = [word.replace("=180s", "=2s") for word in self.command_line("containerd", "await-handler")]
        names = {each["name"] for each in self.node()["status"].get("runtimeHandlers", [])}
        done = self.command(*self.cluster.kubectl_argv(*words))
        if "runi" in names:
            self.assertEqual(done.returncode, 0, done.stderr.decode())
        else:
            self.assertIn("timed out waiting for the condition", done.stderr.decode())
        self.cluster.kubectl(*self.about_readiness(words))

    def test_requests_are_as_many_as_accounted_for(self):
        """hack/fleet says how often kubectl asks for the node."""
        fleet = {}
        with open(FLEET, encoding="utf-8") as file:
            exec(re.search(r"^KUBECTL = .*$", file.read(), re.MULTILINE).group(0), fleet)
        waits = self.about_readiness(self.command_line("containerd", "await-handler"))
        for verb, words in (("patch", self.command_line("containerd", "label")), ("wait", waits)):
            done = self.command(*self.cluster.kubectl_argv(*words, "-v=6"))
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            asked = re.findall(r'(?:GET |PATCH |url=")https?://[^ ]*/api/v1/nodes', done.stderr.decode())
            self.assertEqual(len(asked), fleet["KUBECTL"][verb], done.stderr.decode())
