"""containerd: a private daemon, used through ctr. bed/cri.py speaks to it as a kubelet does."""

import os
import shutil
import subprocess
import unittest

from bed.case import PLAIN, RUNI, need, until
from bed.engine import Engine, Finished, Started
from bed import image, shim
from bed.terminal import Terminal

CONFIGURATION = """
version = 2
{top}
root = "{scratch}/containerd/root"
state = "{scratch}/containerd/state"
[grpc]
  address = "{address}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{image}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "plain"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.plain]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.plain.options]
        BinaryName = "{plain}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runi]
      runtime_type = "io.containerd.runc.v2"
      pod_annotations = ["runi.dev/*", "*.runi.dev/*"]
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runi.options]
        BinaryName = "{runi}"
"""

# Each may name a containerd with its shim beside it. The installed one is asked after them.
NAMED = {"1.7": "RUNI_TEST_CONTAINERD17", "2": "RUNI_TEST_CONTAINERD2"}


def version_of(program):
    """What the program says of itself: the line, and the version in it."""
    line = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return line, line.split()[2].lstrip("v")


def containerd_of(series):
    """The path of a containerd 1.6, 1.7 or 2. Skips the test where there is none."""
    found = []
    for program in filter(None, (*map(os.environ.get, NAMED.values()), shutil.which("containerd"))):
        found.append(version_of(program)[1])
        if found[-1].startswith(series + "."):
            return program
    advice = f", and {NAMED[series]} names none" if series in NAMED else ""
    raise unittest.SkipTest(f"needs containerd {series}: found {', '.join(found) or 'none'}{advice}")


class Containerd:
    """The daemon, with the bed's image in `namespace` and the runtime handlers "plain" and "runi".

    more, top: lines to add to its configuration, at the end and in front of its tables. program: another containerd
    than the one that is installed; its shim is looked for beside it. start: starts it by its words, if not the
    case does.
    """

    def __init__(self, case, namespace, more="", top="", program=None, start=None):
        self.case = case
        self.namespace = namespace
        self.address = case.path("containerd.sock")
        self.ctr_program = need("ctr")
        program = program or need("containerd")
        real = need("runc")
        self.paths = {PLAIN: real, RUNI: shim.install(case, real)}
        with open(case.path("containerd.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(top=top, scratch=case.scratch, address=self.address, image=image.NAME,
                                            plain=self.paths[PLAIN], runi=self.paths[RUNI]) + more)
        argv = ["/usr/bin/env", f"PATH={os.path.dirname(program)}:{os.environ['PATH']}", program, "--config",
                case.path("containerd.toml")]
        self.process = start(argv) if start else case.daemon(argv, case.path("containerd.log"))
        until(lambda: case.command(*self.ctr("version")).returncode == 0, "containerd")
        case.succeed(*self.ctr("images", "import", image.archive(case)))

    def ctr(self, *words):
        return [self.ctr_program, "--address", self.address, "--namespace", self.namespace, *words]


class Ctr(Engine):
    """Containers made by ctr."""

    def __init__(self, case):
        super().__init__(case)
        self.containerd = Containerd(case, "bed")
        case.addCleanup(self._remove_all)

    def argv(self, *words):
        return self.containerd.ctr(*words)

    def run_argv(self, which, args, *flags, name="c"):
        return self.argv("run", "--rm", "--runtime", "io.containerd.runc.v2", "--runc-binary",
                         self.containerd.paths[which], "--cgroup", f"{self.case.cgroup}/c", *flags,
                         image.NAME, name, *args)

    def run(self, which, args, flags=(), name="c", **keywords):
        return Finished.of(self.case.command(*self.run_argv(which, args, *flags, name=name), **keywords))

    def start(self, which, args):
        return CtrStarted(self, which, args)

    def terminal(self, which, args):
        return Terminal(self.case, self.run_argv(which, args, "--tty"))

    def _remove_all(self):
        self.case.command(*self.argv("task", "kill", "--all", "--signal", "SIGKILL", "c"))
        self.case.command(*self.argv("task", "delete", "--force", "c"))
        self.case.command(*self.argv("container", "delete", "c"))


class CtrStarted(Started):
    def __init__(self, engine, which, args):
        super().__init__(engine.case)
        self.engine = engine
        self.out = engine.case.path("stdout")
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(engine.run_argv(which, args), stdin=subprocess.DEVNULL, stdout=out)
        engine.case.addCleanup(self._reap)
        self.pid = until(self._pid_when_running, "a running task")

    def _pid_when_running(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the container ended at once: {self.process.returncode}")
        for line in self.case.succeed(*self.engine.argv("task", "list")).splitlines():
            name, pid, status = (line.split() + ["", "", ""])[:3]
            if name == "c" and status == "RUNNING":
                return int(pid)
        return None

    def kill(self, signal):
        self.case.succeed(*self.engine.argv("task", "kill", "--signal", f"SIG{signal}", "c"))

    def wait(self, seconds=10):
        return self.process.wait(seconds)

    def output(self):
        with open(self.out, "rb") as out:
            return out.read()

    def _reap(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
