"""A container with a terminal feels to a person as it does without an init."""

from bed.bundle import Crun
from bed.case import RUNI, until
from bed.engine import all_pids, comm_of, state_of
from engines import WITH_INPUT, for_each_engine

CONTROL_C, CONTROL_Z, CONTROL_BACKSLASH = "\x03", "\x1a", "\x1c"
PROMPT = r"/ # "


@for_each_engine(*WITH_INPUT)
class Terminal:
    def test_what_is_typed_is_echoed_and_read(self):
        terminal = self.engine.terminal(RUNI, ["sh", "-c", "echo ready; exec cat"])
        terminal.expect("ready")  # what is typed earlier meets the terminal before the engine has set it up
        terminal.type("hello\n")
        terminal.expect(r"(?s)hello.*hello")
        terminal.type(CONTROL_C)
        self.assertEqual(terminal.wait(), 128 + 2)

    def test_keys_raise_each_signal_once(self):
        # The shell outlives the probe, until all is read: an engine may drop the last words of an application. (After
        # signals that were trapped, the read that is built into busybox 1.38's shell does not return.)
        script = "trap : INT QUIT; probe signals; status=$?; head -n 1; exit $status"
        terminal = self.engine.terminal(RUNI, ["sh", "-c", script])
        terminal.expect("ready")
        for _ in range(3):
            terminal.type(CONTROL_C)
            terminal.expect("signal 2 value 0")
        terminal.type(CONTROL_BACKSLASH)
        between = terminal.expect("(?s)(.*)signal 3 value 0").group(1)
        self.assertNotRegex(between, b"signal 2 value")
        terminal.type("\n")
        self.assertEqual(terminal.wait(), 3)

    def test_a_shell_has_job_control(self):
        terminal = self.engine.terminal(RUNI, ["sh"])
        terminal.expect(PROMPT)
        terminal.type("sleep 1000\n")
        terminal.expect("sleep 1000")
        self.await_foreground("sleep")
        terminal.type(CONTROL_Z)
        terminal.expect(r"\[1\]\+  Stopped +sleep 1000")
        terminal.expect(PROMPT)
        terminal.type("fg\n")
        terminal.expect("sleep 1000")
        self.await_foreground("sleep")
        terminal.type(CONTROL_C)
        terminal.expect(PROMPT)
        terminal.type("echo status $?\n")
        terminal.expect("status 130")
        terminal.type("exit 5\n")
        self.assertEqual(terminal.wait(), 5)

    def await_foreground(self, name):
        """Waits until a process of that name owns its terminal: a key pressed before that is the shell's."""
        until(lambda: any(in_foreground(pid) for pid in all_pids() if comm_of(pid) == name and state_of(pid) == "S"),
              f"{name} in the foreground of its terminal")


@for_each_engine(*(engine for engine in WITH_INPUT if engine is not Crun))
class Window:
    """Not for `crun run`, which leaves the size at 0 by 0."""

    def test_the_window_s_size_and_its_changes_arrive(self):
        terminal = self.engine.terminal(
            RUNI, ["sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 1000 & wait; done"])
        terminal.expect("ready")

        def seen():
            # Again and again: an engine may not listen yet when the first change comes.
            terminal.resize(39, 100)
            terminal.resize(40, 100)
            return terminal.find("40 100", 0.5)

        until(seen, "the window's new size")
        terminal.type(CONTROL_C)
        self.assertEqual(terminal.wait(), 128 + 2)


def in_foreground(pid):
    """Whether the process's group is its terminal's foreground group; fields 5 and 8 of /proc/PID/stat."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[2] == fields[5]
