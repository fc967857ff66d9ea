"""What an application meets as PID 1 without an init, it meets behind one: who is shielded from which signal, what becomes
of a request when the container stops, its own process number, and signals although it has changed its user."""

import os
import shutil

from bed.case import PLAIN, RUNI, until
from bed.engine import signals_of, state_of
from engines import ALL, OCI, for_each_engine

STOPS = {2, 3, 15}
KILL, STOP, TERM = 9, 19, 15
# A server that takes its time to finish a request, behind a shell without a trap.
SERVER = """sh -c 'trap "sleep 0.5; echo served; exit 0" TERM; echo ready; while :; do sleep 0.05; done'
echo the shell goes on"""


def at_rest(pid):
    try:
        return state_of(pid) in ("S", "") and not signals_of(pid, "ShdPnd") | signals_of(pid, "SigPnd")
    except AssertionError:  # it has gone
        return True


@for_each_engine(*ALL)
class AsPid1:
    def survives(self, which, numbers):
        """Those of the signals, sent to PID 1 from outside one after another, that leave the application as it is."""
        container = self.engine.start(which, ["sleep", "1000"])
        application = container.await_process("sleep")
        survived = set()
        for number in numbers:
            os.kill(container.pid, number)
            until(lambda: not container.alive() or at_rest(container.pid), "the signal taken")
            until(lambda: not container.alive() or state_of(application) == "S", "the application at rest")
            if not container.alive():
                break
            survived.add(number)
        if container.alive():
            container.kill("KILL")
        container.wait()
        return survived

    def test_the_shield(self):
        numbers = [number for number in range(1, 65) if number not in (KILL, STOP)]
        self.assertEqual(self.survives(PLAIN, numbers), set(numbers))
        others = [number for number in numbers if number not in STOPS]
        self.assertEqual(self.survives(RUNI, others), set(others))
        for number in STOPS:
            self.assertEqual(self.survives(RUNI, [number]), set())

    def test_a_request_in_flight(self):
        container = self.engine.start(RUNI, ["sh", "-c", SERVER])
        until(lambda: b"ready" in container.output(), "a server")
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + TERM)
        self.assertIn(b"served", container.output())

    def test_a_loop_of_a_shell_ends_at_once(self):
        container = self.engine.start(RUNI, ["sh", "-c", "while :; do sleep 1000; done"])
        container.await_process("sleep")
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + TERM)

    def test_its_number_is_the_same_at_every_start(self):
        numbers = {self.engine.run(RUNI, ["sh", "-c", "echo $$"]).stdout for _ in range(8)}
        self.assertEqual(len(numbers), 1, numbers)
        self.assertIn(int(numbers.pop()), (2, 12))


@for_each_engine(*OCI)
class ChangedUser:
    SCRIPT = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"

    def ends(self, which, args, edit):
        container = self.engine.start(which, args, edit)
        until(lambda: b"ready" in container.output(), "the application")
        with open(f"/proc/{container.pid}/cmdline", "rb") as file:
            has_init = file.read().startswith(b"/dev/.runi-init")
        container.kill("TERM")
        return container.wait(), has_init

    def test_by_an_entry_point_without_the_capability_to_kill(self):
        def edit(spec):
            spec["process"]["capabilities"] = {kind: ["CAP_SETUID", "CAP_SETGID"]
                                               for kind in ("bounding", "effective", "permitted")}
        args = ["su", "user", "-c", self.SCRIPT]
        self.assertEqual(self.ends(PLAIN, args, edit), (7, False))
        self.assertEqual(self.ends(RUNI, args, edit), (7, True))

    def test_by_a_set_user_id_command(self):
        program = shutil.copy(os.path.join(self.engine.rootfs, "bin/probe"), os.path.join(self.engine.rootfs, "bin/become"))
        os.chmod(program, 0o4755)
        def edit(spec):
            spec["process"]["user"] = {"uid": 1000, "gid": 1000}
            spec["process"]["noNewPrivileges"] = False
        args = ["become", "become-root"]
        self.assertEqual(self.ends(PLAIN, args, edit), (7, False))
        self.assertEqual(self.ends(RUNI, args, edit), (7, False))

        def restricted(spec):  # so that it stays the user it is, and can be signalled
            edit(spec)
            spec["process"]["noNewPrivileges"] = True
        container = self.engine.start(RUNI, ["probe", "sleep"], restricted)
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + TERM)
