"""What runictl explain says of a container is what runi does with it."""

import glob
import json
import os
import pty
import resource
import shutil
import subprocess
import tempfile
import unittest

from bed.case import built

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
FAKE_STATUS = 43  # what the fake runtime ends with
REASONS = ["not-a-start", "disabled", "no-process", "sandbox", "shared-pid", "has-init", "wants-pid1", "not-a-process",
           "no-command", "set-user-id", "one-process", "seccomp", "no-place", "inject"]


class Explain(unittest.TestCase):
    """A bundle, and a runi of a name of its own in front of the fake runtime."""

    maxDiff = None

    def setUp(self):
        self.runictl, runi = built("RUNICTL"), built("RUNI")
        fake = os.path.join(os.path.dirname(runi), "fake_runtime")
        if not os.path.exists(fake):
            self.skipTest(f"needs {fake}: not built")
        self.folder = tempfile.mkdtemp(prefix="explain-", dir=os.path.dirname(os.path.dirname(runi)))
        self.addCleanup(shutil.rmtree, self.folder)
        self.handler = f"runi-{os.path.basename(self.folder)}"
        self.runi = os.path.join(self.folder, self.handler)
        os.symlink(runi, self.runi)
        self.fake = shutil.copy(fake, os.path.join(self.folder, "runc"))
        configurations = os.path.join(os.path.dirname(os.path.dirname(runi)), "etc", "runi")
        os.makedirs(configurations, exist_ok=True)
        self.configuration = os.path.join(configurations, self.handler + ".json")
        self.addCleanup(lambda: os.path.exists(self.configuration) and os.unlink(self.configuration))
        self.bundle = os.path.join(self.folder, "bundle")
        os.makedirs(os.path.join(self.bundle, "rootfs"))
        for command in ("app", "sh", "/bin/sh", "/bin/sleep", "/bin/true", "/sbin/tini"):
            self.provide(command)
        self.config = os.path.join(self.bundle, "config.json")
        self.configure()

    def configure(self, **settings):
        with open(self.configuration, "w", encoding="utf-8") as file:
            json.dump({"runtime": self.fake, **settings}, file)

    def write(self, content):
        with open(self.config, "wb") as file:
            file.write(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())

    def provide(self, command):
        """Puts a program of that name into the root directory, where every engine's PATH leads."""
        path = os.path.join(self.bundle, "rootfs", os.path.join("usr/bin", command).lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            os.chmod(path, 0o755)

    def call(self, *args, **keywords):
        return subprocess.run([self.runictl, "explain", "--handler", self.handler, *args], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **keywords)

    def explain(self, *args, **keywords):
        """The answer as JSON, after a look at the status that goes with it."""
        done = self.call("--json", *(args or ["--bundle", self.bundle]), **keywords)
        self.assertEqual(done.stderr, b"")
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if answer["outcome"] in ("fallback", "refused") else 0)
        self.assertEqual(answer["outcome"] in ("fallback", "refused"), answer["error"] is not None)
        return answer

    def start(self):
        """What runi does: whether the runtime was reached, the bytes it finds, and the error."""
        done = subprocess.run([self.runi, "create", "--bundle", self.bundle, "id"], check=False, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with open(self.config, "rb") as file:
            return done.returncode == FAKE_STATUS, file.read(), done.stderr.decode(errors="replace")

    @staticmethod
    def apply(original, edit):
        """The changes of an answer, made."""
        for change in sorted(edit["changes"], key=lambda change: change["offset"], reverse=True):
            end = change["offset"] + change["removed"]
            original = original[:change["offset"]] + change["inserted"].encode() + original[end:]
        return original

    def compare(self, original):
        """Explains original, starts it, and returns the outcome that both agreed on."""
        self.write(original)
        answer = self.explain()
        with open(self.config, "rb") as file:
            self.assertEqual(file.read(), original, "explain changed the file")
        reached, found, stderr = self.start()
        self.assertEqual(reached, answer["outcome"] != "refused", stderr)
        if answer["outcome"] == "refused":
            self.assertEqual(stderr, f"runi: {answer['error']}\n")
        else:
            self.assertEqual(stderr, "")
        self.assertEqual(answer["edit"] is not None, answer["outcome"] == "init")
        self.assertEqual(found, self.apply(original, answer["edit"]) if answer["edit"] else original)
        self.check_rows(answer)
        return answer["outcome"]

    def check_rows(self, answer):
        if not answer["rows"]:
            return
        self.assertEqual([row["reason"] for row in answer["rows"]], REASONS)
        decisive = [row for row in answer["rows"] if row["reached"] and row["fits"]]
        self.assertEqual([row["reason"] for row in decisive], [answer["reason"]])
        self.assertTrue(decisive[0]["evidence"])
        after = answer["rows"][REASONS.index(answer["reason"]) + 1:]
        self.assertFalse(any(row["reached"] for row in after))


class Golden(Explain):
    """All files of engines, and all hostile ones."""

    def each(self, **settings):
        outcomes = {}
        self.configure(**settings)
        files = sorted(glob.glob(os.path.join(GOLDEN, "inputs", "*")) + glob.glob(os.path.join(GOLDEN, "hostile", "*")))
        self.assertGreater(len(files), 100)
        for path in files:
            with self.subTest(os.path.basename(path)), open(path, "rb") as file:
                outcome = self.compare(file.read())
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
        return outcomes

    def test_by_default(self):
        outcomes = self.each()
        self.assertEqual(set(outcomes), {"init", "plain", "fallback"}, outcomes)

    def test_failing_rather_than_falling_back(self):
        outcomes = self.each(onFailure="fail")
        self.assertEqual(set(outcomes), {"init", "plain", "refused"}, outcomes)

    def test_with_all_that_can_be_configured(self):
        outcomes = self.each(sharedPid="subreaper", skipCommands=["true"], init={"forward": "group"})
        self.assertEqual(set(outcomes), {"init", "plain", "fallback"}, outcomes)

    def test_where_inject_is_never(self):
        self.assertEqual(set(self.each(inject="never")), {"plain"})

    def test_where_inject_is_annotated(self):
        self.assertIn("plain", self.each(inject="annotated"))

    def test_without_an_init(self):
        outcomes = self.each(init={"path": "/no/such/init"}, onFailure="fail")
        self.assertEqual(set(outcomes), {"plain", "refused"}, outcomes)


class Ways(Explain):
    SPEC = {"process": {"args": ["app"], "env": ["PATH=/usr/bin"]}, "root": {"path": "rootfs"},
            "linux": {"namespaces": [{"type": "pid"}]}, "mounts": [{"destination": "/dev", "type": "tmpfs"}]}

    def spec(self, **changes):
        return json.dumps({**self.SPEC, **changes}).encode()

    def test_from_a_bundle_a_file_and_standard_input_it_is_the_same(self):
        self.write(self.spec())
        answers = [self.explain("--bundle", self.bundle), self.explain("--config", self.config),
                   self.explain("-", input=self.spec(), cwd=self.bundle)]
        for answer in answers:
            self.assertEqual(answer["outcome"], "init")
            self.assertEqual(answer["edit"], answers[0]["edit"])
        self.assertIn("not looked at", answers[2]["root"])
        self.assertEqual(answers[0]["root"], "rootfs")
        in_bundle = subprocess.run([self.runictl, "explain", "--handler", self.handler], cwd=self.bundle, check=False,
                                   capture_output=True, timeout=60)
        self.assertEqual(in_bundle.returncode, 0, in_bundle.stderr)

    def test_a_row_that_is_not_reached_says_whether_it_would_fit(self):
        self.write(self.spec(process={"args": ["/sbin/tini"]}, annotations={"runi.dev/init": "false"}))
        answer = self.explain()
        self.assertEqual((answer["outcome"], answer["reason"]), ("plain", "disabled"))
        fitting = {row["reason"] for row in answer["rows"] if row["fits"]}
        self.assertEqual(fitting, {"disabled", "has-init"})
        self.assertEqual(answer["annotations"], {"runi.dev/init": "false"})
        text = self.call("--bundle", self.bundle).stdout.decode()
        self.assertRegex(text, r"(?m)^disabled +decides +annotation runi.dev/init is false$")
        self.assertRegex(text, r"(?m)^has-init +not reached, would match +command")
        self.assertRegex(text, r"(?m)^wants-pid1 +not reached, would not match *$")

    def test_a_container_that_has_the_init_already(self):
        for settings in ({}, {"inject": "never"}, {"onFailure": "fail", "init": {"path": "/no/such/init"}}):
            with self.subTest(settings):
                self.configure()
                self.write(self.spec())
                self.start()
                self.configure(**settings)
                answer = self.explain()
                self.assertEqual((answer["outcome"], answer["edit"]), ("injected", None))
                self.assertRegex(answer["injected"], r"^\d+\.\d+\.\d+$")
                text = self.call("--bundle", self.bundle).stdout.decode()
                self.assertRegex(text, rf"(?m)^The container has the init already: runi {answer['injected']} put it at "
                                 r"/dev/.runi-init$")
        self.configure(inject="sometimes")
        self.assertEqual(self.explain()["outcome"], "refused")

    def test_what_only_looks_as_if_it_had_the_init(self):
        for changes in ({"process": {"args": ["/dev/.runi-init", "--", "app"]}},
                        {"annotations": {"runi.dev/injected": "0.0.0"}, "process": {"args": ["tini", "app"]}}):
            self.write(self.spec(**changes))
            answer = self.explain()
            self.assertEqual((answer["outcome"], answer["reason"], answer["injected"]), ("plain", "has-init", None))

    def test_a_container_without_a_command_is_asked_every_row(self):
        self.write(self.spec(process={}, annotations={"run.oci.handler": "wasm"}))
        answer = self.explain()
        self.assertEqual(answer["reason"], "no-process")
        self.assertEqual({row["reason"] for row in answer["rows"] if row["fits"]}, {"no-process", "not-a-process"})

    def test_the_diff_is_one_that_patch_takes(self):
        if not shutil.which("patch"):
            self.skipTest("needs patch")
        with open(os.path.join(GOLDEN, "inputs", "cri-own-pid-container.json"), "rb") as file:
            original = file.read()
        self.write(original)
        edited = self.apply(original, self.explain()["edit"])
        text = self.call("--bundle", self.bundle).stdout.decode()
        diff = os.path.join(self.folder, "diff")
        with open(diff, "w", encoding="utf-8") as file:
            file.write(text[text.index("--- "):])
        laid_out = os.path.join(self.folder, "laid-out")
        with open(laid_out, "w", encoding="utf-8") as file:
            json.dump(json.loads(original), file, indent=2, ensure_ascii=False)
            file.write("\n")
        done = subprocess.run(["patch", "--batch", laid_out, diff], check=False, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(laid_out, encoding="utf-8") as file:
            self.assertEqual(json.load(file), json.loads(edited))

    def test_a_broken_configuration_is_what_is_explained(self):
        self.write(self.spec())
        self.configure(inject="sometimes")
        answer = self.explain()
        self.assertEqual(answer["outcome"], "refused")
        self.assertIn("/inject: expected", answer["error"])
        reached, _, stderr = self.start()
        self.assertFalse(reached)
        self.assertEqual(stderr, f"runi: {answer['error']}\n")

    def test_a_runtime_that_is_runi_is_found_out(self):
        self.write(self.spec())
        self.fake = self.runi
        self.configure()
        answer = self.explain()
        self.assertEqual(answer["outcome"], "refused")
        self.assertIn("is runi itself", answer["error"])
        self.assertEqual(self.start()[2], f"runi: {answer['error']}\n")

    def test_the_container_cannot_write_to_the_terminal(self):
        self.write({**self.SPEC, "process": {"args": ["tini\x1b]0;title\x07\x9b31m\u202e"]},
                    "annotations": {"runi.dev/x": "\x1b[2J\r\n"}})
        done = self.call("--bundle", self.bundle)
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertNotIn(b"\r", done.stdout)
        self.assertNotIn("\x9b".encode(), done.stdout)
        self.assertIn(rb"\x1b[2J", done.stdout)
        self.assertNotIn("\u202e".encode(), done.stdout)
        self.assertIn(rb"\u202e", done.stdout)
        answer = self.call("--json", "--bundle", self.bundle).stdout
        self.assertFalse([byte for byte in answer if byte != ord("\n") and not 0x20 <= byte < 0x7f], answer)
        self.write({"process": {"args": ["\x1b"]}, "root": {"path": "\x1b[1m"}})
        self.assertNotIn(b"\x1b", self.call("--bundle", self.bundle).stdout)

    def test_usage_that_is_wrong_ends_with_2(self):
        self.write(self.spec())
        for args, words in ((["--bundle", "/no/such"], "/no/such/config.json: no such file"),
                            (["--config", "/no/such"], "/no/such: no such file"),
                            (["word"], "no container word"),
                            (["--bundle", self.bundle, "-"], "excludes"),
                            (["--no-such-option"], "--no-such-option"),
                            (["--handler", "../x"], "without a slash")):
            done = subprocess.run([self.runictl, "explain", *args], check=False, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (2, b""), args)
            message = done.stderr.decode()
            self.assertTrue(message.startswith("runictl: ") and message.count("\n") == 1, message)
            self.assertIn(words, message)

    def test_output_that_cannot_be_written_is_an_error(self):
        self.write(self.spec())
        with open("/dev/full", "wb") as full:
            done = subprocess.run([self.runictl, "explain", "--bundle", self.bundle], check=False, timeout=60,
                                  stdout=full, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (2, b"runictl: standard output: write: No space left on device\n"))
        with open(os.path.join(self.bundle, "output"), "wb") as file:
            done = subprocess.run([self.runictl, "explain", "--bundle", self.bundle], check=False, timeout=60, stdout=file,
                                  stderr=subprocess.PIPE, restore_signals=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)))
        self.assertEqual((done.returncode, done.stderr), (2, b"runictl: standard output: write: File too large\n"))


