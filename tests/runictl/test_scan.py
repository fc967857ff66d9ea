"""runictl scan: what it sees, and how it shows that."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from bed.bundle import Runc
from bed.case import PLAIN, built, need, until
from bed.terminal import Terminal
from look import FAILED, FOUND, NOBODY, SHELL, Look, children_of


class Views(Look):
    """What is seen from where."""

    def test_namespaces_in_namespaces(self):
        """The outer one's PID 1 has one below it; /proc stays that of this test."""
        outer = self.namespace("sh", "-c", "unshare --pid --fork --kill-child sleep 1000; :")
        containers = until(lambda: len(found := self.scan()) == 2 and found, "both")
        inner = next(one for pid, one in containers.items() if pid != outer)
        until(lambda: self.scan()[inner["pid"]]["process"] == "sleep", "the inner one")
        self.assertEqual((inner["inside"], containers[outer]["inside"]), (outer, None))

    def test_processes_brought_in_from_outside(self):
        pid = self.namespace("sleep", "1000")
        other = self.namespace("sleep", "1001")
        for count in (1, 2):
            process = subprocess.Popen(["nsenter", "--target", str(pid), "--pid", "sleep", "1002"])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            until(lambda: children_of(process.pid), "a process brought in")
            self.assertEqual(self.scan()[pid]["processes"], 1 + count)
        self.assertEqual(self.scan()[other]["processes"], 1)

    def test_from_inside(self):
        """A /proc of its own shows a container only what is below it; --proc can show another."""
        pid = self.namespace("sleep", "1000")
        self.succeed("mkdir", self.path("proc"))
        self.succeed("mount", "--bind", "/proc", self.path("proc"))
        self.addCleanup(self.command, "umount", "--lazy", self.path("proc"))
        inside = ["unshare", "--pid", "--fork", "--mount-proc", built("RUNICTL"), "scan", "--json"]
        self.assertEqual(json.loads(self.command(*inside).stdout)["containers"], [])
        seen = json.loads(self.command(*inside, "--proc", self.path("proc")).stdout)["containers"]
        self.assertIn(pid, [container["pid"] for container in seen])

    def test_as_nobody(self):
        pid = self.namespace(*SHELL)
        container = self.scan(**NOBODY)[pid]
        self.assertEqual(container["because"], ["shell"])
        self.assertEqual((container["complete"], container["program"]), (False, None))
        self.assertEqual(self.summary["incompleteContainers"], 1)
        text = self.runictl("scan", **NOBODY).stdout.decode()
        self.assertIn("You may not see the program and environment of 1 container; run as root.", text)

    def test_where_proc_hides_others(self):
        self.namespace(*SHELL)
        self.succeed("mount", "-o", "remount,hidepid=1", "/proc")
        self.assertEqual(self.scan(**NOBODY), {})
        self.assertGreater(self.summary["unreadableProcesses"], 0)
        self.assertIn("could not be looked into", self.runictl("scan", **NOBODY).stdout.decode())
        self.succeed("mount", "-o", "remount,hidepid=2", "/proc")
        self.assertEqual(self.scan(**NOBODY), {})
        self.assertTrue(self.summary["hidesProcesses"])
        self.assertIn("hidepid", self.runictl("scan", **NOBODY).stdout.decode())

    def test_what_is_no_proc(self):
        for folder in ("/", "/nowhere"):
            done = self.runictl("scan", "--proc", folder)
            self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
            self.assertRegex(done.stderr.decode(), rf"^runictl: {folder}: (not a proc file system|No such file)")

    def test_processes_that_go(self):
        """Between the listing of /proc and a look at each, which strace makes a slow one."""
        log = self.path("strace.log")
        slowly = [need("strace"), "-o", log, "-e", "trace=openat", "-e", "inject=openat:delay_enter=50000"]
        if self.command(*slowly, "true").returncode != 0:
            self.skipTest("needs strace, and leave to use it")
        pid = self.namespace(*SHELL)
        count = 8
        parent = subprocess.Popen(["sh", "-c", f"for i in $(seq {count}); do sleep 0.4 & done; wait; exec sleep 1000"])
        self.addCleanup(parent.wait)
        self.addCleanup(parent.kill)
        until(lambda: len(children_of(parent.pid)) == count, "processes that will go")
        # A sanitizer's search for leaks is no tracee's.
        done = self.command(*slowly, built("RUNICTL"), "scan", "--json",
                            env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})
        with open(log, encoding="utf-8") as file:
            self.assertRegex(file.read(), r'"\d+/status".* ENOENT')
        self.assertEqual((done.returncode, done.stderr), (FOUND, b""))
        self.assertEqual([container["pid"] for container in json.loads(done.stdout)["containers"]], [pid])

    def test_limit_of_processes(self):
        def edit(spec):
            spec["linux"]["resources"]["pids"] = {"limit": 40}
        started = Runc(self).start(PLAIN, SHELL, edit=edit)
        container = self.scan()[started.pid]
        if container["pids"] is None:
            self.skipTest("needs the pids controller: not mounted here")
        self.assertEqual((container["pids"]["max"], container["pids"]["current"]), (40, 2))
        self.assertIn(" 5%  ", self.runictl("scan").stdout.decode())


