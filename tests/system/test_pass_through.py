"""Every command that does not start a container is the real runtime's, to the byte."""

import json
import os
import re
import subprocess

from bed import bundle
from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, until
from bed.engine import Finished
from engines import for_each_engine

# What differs from call to call, whoever makes it, and what stands for it in the comparison.
VARYING = (
    (rb'"?\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"?', b"<time>"),
    (rb'("pid": ?|"init_process_pid": ?)\d+', rb"\1<pid>"),
    (rb'("init_process_start": ?)\d+', rb"\1<start>"),
)


@for_each_engine(Runc, Crun)
class PassThrough:
    """Twin containers, one for each: called c, in the same folders one after the other."""

    def assert_same(self, *words, status=None, **keywords):
        """Runs the words through both, each against a container of its own. Returns the real runtime's answer."""
        answers = {}
        for which in (PLAIN, RUNI):
            with self.container():
                answers[which] = self.answer(which, *words, **keywords)
        self.assertEqual(answers[RUNI], answers[PLAIN])
        if status is not None:
            self.assertEqual(answers[PLAIN].status, status, answers[PLAIN].stderr)
        return answers[PLAIN]

    def answer(self, which, *words, **keywords):
        """What a command says, and how it ends."""
        done = Finished.of(self.command(*self.engine.argv(which, *words), **keywords))
        return Finished(done.status, varying(done.stdout), varying(done.stderr))

    def container(self):
        return Twin(self)

    def test_state(self):
        self.assertIn(b'"running"', self.assert_same("state", "c", status=0).stdout)

    def test_state_of_nothing(self):
        self.assertNotEqual(self.assert_same("state", "nothing").status, 0)

    def test_list(self):
        self.assert_same("list", "--quiet", status=0)
        self.assert_same("list", "--format", "json", status=0)

    def test_ps(self):
        # What `ps` prints of a process varies; that there is one line for it does not.
        self.assert_same("ps", "--format", "json", "nothing")
        lines = {}
        for which in (PLAIN, RUNI):
            with self.container():
                done = self.command(*self.engine.argv(which, "ps", "--format", "json", "c"))
                lines[which] = (done.returncode, done.stderr, len(json.loads(done.stdout)))
        self.assertEqual(lines[PLAIN], (0, b"", 1))
        self.assertEqual(lines[RUNI], lines[PLAIN])

    def test_exec(self):
        data = os.urandom(100000)
        self.assertEqual(self.assert_same("exec", "c", "cat", input=data, status=0).stdout, varying(data))
        self.assert_same("exec", "c", "sh", "-c", "echo out; echo err >&2; exit 9", status=9)
        self.assert_same("exec", "c", "no-such-program")
        self.assert_same("exec", "nothing", "true")
        self.assert_same("exec", "--cwd", "/tmp", "--env", "A=b c", "--user", "1000:1000", "c",
                         "/bin/sh", "-c", "pwd; echo $A", status=0)

    def test_exec_process_file(self):
        file = self.path("process.json")
        with open(file, "w", encoding="utf-8") as output:
            json.dump({"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["sh", "-c", "echo $A; exit 4"],
                       "env": ["PATH=/bin", "A=x"], "cwd": "/"}, output)
        self.assert_same("exec", "--process", file, "c", status=4)

    def test_kill(self):
        self.assert_same("kill", "c", "KILL", status=0)
        self.assert_same("kill", "c", "NONSENSE")
        self.assert_same("kill", "nothing", "TERM")

    def test_delete(self):
        self.assert_same("delete", "--force", "c", status=0)
        self.assertNotEqual(self.assert_same("delete", "c").status, 0)
        self.assert_same("delete", "--force", "nothing")

    def test_pause_and_resume(self):
        for which in (PLAIN, RUNI):
            with self.container():
                self.assertEqual(self.answer(which, "pause", "c"), (0, b"", b""))
                self.assertIn(b'"paused"', self.answer(which, "state", "c").stdout)
                self.assertEqual(self.answer(which, "resume", "c"), (0, b"", b""))
        self.assert_same("resume", "nothing")

    def test_update(self):
        self.assert_same("update", "--pids-limit", "77", "c")
        self.assert_same("update", "--resources", "-", "c", input=b'{"pids": {"limit": 78}}')

    def test_events(self):
        self.assert_same("events", "--stats", "nothing")

    def test_features(self):
        self.assert_same("features")

    def test_spec(self):
        specs = []
        for which in (PLAIN, RUNI):
            folder = self.folder(f"spec-{which}")
            self.assertEqual(self.answer(which, "spec", "--bundle", folder), (0, b"", b""))
            with open(os.path.join(folder, "config.json"), "rb") as file:
                specs.append(file.read())
        self.assertEqual(*specs)

    def test_version_and_help(self):
        for words in (["--version"], ["-v"], ["--help"], ["run", "--help"], ["create", "--help"], ["delete", "--help"]):
            with self.subTest(words):
                self.assert_same(*words)

    def test_unknown_and_missing_words(self):
        for words in ([], ["nonsense"], ["--nonsense"], ["--nonsense", "create"], ["state"], ["create"], ["run"],
                      ["start"], ["create", "--bundle"], ["--log"], ["--", "--"], [""], ["run", "--nonsense", "c"]):
            with self.subTest(words):
                self.assert_same(*words, cwd=self.folder("empty"))

    def test_starts_that_the_runtime_refuses(self):
        broken = self.folder("broken")
        for words in (["create", "--bundle", "/nonexistent", "d"], ["run", "--bundle", broken, "d"],
                      ["run", "--bundle", self.path("bundle"), "c"], ["create", "--bundle", self.path("bundle"), "a/b"]):
            with self.subTest(words):
                self.assertNotEqual(self.assert_same(*words).status, 0)

    def test_statuses_pass_without_a_process_between(self):
        """runi has become the runtime: same process, nothing waits for it."""
        with self.container():
            argv = self.engine.argv(RUNI, "exec", "c", "sleep", "1000")
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            until(lambda: is_program(process.pid, self.engine.paths[PLAIN]), "runi to have become the runtime")


class Twin:
    """A running container called c for the time of a with statement."""

    def __init__(self, case):
        self.case = case

    def __enter__(self):
        engine = self.case.engine
        folder = bundle.make(self.case.path("bundle"), engine.rootfs, ["sleep", "1000"], f"{self.case.cgroup}/c")
        with open(self.case.path("errors"), "ab") as errors:
            for words in (["create", "--bundle", folder, "c"], ["start", "c"]):
                done = self.case.command(*engine.argv(PLAIN, *words), stdout=errors, stderr=errors)
                self.case.assertEqual(done.returncode, 0, words)

    def __exit__(self, *_):
        engine = self.case.engine
        self.case.command(*engine.argv(PLAIN, "resume", "c"))
        self.case.command(*engine.argv(PLAIN, "delete", "--force", "c"))


def is_program(pid, path):
    """Also when it runs from a copy of itself in memory, which bears its name, or through a mount that is nowhere attached,
    of which the link says no more than "/": runtimes protect their files so."""
    exe = f"/proc/{pid}/exe"
    name = os.path.basename(path)
    return re.search(rf"{re.escape(name)}(:| |$)", os.readlink(exe)) is not None or os.path.samefile(exe, path)


def varying(text):
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return text
