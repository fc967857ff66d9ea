"""runi installed on a Kubernetes node by deploy/kubernetes, with the image that hack/image makes, and taken away again.

Each test boots a node (bed/cluster_node.py). Needs RUNI_KUBERNETES_BIN and RUNI_NODE_ROOT; RUNI_KUBECTL may
name the kubectl that labels the node.
"""

import json
import os
import re
import shutil
import sys

from bed import image, manifests
from bed.case import built, until
from bed.control_plane import NODE
from bed.pods import DEAF, NodeCase, pod

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
NAMESPACE = "runi-system"
CONFIGURATION = "/etc/containerd/config.toml"
RECORD = "/var/lib/runi/install.json"
# What the kubelet makes for the installer's mounts, and leaves. README.md of deploy/kubernetes says so.
LEFT = {"/opt/runi", "/var/lib/runi"}
# A containerd that does not come back while its configuration names runi.
REFUSAL = "[Service]\nExecStartPre=/bin/sh -c '! grep -q runtimes.runi /etc/containerd/config.toml'\n"


def without_default(case, configuration):
    """A configuration of containerd's without the key that names the default, and without the key's table, to which
    nothing can be added from elsewhere."""
    configuration = re.sub(r".*default_runtime_name = .*\n", "", configuration)
    configuration, found = re.subn(r" *\[[^\]\n]*\.containerd\]\n", "", configuration)
    case.assertEqual(found, 1)
    return configuration


