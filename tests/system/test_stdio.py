"""Input, output and errors pass through untouched."""

import os

from bed.case import PLAIN, RUNI
from engines import ALL, WITH_INPUT, for_each_engine


@for_each_engine(*WITH_INPUT)
class Input:
    def test_a_megabyte_through_cat_is_byte_identical(self):
        data = os.urandom(1 << 20)
        done = self.engine.run(RUNI, ["cat"], input=data)
        self.assertEqual((done.status, done.stderr), (0, b""))
        self.assertTrue(done.stdout == data, f"{len(done.stdout)} bytes came back, of which the first differ")

    def test_reading_stops_where_the_application_stops(self):
        self.assertEqual(self.engine.run(RUNI, ["head", "-n", "1"], input=b"one\ntwo\n"), (0, b"one\n", b""))


@for_each_engine(*ALL)
class Output:
    def test_stdout_and_stderr_stay_apart(self):
        script = ["sh", "-c", "echo out; echo err >&2; exit 3"]
        self.assertEqual(self.engine.run(RUNI, script), (3, b"out\n", b"err\n"))

    def test_output_of_processes_that_outlive_their_parent_arrives(self):
        script = ["sh", "-c", "(echo late) & exec echo early"]
        for which in (PLAIN, RUNI):
            self.assertIn(b"early\n", self.engine.run(which, script).stdout)

    def test_what_only_the_kernel_refuses_is_named(self):
        for command, status in (("/bin/no-interpreter", 127), ("/bin/no-program", 126)):
            with self.subTest(command):
                done = self.engine.run(RUNI, [command])
                self.assertEqual(done.status, status)
                self.assertIn(command.encode(), done.stderr)
