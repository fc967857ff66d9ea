"""runsc as the real runtime: there the init runs on a kernel that is not Linux."""

import json

from bed.bundle import Oci
from bed.case import PLAIN, RUNI, Case, until
from bed.shim import INIT_IN_FRONT
from test_facts import INIT_MOUNT, comparable, mount_of


class Runsc(Oci):
    """gVisor, on the platform that needs nothing of the machine."""

    program = "runsc"

    def argv(self, which, *words):
        return super().argv(which, "--platform=ptrace", "--network=none", "--ignore-cgroups", *words)


class Gvisor(Case):
    def setUp(self):
        super().setUp()
        self.engine = Runsc(self)
        control = self.engine.run(PLAIN, ["true"])
        if control.status != 0:
            self.skipTest(f"needs a machine on which runsc works: {control.stderr.decode(errors='replace').strip()}")

    def both(self, args, **options):
        return {which: self.engine.run(which, args, **options) for which in (PLAIN, RUNI)}

    def test_pid_1_is_the_init(self):
        args = ["sh", "-c", "cat /proc/1/cmdline; exit 3"]
        line = "\0".join(args).encode() + b"\0"
        done = self.both(args)
        self.assertEqual(done[PLAIN], (3, line, b""))
        self.assertEqual(done[RUNI], (3, INIT_IN_FRONT + line, b""))

    def test_an_application_sees_the_same(self):
        facts = {which: json.loads(done.stdout) for which, done in self.both(["probe", "facts"]).items()}
        self.assertEqual((facts[PLAIN]["pid"], facts[RUNI]["ppid"]), (1, 1))
        added = [mount for mount in map(mount_of, facts[RUNI]["mounts"]) if INIT_MOUNT.search(mount[1])]
        self.assertEqual([(mount[1], mount[2]) for mount in added], [("/dev/.runi-init", "ro")])
        self.assertEqual(comparable(facts[RUNI]), comparable(facts[PLAIN]))

    def test_output_and_statuses(self):
        for script, status in (("echo out; echo err >&2; exit 255", 255), ("kill -KILL $$; sleep 5", 137),
                               ("kill -TERM $$; sleep 5", 143)):
            with self.subTest(script):
                self.assertEqual(self.engine.run(RUNI, ["sh", "-c", script]).status, status)
        self.assertEqual(self.engine.run(RUNI, ["sh", "-c", "echo out; echo err >&2"]), (0, b"out\n", b"err\n"))
        self.assertEqual(self.engine.run(RUNI, ["cat"], input=b"in\n"), (0, b"in\n", b""))
        missing = self.both(["no-such-program"])
        self.assertNotEqual(missing[PLAIN].status, 0)
        self.assertEqual(missing[RUNI].status, missing[PLAIN].status)

    def test_orphans_are_reaped(self):
        for which, settle_ms, zombies in ((RUNI, "5000", 0), (PLAIN, "100", 100)):
            done = self.engine.run(which, ["probe", "orphans", "100", settle_ms])
            self.assertEqual(json.loads(done.stdout), {"orphans": 100, "zombies": zombies}, which)

    def test_signals_of_the_engine_reach_the_application(self):
        """create, start, kill, delete, as engines do it; the application has no handler and is no longer immune."""
        folder = self.engine.bundle(["sh", "-c", "cat /proc/1/cmdline; exec sleep 1000"])
        with open(self.path("stdout"), "wb") as out:
            self.assertEqual(self.command(*self.engine.argv(RUNI, "create", "--bundle", folder, "c"), stdout=out,
                                          stderr=out).returncode, 0)
        self.succeed(*self.engine.argv(RUNI, "start", "c"))
        until(lambda: self.read("stdout"), "the application")
        self.assertTrue(self.read("stdout").startswith(b"/dev/.runi-init\0"))
        self.succeed(*self.engine.argv(RUNI, "kill", "c", "TERM"))
        until(lambda: json.loads(self.succeed(*self.engine.argv(RUNI, "state", "c")))["status"] == "stopped", "its end")
        self.succeed(*self.engine.argv(RUNI, "delete", "c"))

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()
