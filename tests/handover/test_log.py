"""runi's own log: what it says of a start, where that goes, and that no start suffers from it."""

import concurrent.futures
import contextlib
import datetime
import glob
import json
import os
import re
import resource
import shutil
import stat
import subprocess
import threading
import time
import unittest

from logged import CRIO_POD, KEYS, POD, STAMP, Logged
from start import CREATE
from test_handover import FAKE_STATUS, STARTS


class Said(Logged):
    def test_as_text(self):
        self.annotate(POD)
        self.to_file(format="text")
        record = self.assert_starts()
        self.assertRegex(self.lines()[0],
                         rf"^{STAMP} runi\[{record['pid']}\] info: starts with an init container_id=id namespace=default "
                         r'pod=web-1 container=app decision=inject detail="at /dev/.runi-init" '
                         rf"runtime={re.escape(self.fake)} elapsed_us=[1-9]\d*$")
        self.assertEqual(len(self.lines()), 1)

    def test_as_json(self):
        self.annotate(POD)
        self.to_file()
        before = time.time()
        record = self.assert_starts()
        line = self.only_line()
        self.assertEqual(list(line), KEYS)
        at = datetime.datetime.fromisoformat(line.pop("time").replace("Z", "+00:00")).timestamp()
        self.assertTrue(before - 0.001 <= at <= time.time(), at)
        self.assertTrue(0 < line.pop("elapsed_us") < 20_000_000)
        self.assertEqual(line, {"level": "info", "pid": record["pid"], "msg": "starts with an init", "container_id": "id",
                                "namespace": "default", "pod": "web-1", "container": "app", "decision": "inject",
                                "detail": "at /dev/.runi-init", "runtime": self.fake})

    def test_of_cri_o_s_pods(self):
        self.annotate(CRIO_POD)
        self.to_file()
        self.assert_starts()
        line = self.only_line()
        self.assertEqual((line["namespace"], line["pod"], line["container"]), ("default", "web-1", "app"))

    def test_of_every_start_and_of_nothing_else(self):
        self.to_file()
        for args in STARTS:
            self.write_config()
            self.start(*args)
        self.assertEqual(len(self.lines()), len(STARTS))
        for args in (["state", "id"], ["delete", "--force", "id"], ["features"], ["--version"], [], ["create", "--help"]):
            self.start(*(args or ["--"]))
        self.assertEqual(len(self.lines()), len(STARTS))

    def test_for_each_decision(self):
        def args(*words):
            return lambda config: config["process"].update(args=list(words))

        def one_namespace_less(config):
            config["linux"]["namespaces"] = [each for each in config["linux"]["namespaces"] if each["type"] != "pid"]

        def no_tmpfs(config):
            config["mounts"] = [{"destination": "/", "type": "bind", "source": "/", "options": ["bind"]}]

        for settings, change, decision, detail in (
                ({"inject": "never"}, args("sh"), "disabled", "configuration: inject is never"),
                ({}, lambda config: config.update(annotations={"runi.dev/init": "false"}), "disabled", "runi.dev/init is false"),
                ({}, args(), "no-process", "names no command"),
                ({}, args("/pause"), "sandbox", '"/pause"'),
                ({}, one_namespace_less, "shared-pid", "no pid namespace"),
                ({}, args("tini", "--", "a"), "has-init", '"tini"'),
                ({}, args("/sbin/init"), "wants-pid1", '"/sbin/init"'),
                ({}, args("a.wasm"), "not-a-process", '"a.wasm"')):
            self.edit(change)
            self.to_file(**settings)
            self.assert_starts()
            line = json.loads(self.lines()[-1])
            self.assertEqual((line["level"], line["msg"], line["decision"]), ("info", "starts without an init", decision))
            self.assertIn(detail, line["detail"])
        self.edit(no_tmpfs)
        self.assert_starts()
        line = json.loads(self.lines()[-1])
        self.assertEqual((line["level"], line["msg"], line["decision"]), ("warning", "starts without an init", "no-place"))
        self.assertIn("config.json: no-place: neither", line["detail"])

    def test_of_an_annotation_that_does_not_count(self):
        hostile = "x container_id=victim decision=inject"
        for format_ in ("json", "text"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.log)
            self.edit(lambda config: config.update(annotations={**POD, "runi.dev/grace": hostile, f"runi.dev/{hostile}": "1"}))
            self.to_file(level="warning", format=format_)
            self.start("create", "--bundle", "bundle", hostile)
            lines = self.lines()
            self.assertEqual(len(lines), 2, lines)
            for line in lines:
                if format_ == "json":
                    line = json.loads(line)
                    self.assertEqual((line["level"], line["msg"], line["container_id"]),
                                     ("warning", "ignores an annotation", hostile))
                    self.assertEqual((line["namespace"], line["pod"], line["container"]), ("default", "web-1", "app"))
                    self.assertIn('annotation "runi.dev/', line["detail"])
                    continue
                # Whatever stands outside of quotes is runi's own.
                bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
                self.assertRegex(bare, f'^{STAMP} runi\\[[0-9]+\\] warning: ignores an annotation '
                                 'container_id="" namespace=default pod=web-1 container=app detail=""$')

    def test_without_a_config_json(self):
        os.unlink(os.path.join(self.bundle, "config.json"))
        self.to_file()
        self.start()
        line = self.only_line()
        self.assertEqual((line["level"], line["decision"], line["detail"]),
                         ("info", "no-process", "bundle/config.json: No such file or directory"))

    def test_at_each_level(self):
        situations = {"info": {}, "warning": {"init": self.no_init}, "error": {"init": self.no_init, "onFailure": "fail"}}
        for at, threshold in enumerate(("error", "warning", "info")):
            for level, settings in situations.items():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.log)
                self.write_config()
                self.to_file(level=threshold, **settings)
                status = self.start()[0]
                self.assertEqual(status, 1 if level == "error" else FAKE_STATUS)
                expected = [level] if level in ("error", "warning", "info")[:at + 1] else []
                self.assertEqual([json.loads(line)["level"] for line in self.lines()], expected)

    def test_of_a_start_that_fails(self):
        self.to_file(init=self.no_init, onFailure="fail")
        self.assert_failed(self.start(), self.no_init["path"])
        line = self.only_line()
        self.assertEqual((line["level"], line["msg"], line["decision"]), ("error", "does not start", "failed"))
        self.assertEqual(line["detail"], f"init {self.no_init['path']}: open: No such file or directory")

    def test_of_a_runtime_that_cannot_be_executed(self):
        self.to_file()
        os.chmod(self.fake, 0o600)
        self.assertEqual(self.start()[0], 1)
        self.assertEqual([json.loads(line)["msg"] for line in self.lines()], ["starts with an init", "does not start"])
        self.assertIn("Permission denied", self.lines()[1])
        os.unlink(self.fake)
        self.assertEqual(self.start()[0], 1)
        self.assertIn("No such file or directory", self.lines()[2])

    def test_of_names_that_would_be_more_than_names(self):
        forged = "web\n" + '{"level":"info"}' + '\r\x1b[2J" decision=inject pod="\u2028' + "x" * 100_000
        for format in ("json", "text"):  # pylint: disable=redefined-builtin
            self.annotate({key: forged for key in POD})
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.log)
            self.to_file(format=format)
            self.assert_starts("create", "--bundle", "bundle", "i\nd" + "y" * 10_000)
            self.assertEqual(len(self.lines()), 1)
            line = self.lines()[0]
            self.assertLess(len(line), 4096)
            self.assertTrue(line.isascii() and line.isprintable())
            if format == "json":
                self.assertEqual(list(json.loads(line)), KEYS)
                self.assertTrue(json.loads(line)["pod"].startswith('web\n{"level":"info"}\r\x1b[2J" decision=inject pod="\u2028x'))
            else:
                self.assertEqual(line.count(" decision="), 4, "one field, and what stands quoted in three names")
                self.assertEqual(len(re.findall(r'" decision=inject detail="at', line)), 1)


