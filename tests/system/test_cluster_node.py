"""runi on a Kubernetes node that is a machine of its own: systemd, containerd and kubelet, as bed/cluster_node.py boots it.

Each test boots a node, so each asks many questions of it. Needs RUNI_KUBERNETES_BIN and RUNI_NODE_ROOT.
"""

import os
import shutil

from bed.case import built, until
from bed.engine import comm_of
from bed.pods import DEAF, NodeCase, deployment, pod
from bed.terminal import Terminal

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/kubernetes")
HANDLER = """
# Added by hand, after deploy/containerd/runi-1.x.toml.
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runi]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["runi.dev/*", "*.runi.dev/*"]
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runi.options]
    BinaryName = "/usr/local/sbin/runi"
    SystemdCgroup = {by_systemd}
"""


class ByHand(NodeCase):
    """runi where an administrator put it, and a class for it."""

    def setUp(self):
        super().setUp()
        self.cluster.apply(os.path.join(DEPLOY, "runtimeclass.yaml"))
        self.place_programs()
        configuration = "/etc/containerd/config.toml"
        handler = HANDLER.format(by_systemd=str(self.node.cgroups_by_systemd).lower())
        self.node.write(configuration, self.node.read(configuration) + handler)
        self.node.restart("containerd")

    def place_programs(self):
        """Beside the place and by rename, as every installer does, so that what runs keeps its own."""
        for variable, place in (("RUNI", "/usr/local/sbin/runi"), ("RUNI_INIT", "/usr/local/libexec/runi/runi-init")):
            target = self.node.path(place)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(built(variable), f"{target}.new")
            os.rename(f"{target}.new", target)


