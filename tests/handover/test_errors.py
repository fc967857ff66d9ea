"""How errors leave runi: without raising a signal, and into the file that the engine reads."""

import fcntl
import json
import os
import resource
import signal
import termios
import threading
import unittest

from start import CREATE, Start
from test_handover import ENVIRONMENT


class WithoutSignals(Start):
    """What runi writes raises no signal that would end or stop it, or be there for the runtime."""

    LIMIT = 1000  # bytes; config.json is larger

    def limit_size(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.LIMIT, resource.RLIM_INFINITY))

    def test_a_size_limit_that_config_json_does_not_fit_in(self):
        def blocked():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ, signal.SIGPIPE})

        def pending():
            blocked()
            os.kill(os.getpid(), signal.SIGXFSZ)

        def pending_for_the_thread():
            blocked()
            signal.pthread_kill(threading.get_ident(), signal.SIGXFSZ)

        for state in (lambda: None, lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN), blocked, pending,
                      pending_for_the_thread):
            def prepare(state=state):
                self.limit_size()
                state()
            _, through = self.hand_over(CREATE, prepare=prepare)
            self.assert_untouched(through, CREATE)
        self.configure(onFailure="fail")
        self.assert_failed(self.start(prepare=self.limit_size), "config.json", "File too large")
        self.assertEqual(os.listdir(self.bundle), ["config.json"])

    def failing(self, prepare):
        self.configure(runtime="/no/such/runtime")
        return self.call(self.runi, [self.runi, *CREATE], ENVIRONMENT, prepare)[0]

    def test_an_error_that_stderr_has_no_room_for(self):
        def prepare():
            os.write(2, b"x" * self.LIMIT)
            self.limit_size()
        self.assertEqual(self.failing(prepare), 1)

    def test_an_error_that_nobody_reads(self):
        def prepare():
            reading, writing = os.pipe()
            os.close(reading)
            os.dup2(writing, 2)
        self.assertEqual(self.failing(prepare), 1)

    def test_an_error_on_a_terminal_of_others(self):
        """In the background, where the terminal stops who writes to it (stty tostop)."""
        def prepare():
            os.setsid()
            master, terminal = os.openpty()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            attributes = termios.tcgetattr(terminal)
            attributes[3] |= termios.TOSTOP
            termios.tcsetattr(terminal, termios.TCSANOW, attributes)
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                os.dup2(terminal, 2)
                return
            _, status = os.waitpid(child, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                os.kill(child, signal.SIGKILL)
                os._exit(99)
            os._exit(os.waitstatus_to_exitcode(status) if os.read(master, 9).startswith(b"runi: ") else 98)
        self.assertEqual(self.failing(prepare), 1)


class Reported(Start):
    def setUp(self):
        super().setUp()
        with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.configure(onFailure="fail")
        self.log = os.path.join(self.folder, "log.json")

    def test_as_a_json_line_in_the_log(self):
        with open(self.log, "w", encoding="utf-8") as file:
            file.write('{"level":"info"}\n')
        _, _, stderr = self.start("--log", self.log, "--log-format", "json", *CREATE)
        with open(self.log, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(len(lines), 2, "the line is added to what is there")
        self.assertEqual(lines[1]["level"], "error")
        self.assertEqual(lines[1]["msg"] + "\n", stderr)
        self.assertRegex(lines[1]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_as_a_text_line_in_the_log(self):
        self.start("--log=" + self.log, *CREATE)
        with open(self.log, encoding="utf-8") as file:
            self.assertRegex(file.read(), r'^time="[^"]+" level=error msg="runi: .*"\n$')

    def test_a_stranger_s_words_are_short_and_printable(self):
        hostile = "\x1b]0;title\x07\n\x9b31m\u202e" + "x" * 3_000_000
        seccomp = [{"defaultAction": hostile}, {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["kill"], "action": "SCMP_ACT_KILL", "args": [{"op": hostile}]}]}]
        changes = [lambda config, profile=profile: config["linux"].update(seccomp=profile) for profile in seccomp]
        changes.append(lambda config: config.update(annotations={f"runi.dev/{hostile}": hostile}))
        changes.append(lambda config: config["linux"].update(uidMappings=[{"hostID": -10 ** 3000}]))
        for change in changes:
            config = json.loads(self.config)
            change(config)
            with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
                json.dump(config, file, ensure_ascii=False)
            _, _, stderr = self.start("--log", self.log, *CREATE)
            self.assert_failed((1, None, stderr), "config.json: ")
            with open(self.log, encoding="utf-8") as file:
                for text in (stderr, file.read()):
                    self.assertLess(len(text), 3_000)
                    self.assertRegex(text, r"^[ -~]+\n$")
            os.unlink(self.log)

    def test_a_log_that_cannot_be_written_changes_nothing(self):
        for log in ("/no/such/directory/log", "/proc/version", self.bundle):
            status, _, stderr = self.start("--log", log, *CREATE)
            self.assertEqual(status, 1)
            self.assertIn("not JSON", stderr)

    def test_crun_s_relative_log_lies_in_the_bundle(self):
        self.use_runtime("crun")
        self.configure(onFailure="fail")
        self.start("--log", "log.json", *CREATE)
        self.assertTrue(os.path.exists(os.path.join(self.bundle, "log.json")))

    def test_a_skipped_injection_writes_no_line_there(self):
        self.configure()
        self.start("--log", self.log, *CREATE)
        self.assertFalse(os.path.exists(self.log), "podman takes the whole file for one JSON document")


if __name__ == "__main__":
    unittest.main()