class Colours(Explain):
    def on_a_terminal(self, **environment):
        self.write(Ways.SPEC)
        leader, follower = pty.openpty()
        with subprocess.Popen([self.runictl, "explain", "--bundle", self.bundle], stdout=follower,
                              env={"PATH": "/bin", **environment}) as process:
            os.close(follower)
            output = b""
            try:
                while block := os.read(leader, 65536):
                    output += block
            except OSError:  # the end of a pseudoterminal
                pass
            os.close(leader)
            process.wait(60)
        self.assertIn(b"inject", output)
        return output

    def test_on_a_terminal_only(self):
        self.assertIn(b"\x1b[", self.on_a_terminal(TERM="xterm"))
        self.assertNotIn(b"\x1b[", self.on_a_terminal(TERM="dumb"))
        self.assertNotIn(b"\x1b[", self.on_a_terminal())
        self.assertNotIn(b"\x1b[", self.call("--bundle", self.bundle, env={"TERM": "xterm"}).stdout)

    def test_not_where_NO_COLOR_is_set(self):
        self.assertNotIn(b"\x1b[", self.on_a_terminal(TERM="xterm", NO_COLOR="1"))
        self.assertIn(b"\x1b[", self.on_a_terminal(TERM="xterm", NO_COLOR=""))


if __name__ == "__main__":
    unittest.main()