class InAFile(Logged):
    def test_that_is_new_and_only_its_owner_s_to_write(self):
        self.to_file()
        self.assert_starts(prepare=lambda: os.umask(0) and None)
        self.assertEqual(stat.S_IMODE(os.stat(self.log).st_mode), 0o640)

    def test_after_what_is_there(self):
        with open(self.log, "w", encoding="ascii") as file:
            file.write("mine\n")
        self.to_file()
        self.assert_starts()
        self.assert_starts()
        self.assertEqual((len(self.lines()), self.lines()[0]), (3, "mine"))

    def test_that_does_not_reach_the_runtime(self):
        # hand_over compares descriptors, signals and all the rest with a direct call.
        self.to_file(level="info")
        for args in (STARTS[0], ["state", "id"]):
            self.hand_over(args)
        self.assertEqual(len(self.lines()), 1)

    def long_lines_without_an_edit(self):
        self.annotate({key: "x" * 500 for key in POD} | {"io.podman.annotations.init": "TRUE"})
        self.to_file()

    def starts_at_once(self, count, *before):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            # A sanitizer's search for leaks is no tracee's.
            environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
            runs = list(pool.map(lambda _: subprocess.run([*before, self.runi, *CREATE], cwd=self.folder, check=False,
                                                          env=environment), range(count)))
        self.assertEqual({run.returncode for run in runs}, {FAKE_STATUS})

    def assert_whole_lines_of_processes(self, count):
        lines = [json.loads(line) for line in self.lines()]
        self.assertEqual(len(lines), count)
        self.assertEqual({tuple(line) for line in lines}, {tuple(KEYS)})
        self.assertEqual(len({line["pid"] for line in lines}), count)

    def test_by_fifty_processes_at_once(self):
        self.long_lines_without_an_edit()
        for _ in range(4):
            self.starts_at_once(50)
        self.assert_whole_lines_of_processes(200)

    def test_by_fifty_processes_that_pause_after_each_write(self):
        # Few processors seldom stop a process between two writes of one line; this does.
        pause = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=write", "-e", "inject=write:delay_exit=50000"]
        if not shutil.which("strace") or subprocess.run([*pause, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("needs strace, and leave to use it")
        self.long_lines_without_an_edit()
        self.starts_at_once(50, *pause)
        self.assert_whole_lines_of_processes(50)

    def rotate_meanwhile(self, *directives):
        if not shutil.which("logrotate"):
            self.skipTest("needs logrotate: not installed")
        rules = os.path.join(self.folder, "logrotate.conf")
        with open(rules, "w", encoding="ascii") as file:
            file.write("\n".join([f"{self.log} {{", "rotate 100", "missingok", *directives, "}\n"]))
        os.chmod(rules, 0o600)
        self.long_lines_without_an_edit()
        rotating = threading.Event()
        started = []

        def keep_starting():
            while not rotating.is_set():
                self.starts_at_once(4)
                started.append(4)

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            starting = pool.submit(keep_starting)
            try:
                for _ in range(8):
                    time.sleep(0.1)
                    done = subprocess.run(["logrotate", "--force", "--state", os.path.join(self.folder, "rotated"), rules],
                                          capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
            finally:
                rotating.set()
            starting.result()
        self.starts_at_once(4)
        lines = []
        rotated = glob.glob(self.log + "*")
        self.assertGreater(len(rotated), 3, rotated)
        for path in rotated:
            with open(path, encoding="ascii") as file:
                lines += [tuple(json.loads(line)) for line in file]
        self.assertEqual(set(lines), {tuple(KEYS)})
        return sum(started) + 4, len(lines)

    def test_that_logrotate_renames(self):
        started, logged = self.rotate_meanwhile("create")
        self.assertEqual(logged, started, "a line is lost")

    def test_that_logrotate_renames_and_does_not_make_again(self):
        started, logged = self.rotate_meanwhile("nocreate")
        self.assertEqual(logged, started, "a line is lost")

    def test_that_logrotate_copies_and_truncates(self):
        # What is written between copy and truncation is lost, as logrotate(8) says; all else is whole lines.
        started, logged = self.rotate_meanwhile("copytruncate")
        self.assertTrue(0 < logged <= started)
        self.assertGreater(len(self.lines()), 0)


class Unheard(Logged):
    """What takes no more may not hold up a start."""

    def test_a_fifo_whose_reader_sleeps(self):
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, writer)
        self.to_file(file=fifo)
        self.assert_starts()
        self.assertEqual(json.loads(os.read(reader, 65536))["decision"], "inject")
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        self.write_config()
        self.assert_starts()

    def test_a_size_limit(self):
        with open(self.log, "wb") as file:
            file.write(b"x" * 100_000 + b"\n")
        self.to_file()
        self.assert_starts(prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, 100_001)))
        self.assertEqual(len(self.lines()), 1)