class ByDaemonSet(NodeCase):
    """The overlay for the node's containerd, as an administrator applies it."""

    def setUp(self):
        super().setUp()
        # The other waits until the node lists its handlers, and has a policy. Not run here: this needs Kubernetes 1.30.
        lists_handlers = self.node.containerd >= 2 and self.cluster.minor >= 30
        self.name = "overlays/containerd" if lists_handlers else "overlays/containerd-1"
        self.overlay = manifests.render(self.name)
        self.import_installer()
        self.import_kubectl()
        self.cluster.apply(pod("bystander", DEAF, runtimeClassName=None))
        self.await_ready("bystander")
        self.bystander = self.identity("bystander")
        self.before = self.node.changes()

    def with_component(self, name):
        """The overlay and a component, as the guide has an administrator combine them."""
        folder = os.path.relpath(os.path.join(SOURCE, "deploy/kubernetes"), os.path.realpath(self.folder("kustomize")))
        with open(self.path("kustomize/kustomization.yaml"), "w", encoding="utf-8") as file:
            json.dump({"resources": [f"{folder}/{self.name}"], "components": [f"{folder}/components/{name}"]},
                      file)
        return manifests.render(self.path("kustomize"))

    def import_installer(self):
        build = os.path.dirname(os.path.dirname(built("RUNICTL")))
        machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        self.succeed(sys.executable, os.path.join(SOURCE, "hack/image"), f"--build={machine}={build}",
                     f"--output={self.path('installer')}")
        (archive,) = [name for name in os.listdir(self.path("installer")) if name.endswith(".tar")]
        self.node.import_image(self.path("installer", archive))

    def import_kubectl(self):
        """An image of this machine's kubectl, by the name that the manifests have for it."""
        root = self.folder("kubectl")
        program = manifests.kubectl()
        if "dispatcher" in self.succeed(program, "version", "--client"):
            self.skipTest(f"needs kubectl itself: {program} only chooses one by the server; RUNI_KUBECTL may name another")
        libraries = re.findall(r"(/\S+) \(0x", self.command("ldd", program).stdout.decode())  # none where it is static
        for source, place in [(program, "/bin/kubectl"), *((library, library) for library in libraries)]:
            os.makedirs(os.path.dirname(root + place), exist_ok=True)
            shutil.copy(source, root + place)
        (name,) = {container["image"] for container in manifests.containers_of(manifests.pod_of(self.overlay))
                   if "kubectl" in container["image"]}
        self.node.import_image(image.pack(self, root, name, {}))

    # What the cluster says.

    def apply(self, objects):
        self.cluster.apply({"apiVersion": "v1", "kind": "List", "items": objects})

    def in_namespace(self, *words, **keywords):
        return self.kubectl("--namespace", NAMESPACE, *words, **keywords)

    def installer(self):
        """The installer's pod; {} while there is none that is to stay."""
        pods = self.cluster.get("--namespace", NAMESPACE, "pods")
        return next((each for each in pods if "deletionTimestamp" not in each["metadata"]), {})

    def first_container(self):
        """What the kubelet says of the container that touches the host."""
        return (self.installer().get("status", {}).get("initContainerStatuses") or [{}])[0]

    def await_rollout(self):
        """Waits until the installer's pod is ready. A failure says what its containers said.

        The kubelet may take two minutes to end a pod whose init container rests after a failure.
        """
        done = self.command(*self.cluster.kubectl_argv("--namespace", NAMESPACE, "rollout", "status", "daemonset/runi",
                                                       "--timeout=300s"), timeout=330)
        if done.returncode != 0:
            said = self.installer().get("status", {})
            raise AssertionError(f"{done.stderr.decode()}{json.dumps(said, indent=1)}{self.node.journal('containerd')}")

    def await_failure(self):
        """Waits until the container that touches the host has failed, and rests. Returns its status and what it said."""
        def resting():
            container = self.first_container()
            is_resting = container.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
            return container["lastState"]["terminated"] if is_resting else None
        found = until(resting, "the installer to fail", 120)
        return found["exitCode"], found.get("message", "")

    def replace_installer(self):
        """Deletes the installer's pod and waits until there is another one."""
        old = self.installer()["metadata"]["name"]
        gone = self.command(*self.cluster.kubectl_argv("--namespace", NAMESPACE, "delete", "pod", old, "--timeout=150s"),
                            timeout=180)
        self.assertEqual(gone.returncode, 0, f"{gone.stderr.decode()}{self.node.journal('kubelet', 100)}")
        until(lambda: self.installer().get("metadata", {}).get("name", old) != old, "another installer", 60)

    def label(self):
        return self.cluster.get("node", NODE)["metadata"]["labels"].get("runi.dev/installed")

    def new_changes(self):
        """What is otherwise on the node than before anything was installed, and the record if there is one."""
        now = self.node.changes()
        record = self.node.read(RECORD) if RECORD in now else ""
        return {path: record if path == RECORD else now.get(path)
                for path in self.before.keys() | now.keys() if self.before.get(path) != now.get(path)}

    # What must hold at any time.

    def check_bystander(self):
        self.assertEqual(self.identity("bystander"), self.bystander)
        self.exec("bystander", "true")

    def check_installed(self):
        self.assertEqual(self.label(), "true")
        for command in ("installed", "check"):
            done = self.node.command("/opt/runi/sbin/runictl", command)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check_bystander()

    def check_removed(self):
        self.assertEqual(self.new_changes().keys() - LEFT, set(), self.new_changes())
        for folder in LEFT:
            if os.path.exists(self.node.path(folder)):
                self.assertEqual(os.listdir(self.node.path(folder)), [])
        self.assertIsNone(self.label())
        self.check_bystander()

    # The tests.

    def test_the_life_of_an_installation(self):
        self.apply(self.overlay)
        self.await_rollout()
        self.check_installed()
        self.run_pod("of-the-class", DEAF)
        self.assertEqual(self.exec("of-the-class", "cat", "/proc/1/comm").strip(), ".runi-init")
        identity, installed = self.identity("of-the-class"), self.node.changes()
        engine = self.node.main_pid("containerd")

        def is_as_it_was():
            self.check_installed()
            self.assertEqual(self.node.changes(), installed)
            self.assertEqual(self.node.main_pid("containerd"), engine)
            self.assertEqual(self.identity("of-the-class"), identity)

        def installer_s_pod_deleted():
            self.replace_installer()
            self.await_rollout()
            is_as_it_was()

        def installer_rolled():
            self.in_namespace("rollout", "restart", "daemonset/runi")
            self.await_rollout()
            is_as_it_was()

        def installation_damaged():
            os.remove(self.node.path(RECORD))
            os.remove(self.node.path("/opt/runi/sbin/runi"))
            self.assertNotEqual(self.node.command("/opt/runi/sbin/runictl", "installed").returncode, 0)
            self.replace_installer()
            self.await_rollout()
            self.check_installed()

        def removal_refused_while_pods_live():
            self.kubectl("delete", "runtimeclass", "runi")
            self.apply(manifests.render("overlays/uninstall"))
            until(lambda: self.first_container().get("name") == "uninstall", "the uninstaller", 60)
            status, said = self.await_failure()
            self.assertEqual((status, "of-the-class" in said), (3, True), said)
            self.check_installed()
            self.exec("of-the-class", "true")
            self.assertLess(self.seconds_to_end("of-the-class"), 5)
            self.kubectl("wait", "--for=delete", "pod/of-the-class", "--timeout=60s", timeout=90)

        def removal():
            self.replace_installer()  # which else tries again only after a while
            self.await_rollout()
            self.check_removed()

        def installed_again():
            self.apply(self.overlay)
            self.await_rollout()
            self.check_installed()
            self.run_pod("of-the-class-again", DEAF)
            self.assertLess(self.seconds_to_end("of-the-class-again"), 5)

        self.ask(installer_s_pod_deleted, installer_rolled, installation_damaged, removal_refused_while_pods_live, removal,
                 installed_again)

    def test_the_node_s_default_runtime(self):
        self.overlay = self.with_component("set-default")
        self.apply(self.overlay)
        status, said = self.await_failure()
        self.in_namespace("delete", "daemonset", "runi")  # no attempt may be under way while the node is looked at
        until(lambda: not self.installer(), "the installer to go", 60)
        self.assertEqual((status, "default_runtime_name is set here" in said), (3, True), said)
        self.assertEqual(self.new_changes().keys() - LEFT, set(), self.new_changes())

        self.node.write(CONFIGURATION, without_default(self, self.node.read(CONFIGURATION)))
        self.node.restart("containerd")
        self.before = self.node.changes()
        self.apply(self.overlay)
        self.await_rollout()
        self.check_installed()
        self.run_pod("any", DEAF, runtimeClassName=None)
        self.assertEqual(self.exec("any", "cat", "/proc/1/comm").strip(), ".runi-init")

        def the_installer_has_no_other_init():
            self.replace_installer()
            self.await_rollout()
            (hold,) = self.installer()["status"]["containerStatuses"]
            with open(f"/proc/{self.node.first_process(hold['containerID'].rpartition('/')[2])}/cmdline", "rb") as file:
                self.assertEqual(file.read().split(b"\0")[:2], [b"/usr/local/libexec/runi/runi-init", b"-P"])

        def removal_refused():
            """Every pod may need it: also those that it does not know of."""
            self.kubectl("delete", "runtimeclass", "runi")
            self.apply(manifests.render("overlays/uninstall"))
            until(lambda: self.first_container().get("name") == "uninstall", "the uninstaller", 60)
            status, said = self.await_failure()
            self.assertEqual((status, "of the handler's containers exist" in said), (3, True), said)
            self.exec("any", "true")

        def the_default_taken_back():
            self.apply(manifests.render(self.name))
            self.await_rollout()
            self.check_installed()
            self.run_pod("plain", DEAF, runtimeClassName=None)
            self.assertEqual(self.exec("plain", "cat", "/proc/1/comm").strip(), "sh")
            self.exec("any", "true")
            self.assertLess(self.seconds_to_end("any"), 5)
            self.kubectl("wait", "--for=delete", "pod/any", "--timeout=60s", timeout=90)

        def removal():
            self.kubectl("delete", "runtimeclass", "runi")
            self.apply(manifests.render("overlays/uninstall"))
            until(lambda: self.first_container().get("name") == "uninstall", "the uninstaller", 60)
            self.await_rollout()
            self.check_removed()
            self.kubectl("delete", "pod", "plain", "--timeout=60s", timeout=90)

        self.ask(the_installer_has_no_other_init, removal_refused, the_default_taken_back, removal)

    def test_an_engine_that_does_not_come_back(self):
        drop_in = "/etc/systemd/system/containerd.service.d/refusal.conf"
        self.node.write(drop_in, REFUSAL)
        self.node.succeed("systemctl", "daemon-reload")
        self.before = self.node.changes()
        self.apply(self.overlay)
        status, said = self.await_failure()
        # No attempt may be under way while the node is looked at.
        self.in_namespace("delete", "daemonset", "runi")
        until(lambda: not self.installer(), "the installer to go", 60)
        self.assertEqual((status, "containerd" in said), (1, True), said)
        self.node.await_containerd()
        self.assertEqual(self.new_changes().keys() - LEFT, set(), self.new_changes())
        self.assertIsNone(self.label())
        self.check_bystander()

        os.remove(self.node.path(drop_in))
        self.node.succeed("systemctl", "daemon-reload")
        self.apply(self.overlay)
        self.await_rollout()
        self.check_installed()