class Pods(ByHand):
    """What pods do on such a node."""

    def test_sixty_pods(self):
        self.cluster.apply(deployment("many", 60, DEAF))
        self.kubectl("rollout", "status", "deployment/many", "--timeout=280s", timeout=300)
        self.assertEqual(len(self.node.inits()), 60)
        self.kubectl("delete", "deployment", "many", "--wait=false")
        until(lambda: not self.node.inits(), "sixty containers to end", 60)

    def test_deleting_a_pod_beside_runc(self):
        self.cluster.apply(pod("plain", DEAF, runtimeClassName=None))
        self.run_pod("runi", DEAF)
        self.await_ready("plain")
        self.assertLess(self.seconds_to_end("runi"), self.seconds_to_end("plain") / 3)
        self.kubectl("wait", "--for=delete", "pod/runi", "pod/plain", "--timeout=60s")

    def test_what_pods_do(self):
        self.node.write("/var/log/bed/order", "")
        self.start_pods()
        self.ask(self.rollout, self.exec_and_its_status, self.attach, self.exec_with_a_terminal, self.attach_to_a_terminal,
                 self.copying, self.readiness_and_what_probes_leave, self.hook_before_the_end, self.liveness,
                 self.out_of_memory, self.crash_loop)

    def start_pods(self):
        """All at once, as most of what they do takes its time."""
        probe = {"periodSeconds": 1, "timeoutSeconds": 10, "failureThreshold": 1}
        self.cluster.apply(deployment("web", 2, DEAF))
        for manifest in (
                pod("shell", ["sh", "-c", "while read line; do echo \"got $line\"; done; sleep 1000"],
                    container={"stdin": True}),
                pod("terminal", ["sh"], container={"stdin": True, "tty": True}, restartPolicy="Never"),
                pod("crashing", ["sh", "-c", "echo last words; exit 3"]),
                pod("hungry", ["sh", "-c", "a=0123456789abcdef; while :; do a=$a$a; done"], restartPolicy="Never",
                    container={"resources": {"limits": {"memory": "64Mi"}}}),
                pod("lively", ["sh", "-c", ">/alive; sleep 5; rm /alive; while :; do sleep 1; done"], container={
                    "livenessProbe": probe | {"initialDelaySeconds": 2, "exec": {"command": ["test", "-e", "/alive"]}}}),
                # Each probe leaves an orphan, as a script that times out does.
                pod("probed", DEAF, container={
                    "readinessProbe": probe | {"exec": {"command": ["sh", "-c", "sleep 0.1 & test -e /ready"]}}}),
                pod("hooked", ["sh", "-c", "trap 'echo TERM >>/log/order; exit' TERM; while :; do sleep 0.1; done"],
                    container={"volumeMounts": [{"name": "log", "mountPath": "/log"}],
                               "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo hook >>/log/order"]}}}},
                    volumes=[{"name": "log", "hostPath": {"path": "/var/log/bed"}}])):
            self.cluster.apply(manifest)
        self.await_ready("shell", "hooked", "terminal")

    def rollout(self):
        self.kubectl("rollout", "status", "deployment/web", "--timeout=60s", timeout=90)
        old = {entry["metadata"]["name"] for entry in self.cluster.get("pods", "--selector", "app=web")}
        self.kubectl("set", "env", "deployment/web", "VERSION=2")
        self.kubectl("rollout", "status", "deployment/web", "--timeout=60s", timeout=90)
        self.kubectl("wait", "--for=delete", *(f"pod/{name}" for name in old), "--timeout=60s", timeout=90)
        new = {entry["metadata"]["name"] for entry in self.cluster.get("pods", "--selector", "app=web")}
        self.assertEqual((len(new), new & old), (2, set()))

    def exec_and_its_status(self):
        self.assertEqual(self.exec("shell", "cat", "/proc/1/comm").strip(), ".runi-init")
        script = "echo out; echo err >&2; exit 7"
        done = self.command(*self.cluster.kubectl_argv("exec", "shell", "--", "sh", "-c", script))
        self.assertEqual((done.returncode, done.stdout), (7, b"out\n"))
        self.assertIn(b"err\n", done.stderr)

    def attach(self):
        done = self.command("sh", "-c", '(echo hello; sleep 2) | "$@"', "attach",
                            *self.cluster.kubectl_argv("attach", "--stdin", "shell"))
        self.assertIn(b"got hello\n", done.stdout)
        until(lambda: "got hello\n" in self.kubectl("logs", "shell"), "the log to have it too")

    def at_a_terminal(self, *words):
        return Terminal(self, self.cluster.kubectl_argv(*words), rows=41, columns=97)

    def check_shell(self, shell):
        """A person's shell: its window, and the foreground job that ends by Control-C while the shell goes on."""
        shell.type("echo I can $((20 + 22)); cat /proc/1/comm\n")
        shell.expect(r"(?s)I can 42.*\.runi-init", 30)
        shell.resize(33, 77)
        shell.type("until [ \"$(stty size)\" = '33 77' ]; do sleep 0.1; done; echo re''sized\n")
        shell.expect("resized", 30)
        shell.type("echo st''arted; sleep 1000; echo not so\n")
        shell.expect("started", 30)
        shell.type("\x03")
        shell.type("echo st''ill here\n")
        shell.expect("still here", 30)

    def exec_with_a_terminal(self):
        shell = self.at_a_terminal("exec", "-it", "shell", "--", "sh")
        self.check_shell(shell)
        shell.type("exit 7\n")
        self.assertEqual(shell.wait(30), 7, shell.seen)

    def attach_to_a_terminal(self):
        """As the container's own process, it has the init between it and PID 1's place."""
        shell = self.at_a_terminal("attach", "-it", "terminal")
        self.check_shell(shell)
        shell.type("exit 7\n")
        shell.wait(30)
        self.assertEqual(self.await_reason("terminal", "state.terminated", "Error")["exitCode"], 7)

    def copying(self):
        content = os.urandom(1 << 20)
        with open(self.path("there"), "wb") as file:
            file.write(content)
        self.kubectl("cp", self.path("there"), "shell:/tmp/copy")
        self.kubectl("cp", "shell:/tmp/copy", self.path("back"))
        with open(self.path("back"), "rb") as file:
            self.assertEqual(file.read(), content)

    def readiness_and_what_probes_leave(self):
        self.assertFalse(self.container("probed")["ready"])
        self.exec("probed", "touch", "/ready")
        self.await_ready("probed")
        states = self.exec("probed", "sh", "-c", "sleep 0.5; cat /proc/[0-9]*/stat").splitlines()
        self.assertEqual([line for line in states if line.rpartition(")")[2].split()[0] == "Z"], [])

    def hook_before_the_end(self):
        self.kubectl("delete", "pod", "hooked", "--timeout=60s", timeout=90)
        self.assertEqual(self.node.read("/var/log/bed/order"), "hook\nTERM\n")

    def liveness(self):
        ended = self.await_reason("lively", "lastState.terminated", "Error")
        self.assertEqual(ended["exitCode"], 128 + 15)  # and not by KILL, after the grace period

    def out_of_memory(self):
        self.assertEqual(self.await_reason("hungry", "state.terminated", "OOMKilled")["exitCode"], 128 + 9)

    def crash_loop(self):
        self.await_reason("crashing", "state.waiting", "CrashLoopBackOff")
        self.assertEqual(self.container("crashing")["lastState"]["terminated"]["exitCode"], 3)
        self.assertIn("last words", self.kubectl("logs", "--previous", "crashing"))


