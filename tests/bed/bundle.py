"""OCI bundles, and the runtimes that take them on the command line: runc, crun, and runi in front of either."""

import copy
import json
import os
import subprocess

from bed.case import PLAIN, RUNI, need, until
from bed.engine import Engine, Finished, Started
from bed import rootfs, shim
from bed.terminal import Terminal

CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"]

SPEC = {
    "ociVersion": "1.0.2",
    "process": {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "env": ["PATH=/bin", "TERM=xterm", "GREETING=hello world"],
        "cwd": "/",
        "capabilities": {kind: CAPABILITIES for kind in ("bounding", "effective", "permitted")},
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs"},
    "hostname": "bed",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ],
    "linux": {
        "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}


def make(folder, root, args, cgroup=None, edit=None):
    """Writes folder/config.json for args over the root filesystem and returns folder.

    edit(spec), where given, changes the specification before it is written.
    """
    spec = copy.deepcopy(SPEC)
    spec["process"]["args"] = list(args)
    spec["root"]["path"] = root
    if cgroup:
        spec["linux"]["cgroupsPath"] = cgroup
    if edit:
        edit(spec)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file, indent=1)
    return folder


def make_rootless(spec, uid):
    """Changes a specification so that a user without privileges can run it: this one, who is root in the container."""
    linux = spec["linux"]
    linux["namespaces"] = [{"type": kind} for kind in ("user", "pid", "ipc", "uts", "mount")]
    for kind in ("uidMappings", "gidMappings"):
        linux[kind] = [{"containerID": 0, "hostID": uid, "size": 1}]
    del linux["resources"]
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["destination"] not in ("/sys", "/dev/pts")]


class Oci(Engine):
    """A runtime used by hand: `runtime --root … run`. Subclasses say which."""

    program = None

    def __init__(self, case):
        super().__init__(case)
        real = need(self.program)
        self.paths = {PLAIN: real, RUNI: shim.install(case, real)}
        self.state = case.folder("state")
        self.rootfs = rootfs.make(case.folder("rootfs"))
        case.addCleanup(self._delete_all)

    def argv(self, which, *words):
        return [self.paths[which], "--root", self.state, *words]

    def bundle(self, args, name="bundle", edit=None):
        return make(self.case.path(name), self.rootfs, args, f"{self.case.cgroup}/{name}", edit)

    def run(self, which, args, edit=None, preserve_fds=0, **keywords):
        folder = self.bundle(args, edit=edit)
        extra = ["--preserve-fds", str(preserve_fds)] if preserve_fds else []
        return Finished.of(self.case.command(*self.argv(which, "run", "--bundle", folder, *extra, "c"), **keywords))

    def start(self, which, args, edit=None):
        return OciStarted(self, which, self.bundle(args, edit=edit))

    def terminal(self, which, args):
        def with_terminal(spec):
            spec["process"]["terminal"] = True
        folder = self.bundle(args, edit=with_terminal)
        return Terminal(self.case, self.argv(which, "run", "--bundle", folder, "c"))

    def user_option(self, uid, gid):
        def edit(spec):
            spec["process"]["user"] = {"uid": uid, "gid": gid}
        return {"edit": edit}

    def _delete_all(self):
        for container in os.listdir(self.state):
            self.case.command(*self.argv(PLAIN, "delete", "--force", container))


class OciStarted(Started):
    def __init__(self, engine, which, folder):
        super().__init__(engine.case)
        self.engine = engine
        self.which = which
        self.out, self.err = engine.case.path("stdout"), engine.case.path("stderr")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(engine.argv(which, "run", "--bundle", folder, "c"),
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        engine.case.addCleanup(self._reap)
        self.pid = until(self._pid_when_running, "a running container")

    def _pid_when_running(self):
        if self.process.poll() is not None:
            with open(self.err, encoding="utf-8") as err:
                raise AssertionError(f"the container ended at once: {self.process.returncode}: {err.read()}")
        state = self.case.command(*self.engine.argv(PLAIN, "state", "c"))
        if state.returncode != 0:
            return None
        state = json.loads(state.stdout)
        return state["pid"] if state["status"] == "running" else None

    def kill(self, signal):
        self.case.succeed(*self.engine.argv(self.which, "kill", "c", signal))

    def wait(self, seconds=10):
        return self.process.wait(seconds)

    def output(self):
        with open(self.out, "rb") as out:
            return out.read()

    def _reap(self):
        if self.process.poll() is None:
            self.case.command(*self.engine.argv(PLAIN, "kill", "c", "KILL"))
            self.process.wait(10)


class Runc(Oci):
    program = "runc"


class Crun(Oci):
    program = "crun"
