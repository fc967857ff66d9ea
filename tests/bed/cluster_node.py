"""A Kubernetes node that is a machine of its own: systemd, containerd and kubelet in one container, as kind makes it.

RUNI_NODE_ROOT names its root directory (hack/node-root), which stays as it is: all that a node writes is in an overlay
that goes with the test. The control plane (bed/control_plane.py) runs beside the node and shares its network.
"""

import contextlib
import hashlib
import json
import os
import re
import stat
import subprocess
import unittest

from bed import image
from bed.case import built, need, until
from bed.control_plane import BUSYBOX_IMAGE, CNI_FOLDERS, NETWORK, NODE, NODE_ADDRESS, ControlPlane
from bed.engine import all_pids

# Debian's file, with what an administrator adds for a kubelet that uses systemd's cgroups.
CONTAINERD = """version = 2

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "{image}"
    restrict_oom_score_adj = true  # this machine has no CAP_SYS_RESOURCE
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "{cni}"
      conf_dir = "/etc/cni/net.d"
    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "runc"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
          SystemdCgroup = {by_systemd}
  [plugins."io.containerd.internal.v1.opt"]
    path = "/var/lib/containerd/opt"
"""

KUBELET_UNIT = """[Unit]
Description=kubelet
Wants=containerd.service
After=containerd.service

[Service]
ExecStart=/usr/local/bin/kubelet --config=/etc/kubernetes/kubelet.yaml --kubeconfig=/etc/kubernetes/kubeconfig {flags}
Restart=always
RestartSec=1
KillMode=process
"""

# Only what a node is about; and nothing that would set what all of the machine shares.
TARGET = """[Unit]
Requires=basic.target
Wants=containerd.service {kubelet}
After=basic.target
AllowIsolate=yes
"""
MASKED = (
    "systemd-sysctl.service", "systemd-modules-load.service", "systemd-random-seed.service", "systemd-logind.service",
    "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-networkd.service", "systemd-timesyncd.service",
    "systemd-remount-fs.service", "systemd-update-utmp.service", "kmod-static-nodes.service", "ldconfig.service",
    "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
    "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount")

# $1: the root directory; $2: the terminal that is its console; then the hierarchies of cgroups. Runs in fresh namespaces.
BOOT = """set -e
root=$1 console=$2
shift 2
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
for hierarchy; do
  mkdir "$root/sys/fs/cgroup/$hierarchy"
  case $hierarchy in systemd) options=none,name=systemd ;; *) options=$hierarchy ;; esac
  mount -t cgroup -o "$options" cgroup "$root/sys/fs/cgroup/$hierarchy"
done
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty kmsg; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "$root/dev/${stream#*:}"; done
touch "$root/dev/console"
mount --bind "$console" "$root/dev/console"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
cd "$root"
pivot_root . mnt
cd /
umount -l /mnt
mount --make-rshared /
exec env -i container=oci PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  /lib/systemd/systemd --unit=node.target systemd.unified_cgroup_hierarchy=0 \\
  systemd.legacy_systemd_cgroup_controller=1 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
"""
# Not of an overlay, which cannot hold the images' overlays, and not looked at by changes().
OWN_FOLDERS = ("var/lib/containerd", "var/lib/kubelet", "var/log", "var/lib/cni")


