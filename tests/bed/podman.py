"""podman with storage of its own."""

import os

from bed.case import PLAIN, RUNI, need, until
from bed.engine import Engine, Finished, Started
from bed import image, shim
from bed.terminal import Terminal


class Podman(Engine):
    """podman over runc; Podman over crun is PodmanCrun."""

    program = "runc"

    def __init__(self, case):
        super().__init__(case)
        self.podman = need("podman")
        need("conmon")
        real = need(self.program)
        self.paths = {PLAIN: real, RUNI: shim.install(case, real)}
        self.environment = os.environ | {"HOME": case.folder("home"), "XDG_RUNTIME_DIR": case.folder("home/run"),
                                         "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}
        case.addCleanup(self._remove_all)
        case.succeed(*self.argv(PLAIN, "load", "--quiet", "--input", image.archive(case)), env=self.environment)

    def argv(self, which, *words):
        path = self.case.path
        return [self.podman, "--root", path("storage"), "--runroot", path("runroot"), "--tmpdir", path("tmp"),
                "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--events-backend", "file",
                "--runtime", self.paths[which], *words]

    def run_argv(self, which, *words):
        # conmon lowers nproc, and where the machine grants less than podman's default, raising it is refused.
        return self.argv(which, "run", "--network", "none", "--hostname", "bed", *self.cgroup_flags(),
                         "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", *words)

    def cgroup_flags(self):
        return ["--cgroup-parent", self.case.cgroup]

    def run(self, which, args, flags=(), **keywords):
        interactive = ["--interactive"] if "input" in keywords else []
        return Finished.of(self.case.command(
            *self.run_argv(which, "--rm", *interactive, *flags, image.NAME, *args),
            env=self.environment, **keywords))

    def start(self, which, args, flags=()):
        return PodmanStarted(self, which, args, flags)

    def terminal(self, which, args):
        return Terminal(self.case, self.run_argv(which, "--rm", "--interactive", "--tty", image.NAME, *args))

    def user_option(self, uid, gid):
        return {"flags": ["--user", f"{uid}:{gid}"]}

    def ask(self, *words):
        """What a podman command prints, stripped."""
        return self.case.succeed(*self.argv(PLAIN, *words), env=self.environment).strip()

    def _remove_all(self):
        self.case.command(*self.argv(PLAIN, "rm", "--all", "--force", "--time", "0"), env=self.environment)
        self.case.command("umount", self.case.path("storage", "overlay"))


class PodmanCrun(Podman):
    program = "crun"


class PodmanStarted(Started):
    def __init__(self, engine, which, args, flags):
        super().__init__(engine.case)
        self.engine = engine
        self.which = which
        self.id = engine.case.succeed(*engine.run_argv(which, "--detach", *flags, image.NAME, *args),
                                      env=engine.environment).strip()
        self.pid = int(until(lambda: engine.ask("inspect", "--format", "{{.State.Pid}}", self.id), "a pid"))

    def kill(self, signal):
        self.engine.ask("kill", "--signal", signal, self.id)

    def wait(self, seconds=10):
        done = self.case.command(*self.engine.argv(self.which, "wait", self.id), env=self.engine.environment,
                                 timeout=seconds)
        return int(done.stdout)

    def output(self):
        return self.engine.ask("logs", self.id).encode()
