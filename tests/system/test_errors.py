"""Who breaks something is told so, in runi's own words and by the engine at hand; and what runs can still be ended."""

import json

from bed import shim
from bed.bundle import Oci
from bed.case import RUNI, until
from bed.containerd import Ctr
from bed.cri import Cri
from engines import ALL, for_each_engine

NO_INIT = "/nonexistent/runi-init"
BROKEN = '{"runtime": "RUNTIME", "inject": '  # cut off half-way; RUNTIME stands for the real one's path


@for_each_engine(*ALL)
class Errors:
    def refusal(self):
        """Asks for one more container and returns what the engine's user is told."""
        if isinstance(self.engine, Cri):
            import grpc  # not before Cri has skipped the test where it is missing
            with self.assertRaises(grpc.RpcError) as raised:
                self.engine.run(RUNI, ["true"])
            return raised.exception.details()
        options = {"name": "another"} if isinstance(self.engine, Ctr) else {}  # the others find a name themselves
        done = self.engine.run(RUNI, ["true"], **options)
        self.assertNotEqual(done.status, 0)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def configure(self, text):
        """Gives runi another configuration, with RUNTIME in it replaced."""
        with open(self.runi_configuration, encoding="utf-8") as file:
            runtime = json.load(file)["runtime"]
        shim.configure(self, text.replace("RUNTIME", runtime))

    def test_a_broken_configuration_is_what_the_user_reads(self):
        self.configure('{"runtime": "RUNTIME", "inject": "allways"}')
        self.assertIn(f'runi: configuration {self.runi_configuration}: /inject: '
                      'expected "always" or "annotated" or "never", found "allways"', self.refusal())

    def test_a_missing_init_is_what_the_user_reads(self):
        self.configure(f'{{"runtime": "RUNTIME", "onFailure": "fail", "init": {{"path": "{NO_INIT}"}}}}')
        self.assertIn(f"runi: init {NO_INIT}: open: No such file or directory", self.refusal())

    def test_a_missing_runtime_is_what_the_user_reads(self):
        self.configure('{"runtime": "/nonexistent/runc"}')
        self.assertIn("runi: runtime /nonexistent/runc: No such file or directory", self.refusal())

    def test_what_runs_can_be_ended_under_a_broken_configuration(self):
        if isinstance(self.engine, Oci):
            return self.end_by_hand()
        container = self.engine.start(RUNI, ["sleep", "1000"])
        container.await_process("sleep")
        self.configure(BROKEN)
        self.assertIn("not JSON", self.refusal())
        self.end(container)
        self.assertFalse(container.alive())

    def end(self, container):
        """Stops and removes it as the engine's user would."""
        if isinstance(self.engine, Cri):
            self.engine.stop(container.id, 10)
            self.assertEqual(container.wait(), 128 + 15)
            self.engine.runtime.RemoveContainer(self.engine.api.Container(container_id=container.id))
            return
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + 15)
        if isinstance(self.engine, Ctr):  # `ctr run --rm` has removed it, or would not have returned that status
            self.assertEqual(self.succeed(*self.engine.argv("task", "list", "--quiet")), "")
        else:
            self.engine.ask("rm", container.id)

    def end_by_hand(self):
        def ask(*words):
            return self.succeed(*self.engine.argv(RUNI, *words))
        bundle = self.engine.bundle(["sleep", "1000"], "running")
        # The container would hold on to a pipe.
        done = self.command(*self.engine.argv(RUNI, "create", "--bundle", bundle, "running"), stdout=None, stderr=None)
        self.assertEqual(done.returncode, 0)
        ask("start", "running")
        self.configure(BROKEN)
        self.assertIn("not JSON", self.refusal())
        self.assertEqual(json.loads(ask("state", "running"))["status"], "running")
        ask("kill", "running", "KILL")
        until(lambda: json.loads(ask("state", "running"))["status"] == "stopped", "the container to end")
        ask("delete", "running")
        self.assertEqual(ask("list", "--quiet"), "")
