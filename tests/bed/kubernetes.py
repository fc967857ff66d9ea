"""A Kubernetes of one node: etcd, API server, controller manager, scheduler, and a kubelet over the bed's containerd.

RUNI_KUBERNETES_BIN names the folder of Kubernetes' own programs (tried: 1.20). The rest is in Debian's etcd-server,
kubernetes-client, conntrack, iptables, iproute2, openssl and containernetworking-plugins.
"""

import json
import os
import subprocess
import unittest

from bed import image
from bed.case import built, need, until
from bed.containerd import Containerd

NODE = "node1"
NODE_ADDRESS = "10.88.0.1"
SERVER = "https://127.0.0.1:6443"
TOKEN = "only-this-test-can-reach-the-server"
CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")
BUSYBOX_IMAGE = "docker.io/library/busybox:stable"  # what examples name; here it is the bed's image

CONTAINERD_CNI = """
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{programs}"
  conf_dir = "{configuration}"
"""


class Kubernetes:
    """The cluster, its node ready. kubectl() speaks to it as its administrator."""

    def __init__(self, case):
        folder = built("RUNI_KUBERNETES_BIN")
        self.programs = {name: os.path.join(folder, name) for name in
                         ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")}
        for program in self.programs.values():
            if not os.access(program, os.X_OK):
                raise unittest.SkipTest(f"needs {program}: RUNI_KUBERNETES_BIN names its folder")
        self.programs |= {name: need(name) for name in ("etcd", "kubectl", "openssl", "ip", "iptables", "conntrack")}
        self.case = case
        self._furnish()
        self.containerd = Containerd(case, "k8s.io", self._network())
        case.succeed(*self.containerd.ctr("images", "tag", image.NAME, BUSYBOX_IMAGE))
        self._start_control_plane()
        self._start_kubelet()

    def kubectl(self, *words, **keywords):
        """What a kubectl command prints."""
        return self.case.succeed(*self.kubectl_argv(*words), **keywords)

    def kubectl_argv(self, *words):
        return [self.programs["kubectl"], "--kubeconfig", self.case.path("kubeconfig"), *words]

    def apply(self, manifest):
        """manifest: the path of a file, or an object as the API has it."""
        if isinstance(manifest, str):
            self.kubectl("apply", "--filename", manifest)
        else:
            self.kubectl("apply", "--filename", "-", input=json.dumps(manifest).encode())

    def bundles(self, pod):
        """The bundles that the node's runtime holds of a pod by name: {container's name, "" of the sandbox: folder}."""
        tasks = self.case.path("containerd/state/io.containerd.runtime.v2.task/k8s.io")
        found = {}
        for name in os.listdir(tasks):
            annotations = self.specification(os.path.join(tasks, name))["annotations"]
            if annotations["io.kubernetes.cri.sandbox-name"] == pod:
                found[annotations.get("io.kubernetes.cri.container-name", "")] = os.path.join(tasks, name)
        return found

    @staticmethod
    def specification(bundle):
        with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
            return json.load(file)

    @staticmethod
    def pid(bundle):
        """Of the container's first process, as numbered here."""
        with open(os.path.join(bundle, "init.pid"), encoding="utf-8") as file:
            return int(file.read())

    def _furnish(self):
        """Gives the node an address, and fresh folders where the kubelet has its fixed paths."""
        for folder in ("/var/lib", "/var/log"):
            self.case.succeed("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
            self.case.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        ip = self.programs["ip"]
        self.case.succeed(ip, "link", "add", "node", "type", "bridge")
        self.case.succeed(ip, "address", "add", f"{NODE_ADDRESS}/24", "dev", "node")
        self.case.succeed(ip, "link", "set", "node", "up")

    def _network(self):
        """The pods' network, and the lines by which containerd finds it."""
        programs = next((folder for folder in CNI_FOLDERS if os.path.exists(os.path.join(folder, "ptp"))), None)
        if programs is None:
            raise unittest.SkipTest(f"needs CNI's plugins: no ptp in {' or '.join(CNI_FOLDERS)}")
        self._write("cni/10-bed.conflist", {
            "cniVersion": "0.4.0", "name": "bed",
            "plugins": [{"type": "ptp", "ipam": {"type": "host-local", "subnet": "10.88.1.0/24",
                                                 "routes": [{"dst": "0.0.0.0/0"}]}}]})
        return CONTAINERD_CNI.format(programs=programs, configuration=self.case.path("cni"))

    def _start_control_plane(self):
        path = self.case.path
        etcd = "http://127.0.0.1:2379"
        self._daemon("etcd", "--data-dir", path("etcd"), "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                     "--unsafe-no-fsync")
        self.case.succeed(self.programs["openssl"], "genpkey", "-algorithm", "RSA", "-out", path("accounts.key"))
        self._write("tokens.csv", f"{TOKEN},administrator,administrator,system:masters\n")
        self._write("kubeconfig", {
            "apiVersion": "v1", "kind": "Config", "current-context": "bed",
            "clusters": [{"name": "bed", "cluster": {"server": SERVER, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "administrator", "user": {"token": TOKEN}}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "administrator"}}]})
        self._daemon("kube-apiserver", f"--etcd-servers={etcd}", "--bind-address=127.0.0.1",
                     f"--advertise-address={NODE_ADDRESS}", "--secure-port=6443", f"--cert-dir={path('certificates')}",
                     f"--token-auth-file={path('tokens.csv')}", "--authorization-mode=RBAC",
                     f"--service-account-key-file={path('accounts.key')}",
                     f"--service-account-signing-key-file={path('accounts.key')}",
                     "--service-account-issuer=https://kubernetes.default.svc",
                     "--service-cluster-ip-range=10.96.0.0/16", "--disable-admission-plugins=ServiceAccount")
        self._await("the API server", "get", "--raw", "/readyz")
        # Kept from electing a leader, which takes seconds where there is only one candidate.
        self._daemon("kube-controller-manager", f"--kubeconfig={path('kubeconfig')}", "--leader-elect=false",
                     f"--service-account-private-key-file={path('accounts.key')}",
                     f"--flex-volume-plugin-dir={path('plugins')}", f"--cert-dir={path('certificates')}")
        self._daemon("kube-scheduler", f"--kubeconfig={path('kubeconfig')}", "--leader-elect=false")

    def _start_kubelet(self):
        path = self.case.path
        self._write("kubelet.yaml", {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            # Nothing that would need the machine's limits or disk to be arranged for a node.
            "cgroupDriver": "cgroupfs", "cgroupsPerQOS": True, "cgroupRoot": self._cgroup_root(),
            "enforceNodeAllocatable": [], "oomScoreAdj": 0, "failSwapOn": False, "evictionHard": {},
            "imageGCHighThresholdPercent": 100, "resolvConf": "/etc/resolv.conf", "volumePluginDir": path("plugins")})
        help_text = self.case.command(self.programs["kubelet"], "--help").stdout
        remote = ["--container-runtime=remote"] if b"--container-runtime " in help_text else []  # until 1.26
        self._daemon("kubelet", f"--config={path('kubelet.yaml')}", f"--kubeconfig={path('kubeconfig')}", *remote,
                     f"--container-runtime-endpoint=unix://{self.containerd.address}", f"--hostname-override={NODE}",
                     f"--node-ip={NODE_ADDRESS}")
        self._await("the node", "get", "node", NODE)
        self.kubectl("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=60s")
        # The scheduler goes by the taint, which the controller manager takes away a little later.
        until(lambda: "not-ready" not in self.kubectl("get", "node", NODE, "--output", "jsonpath={.spec.taints}"),
              "the node to take pods", 30)

    def _cgroup_root(self):
        """The kubelet wants it there, in every hierarchy."""
        for hierarchy in os.listdir("/sys/fs/cgroup"):
            if os.path.exists(f"/sys/fs/cgroup/{hierarchy}/cgroup.procs"):
                os.makedirs(f"/sys/fs/cgroup/{hierarchy}{self.case.cgroup}", exist_ok=True)
        return self.case.cgroup

    def _daemon(self, name, *words):
        log = self.case.path(f"{name}.log")
        process = self.case.daemon([self.programs[name], *words], log)
        self.case.addCleanup(self._check, name, process, log)

    @staticmethod
    def _check(name, process, log):
        """A failed test's reason may stand in the log of a daemon that did not live to its end."""
        if process.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"{name} ended with {process.returncode}: {file.read()[-2000:]}")

    def _await(self, what, *words):
        until(lambda: self.case.command(*self.kubectl_argv(*words)).returncode == 0, what, 60)

    def _write(self, name, content):
        path = self.case.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))  # JSON is YAML
