"""A Kubernetes of one node, without a machine for it: a kubelet over the bed's containerd, and bed/control_plane.py.

Needs what that needs, and Debian's conntrack and containernetworking-plugins.
"""

import json
import os
import subprocess
import unittest

from bed import image
from bed.case import need
from bed.containerd import Containerd
from bed.control_plane import BUSYBOX_IMAGE, CNI_FOLDERS, NETWORK, ControlPlane

CONTAINERD_CNI = """
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{programs}"
  conf_dir = "{configuration}"
"""


class Kubernetes(ControlPlane):
    """The cluster, its node ready."""

    def __init__(self, case):
        super().__init__(case)
        need("conntrack")
        self._furnish()
        self.containerd = Containerd(case, "k8s.io", self._network())
        case.succeed(*self.containerd.ctr("images", "tag", image.NAME, BUSYBOX_IMAGE))
        self.start()
        self._start_kubelet()

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
        """Makes fresh folders where the kubelet has its fixed paths."""
        for folder in ("/var/lib", "/var/log"):
            self.case.succeed("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
            self.case.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)

    def _network(self):
        """The pods' network, and the lines by which containerd finds it."""
        programs = next((folder for folder in CNI_FOLDERS if os.path.exists(os.path.join(folder, "ptp"))), None)
        if programs is None:
            raise unittest.SkipTest(f"needs CNI's plugins: no ptp in {' or '.join(CNI_FOLDERS)}")
        self.write("cni/10-bed.conflist", NETWORK)
        return CONTAINERD_CNI.format(programs=programs, configuration=self.case.path("cni"))

    def _start_kubelet(self):
        path = self.case.path
        flags, configuration = self.kubelet(self.containerd.address, cgroupDriver="cgroupfs", cgroupRoot=self._cgroup_root(),
                                            resolvConf="/etc/resolv.conf", volumePluginDir=path("plugins"))
        self.write("kubelet.yaml", configuration)
        self.daemon("kubelet", f"--config={path('kubelet.yaml')}", f"--kubeconfig={path('kubeconfig')}", *flags)
        self.await_node()

    def _cgroup_root(self):
        """The kubelet wants it there, in every hierarchy."""
        for hierarchy in os.listdir("/sys/fs/cgroup"):
            if os.path.exists(f"/sys/fs/cgroup/{hierarchy}/cgroup.procs"):
                os.makedirs(f"/sys/fs/cgroup/{hierarchy}{self.case.cgroup}", exist_ok=True)
        return self.case.cgroup
