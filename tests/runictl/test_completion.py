"""The completions in deploy/ offer, in the real shells, all that runictl --help lists, and nothing else."""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

from bed.case import built, need

COMPLETION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "completion")


class Completion(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.runictl = built("RUNICTL")
        self.home = tempfile.mkdtemp(prefix="completion-")
        self.addCleanup(shutil.rmtree, self.home)
        os.makedirs(os.path.join(self.home, "folder"))
        with open(os.path.join(self.home, "file"), "w", encoding="utf-8"):
            pass
        self.environment = {"PATH": os.path.dirname(self.runictl) + ":/usr/bin:/bin", "HOME": self.home, "TERM": "xterm",
                            "LC_ALL": "C.UTF-8"}

    def run_shell(self, *argv):
        return subprocess.run(argv, check=True, capture_output=True, text=True, env=self.environment, cwd=self.home,
                              timeout=30, stdin=subprocess.DEVNULL).stdout.split("\n")

    def help(self, *command):
        text = subprocess.run([self.runictl, *command, "--help"], check=True, capture_output=True, text=True).stdout
        options = set(re.findall(r"--[a-z-]+", "\n".join(re.findall(r"(?m)^  -.*", text))))
        commands = set()
        if "Commands:" in text:
            commands = set(re.findall(r"(?m)^  ([a-z]+)", text.partition("Commands:")[2]))
        return options, commands

    def check_all(self):
        """Compares what self.offers(line) gives with the help, for every command."""
        options, commands = self.help()
        self.assertLessEqual({"--help", "--version"}, options)
        self.assertLessEqual({"explain", "check"}, commands)
        self.assertEqual(set(self.offers("runictl ")), commands)
        self.assertEqual(set(self.offers("runictl ex")), {command for command in commands if command.startswith("ex")})
        self.assertEqual(set(self.offers("runictl --")), options)
        for command in commands:
            options, _ = self.help(command)
            self.assertIn("--json", options)
            self.assertEqual(set(self.offers(f"runictl {command} --")), options, command)
        self.assertEqual(set(self.offers("runictl explain --bundle ")), {"folder/"})
        self.assertEqual({name.rstrip("/") for name in self.offers("runictl explain --config ")}, {"folder", "file"})
        self.assertIn("runi", self.offers("runictl check --handler "))


class Bash(Completion):
    def offers(self, line):
        words = line.split(" ")
        script = ('source "$1"; shift; complete -p runictl >/dev/null || exit; COMP_WORDS=("$@"); '
                  'COMP_CWORD=$(($# - 1)); _runictl; printf "%s\\n" "${COMPREPLY[@]}"')
        file = os.path.join(COMPLETION, "runictl.bash")
        found = self.run_shell(need("bash"), "--norc", "-c", script, "bash", file, *words)
        # Readline puts the slash behind directories where the completion says that it offers file names.
        return [name + "/" if os.path.isdir(os.path.join(self.home, name)) else name for name in found if name]

    def test_offers_what_there_is(self):
        self.check_all()


class Fish(Completion):
    def offers(self, line):
        file = os.path.join(COMPLETION, "runictl.fish")
        found = self.run_shell(need("fish"), "--no-config", "-c", f"source {file}; complete -C '{line}'")
        return [name.partition("\t")[0] for name in found if name]

    def test_offers_what_there_is(self):
        self.check_all()


class Zsh(Completion):
    """zsh completes only in a line editor, so it gets a terminal."""

    def setUp(self):
        super().setUp()
        zsh = need("zsh")
        functions = os.path.join(self.home, "folder", "functions")
        os.makedirs(functions)
        shutil.copy(os.path.join(COMPLETION, "_runictl"), functions)
        child, self.terminal = pty.fork()
        if child == 0:
            os.chdir(self.home)
            os.execve(zsh, ["zsh", "-f", "-i"], self.environment)
        self.addCleanup(os.close, self.terminal)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.kill, child, 9)
        self.type("PS1=; PROMPT_EOL_MARK=; unsetopt zle_bracketed_paste; stty cols 200\n")
        self.type(f"fpath=({functions} $fpath); autoload -Uz compinit; compinit -u -D\n")
        # One a line, between marks, instead of a list; nothing is put into the line.
        self.type("zstyle ':completion:*' list-colors ''; LISTMAX=1000; setopt no_list_beep no_auto_menu no_list_packed\n")
        self.type("compadd() { local -a found; builtin compadd -O found \"$@\"; local p=\"$*\"; "
                  "print -rl -- ${found/#/OFFER:} >>$HOME/offers; builtin compadd \"$@\" }; echo rea''dy\n", "ready")

    def type(self, text, expected=None):
        os.write(self.terminal, text.encode())
        seen, deadline = b"", time.monotonic() + 20
        while expected and expected.encode() not in seen:
            self.assertLess(time.monotonic(), deadline, seen)
            if select.select([self.terminal], [], [], 0.2)[0]:
                seen += os.read(self.terminal, 65536)
        return seen

    def offers(self, line):
        file = os.path.join(self.home, "offers")
        with open(file, "w", encoding="utf-8"):
            pass
        # Tab, then the line away, then a mark that says that zsh is through.
        self.type(line + "\t")
        time.sleep(0.1)
        self.type("\x15echo do''ne\n", "done")
        with open(file, encoding="utf-8") as offers:
            found = {word.strip().partition("OFFER:")[2] for word in offers}
        return [word + "/" if os.path.isdir(os.path.join(self.home, word)) else word for word in found
                if word and word != "offers"]

    def test_offers_what_there_is(self):
        self.check_all()


class Installed(unittest.TestCase):
    def test_where_the_shells_look(self):
        build = os.path.dirname(os.path.dirname(built("RUNICTL")))
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["cmake", "--install", build, "--prefix", folder, "--component", "completion"], check=False,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            for path in ("bash-completion/completions/runictl", "zsh/site-functions/_runictl",
                         "fish/vendor_completions.d/runictl.fish"):
                self.assertTrue(os.path.isfile(os.path.join(folder, "share", path)), done.stdout)


if __name__ == "__main__":
    unittest.main()
