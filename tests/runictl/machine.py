"""A machine's root directory, on which one thing is wrong or none, for runictl check to look at."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from bed.case import built

HERE = os.path.dirname(os.path.abspath(__file__))
DEPLOY = os.path.join(HERE, "..", "..", "deploy")
CONTAINERD = "etc/containerd/config.toml"
DROP_IN = "etc/containerd/conf.d/runi.toml"
CRIO = "etc/crio/crio.conf.d/10-runi.conf"
PODMAN = "etc/containers/containers.conf.d/50-runi.conf"
DOCKER = "etc/docker/daemon.json"
PACKAGED_CRIO = """
[crio.runtime]
default_runtime = "crun"
[crio.runtime.runtimes.crun]
runtime_path = "/usr/libexec/crio/crun"
runtime_root = "/run/crun"
monitor_path = "/usr/libexec/crio/conmon"
allowed_annotations = ["io.containers.trace-syscall"]
[crio.runtime.runtimes.runc]
runtime_path = "/usr/libexec/crio/runc"
runtime_root = "/run/runc"
monitor_path = "/usr/libexec/crio/conmon"
"""
IMPORTS = 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'


class Check(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.runictl, runi, init = built("RUNICTL"), built("RUNI"), built("RUNI_INIT")
        # A development build looks for its configuration beside itself.
        self.etc_runi = os.path.join(os.path.dirname(os.path.dirname(runi)), "etc", "runi").lstrip("/")
        self.root = tempfile.mkdtemp(prefix="check-", dir=os.path.dirname(os.path.dirname(runi)))
        self.addCleanup(shutil.rmtree, self.root)
        os.chmod(self.root, 0o755)
        self.install(runi, "usr/local/sbin/runi")
        self.install(init, "usr/local/libexec/runi/runi-init")
        self.write("usr/sbin/runc", "#!/bin/sh\nexit 1\n", mode=0o755)

    def path(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def install(self, program, name):
        shutil.copyfile(program, self.path(name))
        os.chmod(self.path(name), 0o755)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def deploy(self, name, target, *changes):
        """A file of deploy/ put to its place, changed; each change must hit."""
        with open(os.path.join(DEPLOY, name), encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            changed = re.sub(old, new, text)
            self.assertNotEqual(changed, text, f"{old} does not occur in {name}")
            text = changed
        self.write(target, text)

    def install_crio(self):
        """CRI-O as its own packages install it."""
        for name in ("conmon", "crun", "runc"):
            self.write(f"usr/libexec/crio/{name}", "", mode=0o755)
        self.write("etc/crio/crio.conf.d/10-crio.conf", PACKAGED_CRIO)

    def deploy_crio(self, *changes):
        """runi beside it; the changes are to the drop-in."""
        self.install_crio()
        self.deploy("crio/upstream/10-runi.conf", CRIO, *changes)
        self.deploy("crio/upstream/runi.json", os.path.join(self.etc_runi, "runi.json"))

    def version(self):
        done = subprocess.run([self.runictl, "--version"], check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.split()[1]

    def call(self, *args, **keywords):
        return subprocess.run([self.runictl, "check", *args], check=False, stdin=subprocess.DEVNULL, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)

    def check(self, *args):
        """All findings, after a look at the status that goes with them."""
        done = self.call("--json", "--root", self.root, *args)
        self.assertEqual(done.stderr, b"")
        answer = json.loads(done.stdout)
        problems = [finding for finding in answer["findings"] if finding["severity"] == "problem"]
        self.assertEqual(answer["problems"], len(problems))
        self.assertEqual(done.returncode, 1 if problems else 0, answer)
        for finding in answer["findings"]:
            if finding["severity"] in ("problem", "warning"):
                self.assertTrue(finding.get("action"), f"does not say what to do: {finding}")
        return answer["findings"]

    @staticmethod
    def above_notes(findings):
        return [finding for finding in findings if finding["severity"] in ("problem", "warning")]

    def assert_right(self, subject, *words):
        """Nothing is wrong, and the subject's entry is named as right."""
        findings = self.check()
        self.assertEqual(self.above_notes(findings), [])
        for word in words:
            self.assertTrue([f for f in findings if f["subject"] == subject and f["severity"] == "ok"
                             and word in f["what"]], findings)

    def assert_finds(self, severity, words, where=None):
        """Exactly one thing is wrong, and it is this."""
        found = self.above_notes(self.check())
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0]["severity"], severity, found)
        self.assertIn(words, found[0]["what"])
        if where:
            self.assertRegex(found[0].get("where", ""), "^" + where + "$")
