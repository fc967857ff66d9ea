"""What annotations change, seen from the application in a real container."""

import json
import os

from bed.bundle import Crun, Runc
from bed.case import RUNI, Case, until
from bed.cri import Cri, CriStarted
from bed.podman import Podman
from bed.shim import INIT_IN_FRONT
from engines import for_each_engine

NAME = "io.kubernetes.container.name"
SAYS_WHICH = ["sh", "-c", "trap 'exit 41' QUIT; trap 'exit 42' TERM; echo up; while :; do sleep 0.1; done"]
# Ends at once; what it leaves behind has something to do first when told to stop.
STRAGGLER = ("(trap 'sleep 0.5; echo done; exit' TERM; >/dev/shm/ready; while :; do sleep 0.1; done) & "
             "until [ -e /dev/shm/ready ]; do sleep 0.05; done; exit 7")


@for_each_engine(Runc, Crun, Podman)
class Annotations:
    def options(self, annotations):
        """How the engine at hand is told of annotations. podman 4 would take a comma in one for its end."""
        if isinstance(self.engine, Podman):
            return {"flags": [word for key, value in annotations.items() for word in ("--annotation", f"{key}={value}")]}

        def edit(spec):
            spec["annotations"] = annotations
        return {"edit": edit}

    def status_after_term(self, args, annotations):
        container = self.engine.start(RUNI, args, **self.options(annotations))
        if args is SAYS_WHICH:
            until(lambda: b"up" in container.output(), "the traps")
        else:
            container.await_process(args[0])
        container.kill("TERM")
        return container.wait()

    def test_signals_are_rewritten(self):
        self.assertEqual(self.status_after_term(SAYS_WHICH, {}), 42)
        self.assertEqual(self.status_after_term(SAYS_WHICH, {"runi.dev/signals": "TERM:QUIT"}), 41)

    def test_a_container_s_own_count_more(self):
        own = {NAME: "app", "app.runi.dev/signals": "TERM:QUIT", "runi.dev/signals": "TERM:0"}
        self.assertEqual(self.status_after_term(SAYS_WHICH, own), 41)

    def test_an_expected_exit_is_a_success(self):
        self.assertEqual(self.status_after_term(["sleep", "1000"], {}), 128 + 15)
        self.assertEqual(self.status_after_term(["sleep", "1000"], {"runi.dev/expect-exit": "143"}), 0)

    def test_grace_lets_a_straggler_finish(self):
        for annotations, output in (({}, b""), ({"runi.dev/grace": "20"}, b"done\n")):
            done = self.engine.run(RUNI, ["sh", "-c", STRAGGLER], **self.options(annotations))
            self.assertEqual((done.status, done.stdout), (7, output))

    def test_what_does_not_count_harms_nothing(self):
        done = self.engine.run(RUNI, ["cat", "/proc/1/cmdline"], **self.options(
            {"runi.dev/signals": "/etc:QUIT", "runi.dev/sources": "/etc", "runi.dev/grace": "4"}))
        self.assertEqual((done.status, done.stdout),
                         (0, INIT_IN_FRONT.replace(b"--\0", b"-t\0004\0--\0") + b"cat\0/proc/1/cmdline\0"))


class Pods(Case):
    def setUp(self):
        super().setUp()
        self.cri = Cri(self)

    def started(self, pod, name, args):
        return CriStarted(self.cri, pod[0], self.cri.container(pod, args, name=name), name)

    def test_the_pod_s_are_for_all_its_containers_and_a_container_s_own_for_one(self):
        pod = self.cri.pod(RUNI, annotations={
            "runi.dev/signals": "TERM:QUIT", "runi.dev/grace": "20", "helper.runi.dev/signals": "",
            "sleeper.runi.dev/expect-exit": "131", "absent.runi.dev/colour": "red"})
        for name, args, status in (("app", SAYS_WHICH, 41), ("helper", SAYS_WHICH, 42), ("sleeper", ["sleep", "1000"], 0)):
            container = self.started(pod, name, args)
            if args is SAYS_WHICH:
                until(lambda c=container: os.path.exists(c.log) and b"up" in c.output(), "the traps")
            else:
                container.await_process("sleep")
            self.cri.stop(container.id, 30)
            self.assertEqual(container.wait(), status, name)

    def test_one_container_of_a_pod_can_decline(self):
        pod = self.cri.pod(RUNI, annotations={"helper.runi.dev/init": "false"})
        for name, first in (("app", INIT_IN_FRONT), ("helper", b"sleep\0")):
            container = self.started(pod, name, ["sleep", "1000"])
            found = self.cri.exec(container.id, "cat", "/proc/1/cmdline").stdout
            self.assertTrue(found.startswith(first), found)

    def test_a_refusal_is_what_the_user_reads(self):
        import grpc  # not before Cri has skipped the test where it is missing
        with open(self.runi_configuration, encoding="utf-8") as file:
            settings = json.load(file)
        with open(self.runi_configuration, "w", encoding="utf-8") as file:
            json.dump(settings | {"onFailure": "fail"}, file)
        pod = self.cri.pod(RUNI, annotations={"bad.runi.dev/grace": "5m"})
        self.started(pod, "good", ["sleep", "1000"])
        with self.assertRaises(grpc.RpcError) as raised:
            self.started(pod, "bad", ["sleep", "1000"])
        self.assertIn('annotation "bad.runi.dev/grace": expected whole seconds, 0 to 86400, found "5m"',
                      raised.exception.details().replace('\\"', '"'))