class OnStderr(Logged):
    def to_stderr(self, **settings):
        self.configure(log={"level": "info", "sink": "stderr", "format": "json"}, **settings)

    def test_a_line_for_a_start(self):
        self.to_stderr()
        status, record, stderr = self.start()
        self.assertEqual(status, FAKE_STATUS)
        self.assertEqual(json.loads(stderr)["pid"], record["pid"])
        self.assertTrue(stderr.endswith("}\n") and stderr.count("\n") == 1, stderr)

    def test_nothing_for_another_verb(self):
        self.to_stderr()
        for args in (["features"], ["--version"], ["state", "id"], ["create", "--help"]):
            self.hand_over(args)

    def test_an_error_only_once(self):
        self.to_stderr(init=self.no_init, onFailure="fail")
        self.assert_failed(self.start(), self.no_init["path"])

    def test_a_pipe_that_nobody_empties(self):
        self.to_stderr()
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        self.assert_starts(prepare=lambda: os.dup2(writer, 2) and None)

    def test_a_pipe_without_a_reader(self):
        self.to_stderr()

        def prepare():
            reader, writer = os.pipe()
            os.dup2(writer, 2)
            os.close(writer)
            os.close(reader)

        status, record, _ = self.start(prepare=prepare)
        self.assertEqual(status, FAKE_STATUS)
        self.assertIsNotNone(record)

    def test_none_at_all(self):
        self.to_stderr()
        self.assert_starts(prepare=lambda: os.close(2))


if __name__ == "__main__":
    unittest.main()
