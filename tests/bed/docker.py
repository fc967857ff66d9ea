"""dockerd with state of its own."""

import os

from bed.case import PLAIN, RUNI, need, until
from bed.engine import Engine, Finished, Started
from bed import image, shim
from bed.terminal import Terminal


class Docker(Engine):
    def __init__(self, case):
        super().__init__(case)
        dockerd, self.docker = need("dockerd"), need("docker")
        need("containerd")
        real = need("runc")
        self.socket = case.path("docker.sock")
        self.environment = os.environ | {"HOME": case.folder("home")}
        path = case.path
        process = case.daemon(
            [dockerd, "--host", f"unix://{self.socket}", "--data-root", path("docker"), "--exec-root", path("exec"),
             "--pidfile", path("docker.pid"), "--bridge", "none", "--iptables=false", "--ip6tables=false",
             "--config-file", self._configuration(),
             "--add-runtime", f"plain={real}", "--add-runtime", f"runi={shim.install(case, real)}"],
            path("dockerd.log"))
        until(lambda: process.poll() is not None or case.command(*self.argv("version")).returncode == 0, "dockerd", 20)
        if process.returncode is not None:
            with open(path("dockerd.log"), encoding="utf-8") as log:
                raise AssertionError(f"dockerd ended: {log.read()[-2000:]}")
        case.addCleanup(self._remove_all)
        case.succeed(*self.argv("load", "--quiet", "--input", image.archive(case)), env=self.environment)

    def _configuration(self):
        with open(self.case.path("daemon.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        return self.case.path("daemon.json")

    def argv(self, *words):
        return [self.docker, "--host", f"unix://{self.socket}", *words]

    def run_argv(self, which, *words):
        return self.argv("run", "--runtime", {PLAIN: "plain", RUNI: "runi"}[which], "--network", "none",
                         "--hostname", "bed", "--cgroup-parent", self.case.cgroup, *words)

    def run(self, which, args, flags=(), **keywords):
        interactive = ["--interactive"] if "input" in keywords else []
        return Finished.of(self.case.command(
            *self.run_argv(which, "--rm", *interactive, *flags, image.NAME, *args),
            env=self.environment, **keywords))

    def start(self, which, args, flags=()):
        return DockerStarted(self, which, args, flags)

    def terminal(self, which, args):
        return Terminal(self.case, self.run_argv(which, "--rm", "--interactive", "--tty", image.NAME, *args))

    def user_option(self, uid, gid):
        return {"flags": ["--user", f"{uid}:{gid}"]}

    def ask(self, *words):
        """What a docker command prints, stripped."""
        return self.case.succeed(*self.argv(*words), env=self.environment).strip()

    def _remove_all(self):
        for container in self.ask("ps", "--all", "--quiet").split():
            self.ask("rm", "--force", container)


class DockerStarted(Started):
    def __init__(self, engine, which, args, flags):
        super().__init__(engine.case)
        self.engine = engine
        self.id = engine.case.succeed(*engine.run_argv(which, "--detach", *flags, image.NAME, *args),
                                      env=engine.environment).strip()
        self.pid = int(engine.ask("inspect", "--format", "{{.State.Pid}}", self.id))

    def kill(self, signal):
        self.engine.ask("kill", "--signal", signal, self.id)

    def wait(self, seconds=10):
        done = self.case.command(*self.engine.argv("wait", self.id), env=self.engine.environment, timeout=seconds)
        return int(done.stdout)

    def output(self):
        return self.engine.ask("logs", self.id).encode()
