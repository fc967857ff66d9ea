"""The control plane of a Kubernetes of one node: etcd, API server, controller manager and scheduler.

RUNI_KUBERNETES_BIN names the folder of Kubernetes' own programs. Tried: 1.20. What later versions ask for otherwise is
after their documentation, up to 1.36, and was not run. The rest is in Debian's etcd-server, kubernetes-client, iptables,
iproute2 and openssl. bed/kubernetes.py and bed/cluster_node.py add the node.
"""

import json
import os
import re
import unittest

from bed.case import built, need, until

NODE = "node1"
NODE_ADDRESS = "10.88.0.1"
SERVER = "https://127.0.0.1:6443"
SERVICES = "10.96.0.0/16"
SERVER_FOR_PODS = "10.96.0.1"  # the first of SERVICES: every pod is told so
TOKEN = "only-this-test-can-reach-the-server"
BUSYBOX_IMAGE = "docker.io/library/busybox:stable"  # what examples name; here it is the bed's image
CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")
NETWORK = {"cniVersion": "0.4.0", "name": "bed",
           "plugins": [{"type": "ptp", "ipam": {"type": "host-local", "subnet": "10.88.1.0/24",
                                                "routes": [{"dst": "0.0.0.0/0"}]}}]}
# Nothing that would need the machine's limits or disk to be arranged for a node.
KUBELET = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
           "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
           "authorization": {"mode": "AlwaysAllow"},
           "cgroupsPerQOS": True, "enforceNodeAllocatable": [], "oomScoreAdj": 0, "failSwapOn": False, "evictionHard": {},
           "imageGCHighThresholdPercent": 100}


class ControlPlane:
    """kubectl() speaks to it as the cluster's administrator."""

    def __init__(self, case, accounts=False):
        """accounts: whether pods have service accounts, whose tokens the API server takes, at its usual address."""
        folder = built("RUNI_KUBERNETES_BIN")
        self.programs = {name: os.path.join(folder, name) for name in
                         ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")}
        for program in self.programs.values():
            if not os.access(program, os.X_OK):
                raise unittest.SkipTest(f"needs {program}: RUNI_KUBERNETES_BIN names its folder")
        self.programs |= {name: need(name) for name in ("etcd", "kubectl", "openssl", "ip", "iptables")}
        self.case = case
        self.accounts = accounts
        version = case.succeed(self.programs["kubelet"], "--version")
        self.minor = int(re.fullmatch(r"Kubernetes v1\.(\d+)\..*\n", version)[1])
        self.kubeconfig = {
            "apiVersion": "v1", "kind": "Config", "current-context": "bed",
            "clusters": [{"name": "bed", "cluster": {"server": SERVER, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "administrator", "user": {"token": TOKEN}}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "administrator"}}]}

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

    def get(self, *words):
        """The object that a kubectl get prints, or a list's items."""
        found = json.loads(self.kubectl("get", "--output", "json", *words))
        return found["items"] if "items" in found else found

    def kubelet(self, socket, **keys):
        """Flags and configuration of a kubelet of this version, for an engine's socket. keys: more of the configuration."""
        flags = [f"--hostname-override={NODE}", f"--node-ip={NODE_ADDRESS}"]
        endpoint = f"unix://{socket}"
        configuration = KUBELET | keys
        if self.minor < 27:
            flags += ["--container-runtime=remote", f"--container-runtime-endpoint={endpoint}"]
        else:  # the first flag is gone, and the second deprecated
            configuration |= {"containerRuntimeEndpoint": endpoint}
        if self.minor >= 31:  # where the key begins; from 1.35 on it is true by default
            configuration |= {"failCgroupV1": False}
        return flags, configuration

    def start(self):
        path = self.case.path
        etcd = "http://127.0.0.1:2379"
        self._give_address()
        self.daemon("etcd", "--data-dir", path("etcd"), "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                    "--unsafe-no-fsync")
        self.case.succeed(self.programs["openssl"], "genpkey", "-algorithm", "RSA", "-out", path("accounts.key"))
        self.write("tokens.csv", f"{TOKEN},administrator,administrator,system:masters\n")
        self.write("kubeconfig", self.kubeconfig)
        self.daemon("kube-apiserver", f"--etcd-servers={etcd}", "--bind-address=0.0.0.0",
                    f"--advertise-address={NODE_ADDRESS}", "--secure-port=6443", f"--cert-dir={path('certificates')}",
                    f"--token-auth-file={path('tokens.csv')}", "--authorization-mode=RBAC", "--allow-privileged=true",
                    "--kubelet-preferred-address-types=InternalIP",
                    f"--service-account-key-file={path('accounts.key')}",
                    f"--service-account-signing-key-file={path('accounts.key')}",
                    "--service-account-issuer=https://kubernetes.default.svc", f"--service-cluster-ip-range={SERVICES}",
                    *([] if self.accounts else ["--disable-admission-plugins=ServiceAccount"]))
        self.await_success("the API server", "get", "--raw", "/readyz")
        # Kept from electing a leader, which takes seconds where there is only one candidate.
        self.daemon("kube-controller-manager", f"--kubeconfig={path('kubeconfig')}", "--leader-elect=false",
                    f"--service-account-private-key-file={path('accounts.key')}", "--use-service-account-credentials",
                    f"--root-ca-file={path('certificates/apiserver.crt')}",
                    f"--flex-volume-plugin-dir={path('plugins')}", f"--cert-dir={path('certificates')}")
        self.daemon("kube-scheduler", f"--kubeconfig={path('kubeconfig')}", "--leader-elect=false")

    def await_node(self):
        """Waits until pods can be made, and are scheduled to the node."""
        self.await_success("the node", "get", "node", NODE)
        self.kubectl("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=60s")
        # The scheduler goes by the taint, which the controller manager takes away a little later.
        until(lambda: "not-ready" not in self.kubectl("get", "node", NODE, "--output", "jsonpath={.spec.taints}"),
              "the node to take pods", 30)
        if self.accounts:
            self.await_success("the account of pods", "get", "serviceaccount", "default")

    def await_success(self, what, *words):
        until(lambda: self.case.command(*self.kubectl_argv(*words)).returncode == 0, what, 60)

    def daemon(self, name, *words):
        log = self.case.path(f"{name}.log")
        process = self.case.daemon([self.programs[name], *words], log)
        self.case.addCleanup(self._check, name, process, log)

    def write(self, name, content):
        """Makes a file below the case's scratch folder, of text or of an object as the API has it."""
        path = self.case.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))  # JSON is YAML

    def _give_address(self):
        ip = self.programs["ip"]
        self.case.succeed(ip, "link", "add", "node", "type", "bridge")
        self.case.succeed(ip, "address", "add", f"{NODE_ADDRESS}/24", "dev", "node")
        self.case.succeed(ip, "link", "set", "node", "up")
        if self.accounts:
            for chain in ("PREROUTING", "OUTPUT"):  # kube-proxy's work
                self.case.succeed(self.programs["iptables"], "--table", "nat", "--append", chain, "--protocol", "tcp",
                                  "--destination", SERVER_FOR_PODS, "--dport", "443",
                                  "--jump", "DNAT", "--to-destination", f"{NODE_ADDRESS}:6443")

    @staticmethod
    def _check(name, process, log):
        """A failed test's reason may stand in the log of a daemon that did not live to its end."""
        if process.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"{name} ended with {process.returncode}: {file.read()[-2000:]}")