class ClusterNode:
    """The booted machine. With a control plane it becomes its node, ready for pods."""

    def __init__(self, case, control_plane=None):
        self.case = case
        self.lower = built("RUNI_NODE_ROOT")
        if not os.path.exists(os.path.join(self.lower, "lib/systemd/systemd")):
            raise unittest.SkipTest(f"needs a node's root: there is no systemd in {self.lower}; see hack/node-root")
        need("nsenter")
        version = case.succeed("chroot", self.lower, "containerd", "--version")
        self.containerd = int(re.search(r" v?(\d+)\.\d+\.", version)[1])  # 1 or 2
        # Of version 1, as here, systemd 257 takes the first sandbox's process out of its devices' group again, which
        # containerd 1.7 then takes for a leak: pods would not outlive its restart.
        version = case.succeed("chroot", self.lower, "systemctl", "--version")
        self.cgroups_by_systemd = int(re.match(r"systemd (\d+)", version)[1]) < 256
        self.control_plane = control_plane
        if control_plane and self.containerd >= 2 and control_plane.minor < 23:
            raise unittest.SkipTest(f"needs a kubelet of 1.23 or later, for CRI v1 of containerd {self.containerd}: "
                                    f"it is 1.{control_plane.minor}")
        self._assemble()
        self._configure()
        self._boot()
        self.import_image(image.archive(case))
        self.succeed("ctr", "--namespace", "k8s.io", "images", "tag", image.NAME, BUSYBOX_IMAGE)
        if control_plane:
            with self._telling("kubelet"):
                control_plane.await_node()

    # What tests do with it.

    def argv(self, *words):
        """The command, inside."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--", *words]

    def command(self, *words, **keywords):
        return self.case.command(*self.argv(*words), **keywords)

    def succeed(self, *words, **keywords):
        return self.case.succeed(*self.argv(*words), **keywords)

    def path(self, name):
        """Where a file of the node is seen from here, in whatever file system it lies there."""
        return f"/proc/{self.pid}/root/{name.lstrip('/')}"

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def restart(self, unit):
        """Restarts a service and waits until it serves again."""
        self.succeed("systemctl", "restart", unit, timeout=120)
        if unit == "containerd":
            self.await_containerd()

    def await_containerd(self):
        with self._telling("containerd"):
            until(lambda: self.command("ctr", "version").returncode == 0, "containerd", 60)

    def import_image(self, archive):
        """Gives the kubelet the images of an archive."""
        with open(archive, "rb") as file:
            self.succeed("ctr", "--namespace", "k8s.io", "images", "import", "-", input=file.read())

    def journal(self, unit, lines=50):
        return self.succeed("journalctl", "--no-pager", "--quiet", "--lines", str(lines), "--unit", unit)

    def main_pid(self, unit):
        """Of a service's main process, as numbered inside."""
        return int(self.succeed("systemctl", "show", "--property=MainPID", "--value", unit))

    def tasks(self):
        """What containerd keeps of each container that runs: {id: folder}, as seen from here."""
        folder = self.path("run/containerd/io.containerd.runtime.v2.task/k8s.io")
        return {name: os.path.join(folder, name) for name in os.listdir(folder)} if os.path.exists(folder) else {}

    def first_process(self, container):
        """The pid of a container's first process, as numbered here."""
        with open(os.path.join(self.tasks()[container], "init.pid"), encoding="ascii") as file:
            inside = file.read().strip()
        for pid in all_pids():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8") as file:
                numbers = next(line.split()[1:] for line in file if line.startswith("NSpid:"))
                if numbers[1:2] == [inside]:
                    return pid
        raise AssertionError(f"the first process of {container} has gone")

    def inits(self):
        """The pids, as numbered here, of the node's processes whose program is runi's init."""
        found = []
        for pid in all_pids():
            with contextlib.suppress(OSError):
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith(("runi-init", ".runi-init")):
                    found.append(pid)
        return found

    def changes(self):
        """What the node has of its own on its disk, beside what its services keep: {path: facts}.

        Two of these are equal if nothing was left behind and nothing taken away. Times are not compared.
        """
        found = {}
        for top, folders, files in os.walk(self.upper):
            inside = os.path.relpath(top, self.upper)
            folders[:] = [name for name in folders if os.path.normpath(os.path.join(inside, name)) not in OWN_FOLDERS]
            for name in folders + files:
                path = os.path.normpath(os.path.join(inside, name))
                now = _facts(os.path.join(self.root, path))
                if now != _facts(os.path.join(self.lower, path)):
                    found[f"/{path}"] = now
        return found

    # How it comes to be.

    def _assemble(self):
        """The overlay, and below it the folders that are not part of it."""
        self.root, self.upper, work = (self.case.folder("node", name) for name in ("root", "upper", "work"))
        os.chmod(self.upper, 0o755)
        self.case.succeed("mount", "-t", "overlay", "-o", f"lowerdir={self.lower},upperdir={self.upper},workdir={work}",
                          "overlay", self.root)
        self.case.addCleanup(self.case.command, "umount", "--recursive", "--lazy", self.root)
        for folder in OWN_FOLDERS:
            os.makedirs(os.path.join(self.root, folder), exist_ok=True)
            self.case.succeed("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", os.path.join(self.root, folder))

    def _configure(self):
        put = self._put
        cni = next((folder for folder in CNI_FOLDERS if os.path.exists(f"{self.root}{folder}/ptp")), None)
        if cni is None:
            raise unittest.SkipTest(f"needs CNI's plugins: no ptp in {' or '.join(CNI_FOLDERS)} of {self.lower}")
        put("etc/machine-id", f"{self.case.cgroup[6:]:0>32}\n")
        put("etc/hostname", f"{NODE}\n")
        put("etc/hosts", f"127.0.0.1 localhost\n{NODE_ADDRESS} {NODE}\n")
        put("etc/resolv.conf", "nameserver 127.0.0.1\n")
        put("etc/containerd/config.toml", CONTAINERD.format(
            image=image.NAME, cni=cni, by_systemd=str(self.cgroups_by_systemd).lower()))
        put("etc/cni/net.d/10-bed.conflist", json.dumps(NETWORK))
        put("etc/systemd/system/node.target", TARGET.format(kubelet="kubelet.service" if self.control_plane else ""))
        for unit in MASKED:
            with contextlib.suppress(FileExistsError):
                os.symlink("/dev/null", os.path.join(self.root, "etc/systemd/system", unit))
        if self.control_plane:
            self._configure_kubelet()

    def _configure_kubelet(self):
        program = self.control_plane.programs["kubelet"]
        self._put("usr/local/bin/kubelet", "")
        self.case.succeed("mount", "--bind", program, os.path.join(self.root, "usr/local/bin/kubelet"))
        flags, configuration = self.control_plane.kubelet(
            "/run/containerd/containerd.sock", cgroupDriver="systemd" if self.cgroups_by_systemd else "cgroupfs",
            resolvConf="/etc/resolv.conf", maxPods=200,
            kubeAPIQPS=100, kubeAPIBurst=200, syncFrequency="10s")
        self._put("etc/systemd/system/kubelet.service", KUBELET_UNIT.format(flags=" ".join(flags)))
        self._put("etc/kubernetes/kubeconfig", json.dumps(self.control_plane.kubeconfig))
        self._put("etc/kubernetes/kubelet.yaml", json.dumps(configuration))

    def _boot(self):
        hierarchies = self._make_cgroups()
        master, console = os.openpty()
        self.case.addCleanup(os.close, console)
        with open(self.case.path("console.log"), "wb") as log:
            reader = subprocess.Popen(["cat"], stdin=master, stdout=log)
        self.case.addCleanup(reader.wait)
        self.case.addCleanup(reader.kill)
        os.close(master)
        inside = [f"/sys/fs/cgroup/{name}{self.case.cgroup}/node/cgroup.procs" for name in hierarchies]
        enter = "for group in " + " ".join(inside) + '; do echo $$ >"$group" || exit; done; exec "$@"'
        unshare = ["unshare", "--cgroup", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL",
                   "--uts", "--ipc", "sh", "-c", BOOT, "boot", self.root, os.ttyname(console), *hierarchies]
        log = self.case.path("boot.log")
        process = self.case.daemon(["sh", "-c", enter, "enter", *unshare], log)
        try:
            self.pid = until(lambda: _systemd_below(process), "systemd", 30)
            until(lambda: self.command("systemctl", "is-system-running").stdout.strip() in (b"running", b"degraded"),
                  "systemd to have started its units", 60)
        except AssertionError as failed:
            raise AssertionError(f"{failed}: {_end_of(log)} {_end_of(self.case.path('console.log'))}") from None
        self.await_containerd()

    def _make_cgroups(self):
        """One group in every hierarchy of version 1; returns the hierarchies' names."""
        hierarchies = [name for name in sorted(os.listdir("/sys/fs/cgroup"))
                       if os.path.exists(f"/sys/fs/cgroup/{name}/cgroup.clone_children")]
        if "systemd" not in hierarchies or "memory" not in hierarchies:
            raise unittest.SkipTest("needs cgroups of version 1: no hierarchies systemd and memory in /sys/fs/cgroup")
        for name in hierarchies:
            parent = f"/sys/fs/cgroup/{name}"
            for folder in (f"{parent}{self.case.cgroup}", f"{parent}{self.case.cgroup}/node"):
                os.makedirs(folder, exist_ok=True)
                if name == "cpuset":
                    for file in ("cpuset.cpus", "cpuset.mems"):
                        with open(f"{parent}/{file}", encoding="ascii") as source, \
                                open(f"{folder}/{file}", "w", encoding="ascii") as target:
                            target.write(source.read())
        return hierarchies

    def _put(self, name, text):
        """Before there is a process whose root it is."""
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(path):
            os.remove(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    @contextlib.contextmanager
    def _telling(self, unit):
        """Adds to a failure what the service said last."""
        try:
            yield
        except AssertionError as failed:
            raise AssertionError(f"{failed}\n{self.journal(unit)}") from None


def node_with_control_plane(case):
    """Returns both, ready for pods."""
    control_plane = ControlPlane(case, accounts=True)
    built("RUNI_NODE_ROOT")
    control_plane.start()
    return ClusterNode(case, control_plane), control_plane


def _systemd_below(unshare):
    """The pid of systemd, once the child of unshare(1) has become it."""
    if unshare.poll() is not None:
        raise AssertionError(f"the boot ended with {unshare.returncode}")
    for pid in all_pids():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            name, _, rest = file.read().partition("(")[2].rpartition(")")
            if name == "systemd" and int(rest.split()[1]) == unshare.pid:
                return pid
    return None


def _facts(path):
    """Kind, owner and content of what is at a path; nothing of what is not there."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    owner = (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    if stat.S_ISLNK(status.st_mode):
        return (*owner, os.readlink(path))
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return (*owner, hashlib.sha256(file.read()).hexdigest())
    return owner


def _end_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()[-2000:]
