"""After many containers there is nothing that was not there before."""

import os
from concurrent.futures import ThreadPoolExecutor

from bed import bundle, leftovers
from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, until
from bed.engine import all_pids, comm_of
from bed.podman import Podman
from engines import for_each_engine

CYCLES = 200
AT_ONCE = 8


@for_each_engine(Runc, Crun)
class Leftovers:
    def test_create_start_kill_delete(self):
        self.assert_nothing_left("create", "start", "kill", "delete")

    def test_create_and_delete_without_a_start(self):
        self.assert_nothing_left("create", "delete")

    def assert_nothing_left(self, *verbs):
        self.cycle("warm-up", verbs, PLAIN)  # the runtime makes some things once: those are not runi's
        before = self.snapshot()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda number: self.cycle(f"c{number}", verbs), range(CYCLES)))
        self.assertEqual(leftovers.difference(before, self.snapshot()), {})

    def snapshot(self):
        # A runtime's last child may still be on its way out when the runtime itself has ended.
        until(lambda: not [pid for pid in all_pids() if comm_of(pid).startswith(("runc", "crun", "runi"))], "quiet")
        return leftovers.snapshot(self, *(self.path(name) for name in os.listdir(self.scratch) if name != "errors"))

    def cycle(self, name, verbs, which=RUNI):
        """One container through its life. Its bundle keeps nothing but its config.json."""
        engine = self.engine
        folder = bundle.make(self.path("bundles", name), engine.rootfs, ["sleep", "1000"], f"{self.cgroup}/{name}")
        for verb in verbs:
            words = {"create": ["create", "--bundle", folder, name], "start": ["start", name],
                     "kill": ["kill", name, "KILL"], "delete": ["delete", "--force", name]}[verb]
            log = self.path("errors")
            with open(log, "ab") as errors:  # a file: the container keeps it open longer than the runtime runs
                done = self.command(*engine.argv(which, *words), stdout=errors, stderr=errors)
            with open(log, encoding="utf-8") as errors:
                self.assertEqual(done.returncode, 0, f"{verb} {name}: {errors.read()}")
        os.remove(os.path.join(folder, "config.json"))
        os.rmdir(folder)  # fails, and the test with it, when anything else is there


@for_each_engine(Podman)
class Images:
    def test_nothing_is_added_to_the_container_s_layer(self):
        """`podman diff` and a commit show what the application wrote, and nothing else."""
        names = {}
        for which in (PLAIN, RUNI):
            container = self.engine.start(which, ["sh", "-c", "touch /mine; exec sleep 1000"])
            container.await_process("sleep")
            names[which] = self.engine.ask("diff", container.id).splitlines()
            self.engine.ask("rm", "--force", "--time", "0", container.id)
        self.assertIn("A /mine", names[PLAIN])
        self.assertEqual(sorted(names[RUNI]), sorted(names[PLAIN]))