class Output(Look):
    def test_table(self):
        self.namespace(*SHELL)
        done = self.runictl("scan")
        self.assertEqual(done.returncode, FOUND)
        heading, row, empty, summary = done.stdout.decode().splitlines()
        self.assertEqual(heading.split(), ["CONTAINER", "PROCESS", "1", "PID", "ZOMBIES", "VERDICT"])
        self.assertEqual(row.index("needs an init: a shell"), heading.index("VERDICT"))
        self.assertEqual(empty, "")
        self.assertRegex(summary, r"^1 container among \d+ processes: 1 needs an init, none has one, none does without\.$")

    def test_fits_the_terminal(self):
        self.namespace(*SHELL)
        terminal = Terminal(self, [built("RUNICTL"), "scan"], columns=80)
        self.assertEqual(terminal.wait(), FOUND)
        text = terminal.seen.decode()
        self.assertIn("\x1b[31m", text)
        for line in re.sub(r"\x1b\[\d*m", "", text).splitlines():
            self.assertLessEqual(len(line), 80)

    def test_no_colour(self):
        self.namespace(*SHELL)
        terminal = Terminal(self, ["env", "NO_COLOR=1", built("RUNICTL"), "scan"])
        self.assertEqual(terminal.wait(), FOUND)
        self.assertNotIn(b"\x1b", terminal.seen)

    def test_names_of_processes_do_not_steer_the_terminal(self):
        program = shutil.copy(need("sleep"), self.path("\x1b[2Jx\n"))
        self.namespace(program, "1000")
        output = self.runictl("scan").stdout
        self.assertIn(rb" \x1b[2Jx\x0a 1000 ", output)
        self.assertNotIn(b"\x1b", output)

    def watch(self, *words, **keywords):
        process = subprocess.Popen([built("RUNICTL"), "scan", "--watch", *words], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, **keywords)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_watch_prints_a_document_a_line(self):
        process = self.watch("0.1", "--json")
        self.assertEqual(json.loads(process.stdout.readline())["summary"]["containers"], 0)
        self.namespace(*SHELL)
        until(lambda: json.loads(process.stdout.readline())["summary"]["containers"] == 1, "the change")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        self.assertEqual(process.wait(10), FOUND)
        for line in rest.splitlines():
            json.loads(line)

    def test_watch_ends_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.watch("3600")
            process.stdout.readline()
            process.send_signal(number)
            self.assertEqual(process.wait(10), 0)

    def test_watch_redraws_in_place(self):
        terminal = Terminal(self, [built("RUNICTL"), "scan", "--watch"])
        for _ in range(2):
            terminal.expect(r"\x1b\[H.*No container", 20)
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), 0)

    def test_usage(self):
        for words in (["--watch", "0"], ["--watch", "x"], ["--nonsense"], ["more"]):
            done = self.runictl("scan", *words)
            self.assertEqual((done.returncode, done.stdout), (FAILED, b""), words)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            for words in ([], ["--watch", "0.1"]):
                done = self.runictl("scan", *words, stdout=full, timeout=10)
                self.assertEqual(done.returncode, FAILED)
                self.assertIn(b"standard output", done.stderr)


class Crowd(Look):
    """Ten thousand processes."""

    COUNT = 10_000
    PER_PROCESS = 3  # open, read, close

    def test_work_for_each_is_small(self):
        need("strace")
        pid = self.namespace("sleep", "1000")
        crowd = subprocess.Popen([built("CROWD"), str(self.COUNT)], stdout=subprocess.PIPE)
        self.addCleanup(crowd.stdout.close)
        self.addCleanup(crowd.wait)
        self.addCleanup(crowd.kill)
        self.assertEqual(crowd.stdout.readline(), b"ready\n")
        counts = self.path("counts")
        done = self.command("strace", "-c", "-o", counts, built("RUNICTL"), "scan", "--json", timeout=100)
        document = json.loads(done.stdout)
        self.assertEqual([container["pid"] for container in document["containers"]], [pid])
        self.assertGreater(document["summary"]["processes"], self.COUNT)
        with open(counts, encoding="ascii") as file:
            calls = next(int(line.split()[3]) for line in file if line.rstrip().endswith("total"))
        self.assertLess(calls, self.PER_PROCESS * self.COUNT + 1000)
        began = time.monotonic()
        self.scan()
        print(f"{self.COUNT} processes: {calls} system calls, {time.monotonic() - began:.3f} s")
