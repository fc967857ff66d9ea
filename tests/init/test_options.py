"""The options of runi-init, seen from outside."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import raw
from container import (ENVIRONMENT, INIT, NOBODY, PYTHON, START_APP, Case, Lines, children_of, eventually, needs_root, quiet, read_file)


@needs_root
class ExpectedExit(Case):
    def test_is_mapped_to_0(self):
        for options, script, status in ((["-e", "7"], "exit 7", 0), (["-e", "7"], "exit 8", 8),
                                        (["-e", "143"], "kill $$", 0), (["-e143", "-e", "5"], "exit 5", 0),
                                        (["-e", "15"], "kill $$", 143), (["-e", "255"], "exit 255", 0)):
            with self.subTest(options=options, script=script):
                self.assertEqual(self.run_in("/bin/sh", "-c", script, options=options).wait(), status)


@needs_root
class Rewriting(Case):
    def test_signals_arrive_as_another_or_not_at_all(self):
        container = self.recorder(options=["-r", "TERM:QUIT", "-r", "SIGHUP:0", "-r", "RTMIN+2:64"])
        for sent, got in ((15, 3), (10, 10), (36, 64)):
            container.signal(sent)
            self.assertEqual(container.out.next(), f"{got} 0 0")
        container.signal(signal.SIGHUP)
        container.signal(64)
        self.assertEqual(container.out.next(), "64 0 0")

    def test_values_go_along(self):
        container = self.recorder(options=["-r", "40:41"])
        raw.queue(container.pid, 40, 7)
        self.assertEqual(container.out.next(), "41 -1 7")

    def test_the_init_s_own_are_not_concerned(self):
        container = self.recorder("orphans", "3", options=["-r", "CHLD:KILL"])
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "made")
        eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)


@needs_root
class ParentsDeath(Case):
    def test_is_told_to_the_application(self):
        def setup():
            if os.fork() != 0:
                signal.pause()
        container = self.recorder(options=["-p", "USR2"], setup=setup, fork=os.fork)
        init, = children_of(container.pid)
        self.addCleanup(os.kill, children_of(init)[0], signal.SIGKILL)
        container.kill()
        container.ended = 0
        self.assertEqual(container.out.next(), "12 0 0")


@needs_root
class Talk(Case):
    def output_of(self, *options, **how):
        container = self.recorder("orphans", "2", options=options, **how)
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "made")
        eventually(lambda: len(children_of(container.pid)) == 1, "one child, the application")
        container.signal(signal.SIGTERM)
        self.assertEqual(container.wait(), 143)
        return container.output().splitlines()

    def test_is_none_unless_wanted(self):
        environment = dict(ENVIRONMENT, TINI_VERBOSITY="3", TINI_SUBREAPER="", TINI_KILL_PROCESS_GROUP="")
        self.assertEqual(self.output_of(environment=environment), [])

    def test_of_orphans(self):
        lines = self.output_of("-w")
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertRegex(line, r"^runi-init: reaped orphan \d+$")

    def test_of_start_and_end(self):
        self.assertEqual(self.output_of("-v"), ["runi-init: started 2", "runi-init: ended with 143"])

    def test_of_everything(self):
        lines = self.output_of("-vv")
        self.assertEqual(lines[0], "runi-init: started 2")
        self.assertEqual(lines[-2:], ["runi-init: got signal 15", "runi-init: ended with 143"])
        self.assertEqual(sum("reaped orphan" in line for line in lines), 2)

    def test_that_nobody_listens_to_is_not_the_application_s_end(self):
        def setup():
            read, write = os.pipe()
            os.close(read)
            os.dup2(write, 2)
            os.close(write)
        container = self.recorder("record-with-orphan", options=["-vv"], setup=setup)
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "10 0 0")
        container.signal(signal.SIGPIPE)
        self.assertEqual(container.out.next(), "13 0 0")
        container.signal(64)
        self.assertEqual(container.out.next(), "64 0 0")

    def test_that_nobody_reads_holds_nothing_up(self):
        def setup():
            read, write = os.pipe()
            os.set_blocking(write, False)
            with self.assertRaises(BlockingIOError):
                while True:
                    os.write(write, bytes(4096))
            os.set_blocking(write, True)
            os.dup2(write, 2)
            os.set_inheritable(read, True)
        container = self.recorder("record-with-orphan", options=["-vv"], setup=setup)
        container.signal(signal.SIGUSR1)
        self.assertEqual(container.out.next(), "10 0 0")
        container.signal(signal.SIGTERM)
        self.assertEqual(container.out.next(), "15 0 0")

    def test_wrong_use_is_one_line(self):
        for args, line in ((["-e", "300", "x"], "300: bad value"), (["-r"], "-r: no value"),
                           (["-P", "true"], "true: takes no command"), (["-t", "soon", "x"], "soon: bad value")):
            with self.subTest(args):
                container = self.run_in(INIT, *args, init=False)
                self.assertEqual(container.wait(), 125)
                self.assertEqual(container.output(), f"runi-init: {line}\n")

    def test_licence(self):
        container = self.run_in(INIT, "-l", init=False)
        self.assertEqual(container.wait(), 0)
        self.assertRegex(container.output(), "^Apache-2.0\n$")

    def test_options_of_the_command_are_its_own(self):
        container = self.run_in(INIT, "-g", "/bin/echo", "-n", "-l", init=False)
        self.assertEqual(container.wait(), 0)
        self.assertEqual(container.output(), "-l")


@needs_root
class Pause(Case):
    def start(self):
        container = self.run_in(INIT, "-P", init=False, out=True)
        eventually(lambda: os.readlink(f"/proc/{container.pid}/cwd") == "/" and quiet(container.pid), "the init at rest")
        return container

    def test_ends_on_sigterm_and_sigint(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            container = self.start()
            for other in (signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1, signal.SIGALRM, 64):
                container.signal(other)
            eventually(lambda: quiet(container.pid), "all of them taken")
            self.assertFalse(container.has_ended())
            container.signal(number)
            self.assertEqual(container.wait(), 0)
            self.assertEqual(container.output(), "")

    def test_reaps(self):
        container = self.start()
        namespace = os.open(f"/proc/{container.pid}/ns/pid", os.O_RDONLY)
        before = read_file(f"/proc/{container.pid}/status").split(b"voluntary_ctxt_switches:")[1]
        script = "for i in 1 2 3 4 5 6 7 8; do (true & exec true) & done; wait"
        helper = os.fork()
        if helper == 0:
            try:
                raw.setns(namespace)
                os._exit(os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", script]))
            finally:
                os._exit(99)
        os.close(namespace)
        self.assertEqual(os.waitpid(helper, 0)[1], 0)
        eventually(lambda: children_of(container.pid) == [], "no child left")
        self.assertEqual(read_file(f"/proc/{container.pid}/status").split(b"voluntary_ctxt_switches:")[1], before)


@needs_root
class Grace(Case):
    def leave(self, *how, options, **more):
        """Has an application leave processes behind, and returns their pids in the container's namespace."""
        container = self.app("leave", *how, options=options, **more)
        container.left = {}
        for _ in how:
            left, name, pid = container.out.next().split()
            self.assertEqual(left, "left")
            container.left[name] = int(pid)
        return container

    def test_none_unless_wanted(self):
        container = self.leave("bye", options=[])
        self.assertEqual(container.wait(), 7)
        self.assertRaisesRegex(AssertionError, "ended after b''", container.out.next)

    def test_ends_early_when_nothing_is_left(self):
        for options in (["-t", "1000"], ["-t1000", "-w"]):
            with self.subTest(options):
                container = self.leave("bye", "away", "stopped", options=options)
                said = sorted(container.out.next() for _ in range(3))
                self.assertEqual(said, ["bye away", "bye bye", "bye stopped"])
                self.assertEqual(container.wait(), 7)
                self.assertEqual(self.leave(options=options).wait(), 7)

    def test_ends_when_the_time_is_over(self):
        began = time.monotonic()
        container = self.leave("deaf", "bye", options=["-t", "1"])
        self.assertEqual(container.out.next(), "bye bye")
        self.assertEqual(container.wait(), 7)
        self.assertGreaterEqual(time.monotonic() - began, 1)

    def test_is_cut_short_by_a_second_sigterm(self):
        for before in (0, 1):
            with self.subTest(before=before):
                container = self.app("leave", "deaf", "wait", options=["-t", "1000"])
                container.out.next()
                self.assertEqual(container.out.next().split()[:2], ["left", "wait"])
                application = container.application()
                for _ in range(before):
                    container.signal(signal.SIGTERM)
                if not before:
                    os.kill(application, signal.SIGTERM)
                eventually(lambda: application not in children_of(container.pid), "the application's end")
                eventually(lambda: quiet(container.pid), "the init at rest")
                if not before:
                    container.signal(signal.SIGTERM)
                    eventually(lambda: quiet(container.pid), "the init at rest")
                container.signal(signal.SIGHUP)
                container.signal(signal.SIGALRM)  # of somebody, not of the clock
                eventually(lambda: quiet(container.pid), "the init at rest")
                self.assertFalse(container.has_ended())
                container.signal(signal.SIGTERM)
                self.assertEqual(container.wait(), 143)

    def test_status_may_be_an_expected_one(self):
        container = self.leave("bye", options=["-t", "1000", "-e", "7"])
        self.assertEqual(container.wait(), 0)

    def test_outside_a_namespace_of_its_own_it_is_for_the_group(self):
        container = self.leave("bye", "away", options=["-t", "1000"], fork=os.fork)
        self.assertEqual(container.out.next(), "bye bye")
        self.assertEqual(container.wait(), 7)
        os.kill(container.left["away"], signal.SIGTERM)  # still there, and not told before
        self.assertEqual(container.out.next(), "bye away")

    def test_outside_a_namespace_of_its_own_the_group_is_killed(self):
        container = self.leave("deaf", options=["-st", "1"], fork=os.fork)
        self.assertEqual(container.wait(), 7)
        self.assertRaisesRegex(AssertionError, "ended after b''", container.out.next)

    def test_ends_in_time_whatever_signals_come(self):
        container = self.leave("alarms", "deaf", options=["-t", "1"])
        self.assertEqual(container.wait(), 7)

    def test_outside_a_namespace_of_its_own_nobody_is_killed_without_it(self):
        for options in ([], ["-s"], ["-t", "0"]):
            with self.subTest(options):
                container = self.leave("bye", options=options, fork=os.fork)
                self.assertEqual(container.wait(), 7)
                os.kill(container.left["bye"], signal.SIGTERM)
                self.assertEqual(container.out.next(), "bye bye")

    def test_where_there_is_no_clock(self):
        container = self.leave("deaf", options=["-t", "1000"], setup=lambda: raw.deny(["clock_gettime"], 1))
        self.assertEqual(container.wait(), 7)


@needs_root
class SetUserId(unittest.TestCase):
    """A container that may change the mode of the host's file must not make it a way to root."""

    def test_is_refused_whatever_it_is_asked_for(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        init = shutil.copy(INIT, folder)
        for mode in (0o4755, 0o2755, 0o6755):
            os.chmod(init, mode)
            for words in (["--", "/bin/sh", "-p", "-c", "id"], ["-h"], ["--version"], ["-P"], []):
                done = subprocess.run([init, *words], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True,
                                      check=False)
                if b"uid=" in done.stdout and b"euid=0" not in done.stdout and b"egid=0" not in done.stdout:
                    self.skipTest(f"needs a file system that lets programs be set-user-ID: {folder}")
                self.assertEqual((done.returncode, done.stdout, done.stderr),
                                 (125, b"", b"runi-init: set-user-ID\n"), (oct(mode), words))

    def test_of_the_same_user_it_makes_no_difference(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        init = shutil.copy(INIT, folder)
        os.chmod(init, 0o6755)
        self.assertEqual(subprocess.run([init, "--", "/bin/sh", "-c", "exit 7"], check=False).returncode, 7)


if __name__ == "__main__":
    unittest.main()