class OnTheNode(NodeCase):
    """runictl as a person or a package runs it on the node itself."""

    def setUp(self):
        super().setUp()
        self.cluster.apply(manifests.read("runtimeclass.yaml")[0])
        for variable, place in (("RUNI", "/usr/local/sbin/runi"), ("RUNICTL", "/usr/local/sbin/runictl"),
                                ("RUNI_INIT", "/usr/local/libexec/runi/runi-init")):
            os.makedirs(os.path.dirname(self.node.path(place)), exist_ok=True)
            shutil.copy(built(variable), self.node.path(place))
        self.before = self.node.changes()

    def runictl(self, *words, status=0):
        done = self.node.command("/usr/local/sbin/runictl", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_pods_outlive_a_removal_by_force(self):
        self.runictl("install")
        self.run_pod("runi", DEAF)
        configuration = self.node.read(CONFIGURATION)
        self.assertIn(b"runi", self.runictl("uninstall", status=3).stderr)
        self.assertEqual(self.node.read(CONFIGURATION), configuration)
        identity = self.identity("runi")
        self.runictl("uninstall", "--force")
        self.assertEqual(self.identity("runi"), identity)
        self.assertLess(self.seconds_to_end("runi"), 5)
        self.kubectl("wait", "--for=delete", "pod/runi", "--timeout=60s", timeout=90)
        self.assertNotIn("runi", self.node.read(CONFIGURATION))

    def test_the_node_s_default_runtime(self):
        configuration = self.node.read(CONFIGURATION)
        self.assertIn(b"default_runtime_name is set here", self.runictl("install", "--set-default", status=3).stderr)
        self.assertEqual(self.node.changes(), self.before)

        table = re.sub(r".*default_runtime_name = .*\n", "", configuration)
        self.node.write(CONFIGURATION, table)
        said = self.runictl("install", "--set-default", status=3).stderr
        self.assertIn(b"default_runtime_name belongs in this table", said)
        configuration = without_default(self, table)
        self.node.write(CONFIGURATION, configuration)
        self.before = self.node.changes()
        self.runictl("install", "--set-default")
        self.run_pod("any", DEAF, runtimeClassName=None)
        self.assertEqual(self.exec("any", "cat", "/proc/1/comm").strip(), ".runi-init")
        self.runictl("uninstall", status=3)
        self.kubectl("delete", "pod", "any", "--timeout=60s", timeout=90)
        self.runictl("uninstall")
        self.assertEqual(self.node.changes(), self.before)
        self.run_pod("plain", DEAF, runtimeClassName=None)
        self.assertEqual(self.exec("plain", "cat", "/proc/1/comm").strip(), "sh")
