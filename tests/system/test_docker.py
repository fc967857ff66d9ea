"""What dockerd does with a container besides running it: --init, exec, health checks, restarts, stop."""

import time

from bed.case import PLAIN, RUNI, Case, until
from bed.docker import Docker
from bed.shim import INIT_IN_FRONT

PID_1 = ["sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; exit 3"]
SOON_S = 5  # dockerd itself waits 10 s before it uses SIGKILL


class DockerFeatures(Case):
    def setUp(self):
        super().setUp()
        self.engine = Docker(self)

    def inspect(self, container, format):
        return self.engine.ask("inspect", "--format", format, container.id)

    def assert_init(self, container, which):
        """PID 1 is the init in a container that was made through runi, and in no other."""
        with open(f"/proc/{container.pid}/cmdline", "rb") as file:
            self.assertEqual(file.read().startswith(b"/dev/.runi-init\0"), which == RUNI)

    def test_init_stays_docker_s(self):
        """Two inits would be one too many; docker's has been asked for."""
        plain, runi = (self.engine.run(which, PID_1, flags=["--init"]) for which in (PLAIN, RUNI))
        if plain.status != 3:
            self.skipTest(f"needs a docker-init: {plain.stderr.decode().strip()}")
        self.assertIn(b"docker-init", plain.stdout)
        self.assertEqual(runi, plain)

    def test_exec(self):
        for which in (PLAIN, RUNI):
            container = self.engine.start(which, ["sleep", "1000"])
            container.await_process("sleep")
            self.assert_init(container, which)
            done = self.command(*self.engine.argv("exec", "--interactive", "--env", "A=1", "--user", "1000",
                                                  container.id, "sh", "-c", "cat; echo $A; id -u; exit 37"), input=b"in\n")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (37, b"in\n1\n1000\n", b""), which)

    def test_a_health_check_that_leaves_orphans(self):
        """Each check orphans a process, as a shell that is killed for being late does. They must not pile up."""
        container = self.engine.start(RUNI, ["sleep", "1000"], flags=[
            "--health-cmd", "sh -c '(sleep 0.01 &) ; exit 0'", "--health-interval", "1s", "--health-start-period", "0s"])
        until(lambda: self.inspect(container, "{{.State.Health.Status}}") == "healthy", "a healthy container", 20)
        until(lambda: len(container.processes()) == 2, "the init and the application alone")
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + 15)

    def test_restart_policy(self):
        """It starts again after it fails: from the same bundle's description, with the init each time."""
        for which in (PLAIN, RUNI):
            container = self.engine.start(which, ["sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; echo; exit 3"],
                                          flags=["--restart", "on-failure:2"])
            until(lambda c=container: self.inspect(c, "{{.RestartCount}} {{.State.Status}}") == "2 exited", "two restarts", 30)
            self.assertEqual(self.inspect(container, "{{.State.ExitCode}}"), "3")
            lines = container.output().splitlines()
            self.assertEqual([line.startswith(INIT_IN_FRONT.replace(b"\0", b" ") + b"sh") for line in lines], [which == RUNI] * 3)

    def test_stop_start_restart_pause(self):
        container = self.engine.start(RUNI, ["sleep", "1000"])
        container.await_process("sleep")
        self.engine.ask("pause", container.id)
        self.engine.ask("unpause", container.id)
        for verb in ("restart", "stop"):
            container.pid = int(self.inspect(container, "{{.State.Pid}}"))
            container.await_process("sleep")  # a signal before the init's first instruction is nobody's
            began = time.monotonic()
            self.engine.ask(verb, container.id)
            self.assertLess(time.monotonic() - began, SOON_S)
        self.assertEqual(self.inspect(container, "{{.State.ExitCode}}"), str(128 + 15))
        self.engine.ask("start", container.id)
        container.pid = int(self.inspect(container, "{{.State.Pid}}"))
        container.await_process("sleep")
        self.assertEqual(len(container.processes()), 2)

    def test_diff_shows_nothing_of_it(self):
        changes = {}
        for which in (PLAIN, RUNI):
            container = self.engine.start(which, ["sh", "-c", "touch /mine; exec sleep 1000"])
            container.await_process("sleep")
            self.assert_init(container, which)
            changes[which] = sorted(self.engine.ask("diff", container.id).splitlines())
        self.assertIn("A /mine", changes[PLAIN])
        self.assertEqual(changes[RUNI], changes[PLAIN])

    def test_copy_and_top(self):
        container = self.engine.start(RUNI, ["sleep", "1000"])
        container.await_process("sleep")
        with open(self.path("file"), "w", encoding="utf-8") as file:
            file.write("content")
        self.engine.ask("cp", self.path("file"), f"{container.id}:/tmp/file")
        self.assertEqual(self.engine.ask("exec", container.id, "cat", "/tmp/file"), "content")
        self.assertEqual(len(self.engine.ask("top", container.id).splitlines()), 3)
