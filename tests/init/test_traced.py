"""Applications and orphans that ask their parent to trace them (PTRACE_TRACEME), which as a rule is how programs find out
whether a debugger is there. The kernel neither reaps those by itself, nor lets them go on after a signal."""

import os
import signal
import unittest

from container import Case, children_of, eventually, needs_root, quiet, status_of
from test_sandbox import WHO

WAYS = {"the kernel reaps": [], "the init reaps": ["-w"]}


@needs_root
class Traced(Case):
    def test_is_allowed_as_without_an_init_and_ends_as_it_ends(self):
        for way, options in WAYS.items():
            for who, setup in WHO.items():
                with self.subTest(way, who=who):
                    container = self.app("traced-exit", "7", options=options, setup=setup)
                    self.assertEqual(container.wait(), 7)
                    self.assertRaisesRegex(AssertionError, "ended after b''", container.out.next)

    def test_orphans_leave_no_zombie(self):
        for way, options in WAYS.items():
            with self.subTest(way):
                container = self.recorder("traced-orphans", "5", options=options, setup=WHO["a user"])
                container.signal(signal.SIGUSR1)
                self.assertEqual(container.out.next(), "made")
                eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")

    def test_a_stop_for_the_tracer_is_no_end(self):
        for name, options in (("the init reaps", ["-w"]), ("-S", ["-S", "TERM"]), ("-S, the init reaps", ["-w", "-S", "TERM"])):
            with self.subTest(name):
                container = self.recorder("traced", options=options)
                self.assertEqual(status_of(container.application())["TracerPid"], str(container.pid))
                container.signal(signal.SIGUSR1)
                self.assertEqual(container.out.next(), "got 10")
                eventually(lambda: status_of(container.application())["TracerPid"] == "0", "an application that is not traced")
                container.signal(signal.SIGTERM)
                self.assertEqual(container.out.next(), "got 15")
                eventually(lambda: quiet(container.pid), "the init at rest")
                self.assertFalse(container.has_ended())
                os.kill(container.application(), signal.SIGKILL)
                self.assertEqual(container.wait(), 137)


if __name__ == "__main__":
    unittest.main()