class Changes(ByHand):
    """What happens to the node while pods run."""

    def await_service(self):
        """The kubelet syncs all its pods before it starts one that is new."""
        self.run_pod("new", DEAF)
        self.kubectl("delete", "pod", "new", "--timeout=60s", timeout=90)

    def test_pods_outlive_restarts_and_an_upgrade(self):
        self.cluster.apply(pod("other", DEAF))
        self.run_pod("old", DEAF)
        self.await_ready("other")
        before = self.identity("old")

        def is_the_same():
            self.await_service()
            self.assertEqual(self.identity("old"), before)
            self.assertEqual(self.exec("old", "cat", "/proc/1/comm").strip(), ".runi-init")

        def containerd_restarted():
            self.node.restart("containerd")
            is_the_same()

        def containerd_killed():
            killed = self.node.main_pid("containerd")
            self.node.succeed("kill", "-KILL", str(killed))
            until(lambda: self.node.main_pid("containerd") not in (0, killed), "systemd to start containerd", 30)
            self.node.await_containerd()
            is_the_same()

        def kubelet_restarted():
            self.node.restart("kubelet")
            is_the_same()

        def runi_upgraded():
            program = os.stat(f"/proc/{before[2]}/exe")
            self.place_programs()
            is_the_same()
            self.assertTrue(os.path.samestat(os.stat(f"/proc/{before[2]}/exe"), program))
            self.run_pod("newer", DEAF)
            self.assertFalse(os.path.samestat(os.stat(f"/proc/{self.pid('newer')}/exe"), program))

        def deleting():
            for name in ("old", "newer"):
                self.assertLess(self.seconds_to_end(name), 5)

        self.ask(containerd_restarted, containerd_killed, kubelet_restarted, runi_upgraded, deleting)

    def test_a_broken_configuration_stops_starts_only(self):
        self.run_pod("running", DEAF)
        place = "/usr/local/etc/runi/config.json"
        self.node.write(place, '{"inject": "allways"}')
        self.cluster.apply(pod("waiting", DEAF))
        message = f'runi: configuration {place}: /inject: expected "always" or "annotated" or "never", found "allways"'
        until(lambda: message in self.kubectl("describe", "pod", "waiting"), "the pod's events to say so", 60)
        self.exec("running", "true")
        self.assertLess(self.seconds_to_end("running"), 5)
        os.remove(self.node.path(place))
        self.await_ready("waiting")

    def test_the_node_s_default_runtime(self):
        self.cluster.apply(pod("before", DEAF, runtimeClassName=None))
        self.await_ready("before")
        configuration = "/etc/containerd/config.toml"
        changed = self.node.read(configuration).replace('default_runtime_name = "runc"', 'default_runtime_name = "runi"')
        self.node.write(configuration, changed)
        self.node.restart("containerd")
        self.cluster.apply(pod("host", DEAF, runtimeClassName=None, hostPID=True))
        self.cluster.apply(pod("shared", DEAF, runtimeClassName=None, shareProcessNamespace=True))
        self.run_pod("after", DEAF, runtimeClassName=None)
        self.await_ready("host", "shared")
        self.assertEqual({name: comm_of(self.pid(name)) for name in ("before", "after", "host", "shared")},
                         {"before": "sh", "after": ".runi-init", "host": "sh", "shared": "sh"})
        self.assertEqual(len(self.node.inits()), 1)  # and no sandbox has one
        self.exec("before", "true")
        self.assertLess(self.seconds_to_end("after"), 5)
