"""runictl check finds each mistake there can be in runi itself, its configuration, the log, the runtime and the init.

Most tests build the root directory of a machine and have it looked at with --root.
"""

import json
import os
import shutil
import socket
import subprocess
import unittest

from bed import world
from bed.case import built
from machine import CONTAINERD, DOCKER, Check


class Parts(Check):
    """runi itself, its configuration, the runtime and the init."""

    def test_runi_missing(self):
        os.unlink(self.path("usr/local/sbin/runi"))
        self.assertIn("not found", self.above_notes(self.check())[0]["what"])

    def test_runi_that_others_may_write(self):
        os.chmod(self.path("usr/local/sbin/runi"), 0o775)
        self.assert_finds("problem", "writable by users other", "/usr/local/sbin/runi")

    def test_runi_that_cannot_be_run(self):
        os.chmod(self.path("usr/local/sbin/runi"), 0o644)
        self.assert_finds("problem", "not executable", "/usr/local/sbin/runi")

    def test_runi_elsewhere(self):
        os.rename(self.path("usr/local/sbin/runi"), self.path("opt/runi/runi"))
        self.install(built("RUNI_INIT"), "opt/runi/runi-init")
        self.write(DOCKER, '{"runtimes": {"init": {"path": "/opt/runi/runi"}}}')
        self.assert_right("docker", "/opt/runi/runi")
        self.assert_right("runi", "/opt/runi/runi")

    def test_files_that_are_none(self):
        configuration = os.path.join(self.etc_runi, "config.json")
        for name in (CONTAINERD, DOCKER, configuration, "usr/local/libexec/runi/fifo"):
            os.mkfifo(self.path(name))
        os.remove(self.path("usr/local/libexec/runi/runi-init"))
        os.symlink("fifo", self.path("usr/local/libexec/runi/runi-init"))
        found = [f for f in self.check() if "not a regular file" in f["what"]]
        self.assertEqual({f["where"] for f in found}, {"/" + CONTAINERD, "/" + DOCKER, "/" + configuration}, found)
        self.assertEqual({f["where"] for f in found if f["severity"] == "note"} & {"/" + CONTAINERD, "/" + DOCKER},
                         {"/" + CONTAINERD, "/" + DOCKER})
        os.remove(self.path(configuration))
        self.assert_finds("problem", "not a regular file", "/usr/local/libexec/runi/runi-init")

    def test_link_of_any_name(self):
        """It leads to runi, so it is a handler, with a configuration of its own."""
        os.symlink("runi", self.path("usr/local/sbin/runicrun"))
        os.symlink("/usr/sbin/runc", self.path("usr/local/sbin/other"))
        self.write(os.path.join(self.etc_runi, "runicrun.json"), '{"runtime": "/opt/crun"}')
        self.assert_finds("problem", "handler runicrun: /opt/crun does not exist")
        self.write("opt/crun", "", mode=0o755)
        self.assert_right("configuration", "runicrun.json")

    def test_configuration_before_it_is_put_in_place(self):
        draft = os.path.join(self.root, "draft.json")
        os.makedirs(os.path.dirname(self.path(os.path.join(self.etc_runi, "x"))), exist_ok=True)
        self.write(os.path.join(self.etc_runi, "config.json"), "{")  # another that is broken is no matter
        self.write("draft.json", '{"runtime": "/opt/crun"}')
        self.write("opt/crun", "", mode=0o755)
        findings = self.check("--config", draft)
        self.assertEqual([(f["severity"], f["subject"]) for f in findings],
                         [("ok", "configuration"), ("ok", "runtime"), ("ok", "init")])
        for text, subject, words in (('{"inject": "sometimes"}', "configuration", "/inject: expected"),
                                     ('{"runtime": "/opt/runc"}', "runtime", "/opt/runc does not exist"),
                                     ('{"init": {"path": "/opt/init"}}', "init", "/opt/init does not exist")):
            self.write("draft.json", text)
            found = self.above_notes(self.check("--config", draft))
            self.assertEqual([(f["severity"], f["subject"]) for f in found], [("problem", subject)], found)
            self.assertIn(words, found[0]["what"])

    def test_link_with_a_name_of_crun(self):
        os.symlink("runi", self.path("usr/local/sbin/crun-runi"))
        self.assert_finds("problem", "one of its handlers", "/usr/local/sbin/crun-runi")

    def elsewhere(self, configuration):
        """A runi where another prefix has its own etc/runi, and what that says."""
        self.install(built("RUNI"), "opt/runi/bin/runi")
        self.install(built("RUNI_INIT"), "opt/runi/bin/runi-init")
        self.write(DOCKER, '{"runtimes": {"other": {"path": "/opt/runi/bin/runi"}}}')
        self.write("opt/runi/etc/runi/config.json", configuration)

    def test_configuration_beside_the_program(self):
        self.elsewhere('{"inject": "sometimes"}')
        self.assert_finds("problem", "/inject: expected", "/opt/runi/etc/runi/config.json")
        self.elsewhere('{"runtime": "/opt/crun"}')
        self.assert_finds("problem", "handler runi: /opt/crun does not exist")
        self.write("opt/crun", "", mode=0o755)
        self.assert_right("configuration", "/opt/runi/etc/runi/config.json")
        self.assert_right("runtime", "/opt/crun")
        self.assert_right("runtime", "/usr/sbin/runc")

    def test_configuration_beside_the_program_that_is_not_read(self):
        self.elsewhere("{")
        self.write(os.path.join(self.etc_runi, "config.json"), "{}")
        findings = self.check()
        self.assertEqual(self.above_notes(findings), [])
        self.assertEqual([f["what"] for f in findings if f.get("where") == "/opt/runi/etc/runi/config.json"],
                         [f"not read: /{self.etc_runi}/config.json comes before it"])

    def test_configuration_broken(self):
        path = os.path.join(self.etc_runi, "config.json")
        self.write(path, '{"inject": "sometimes"}')
        self.assert_finds("problem", "/inject: expected", "/" + path)

    def test_configuration_of_nobody(self):
        path = os.path.join(self.etc_runi, "runi-x.json")
        self.write(path, "{}")
        findings = self.check()
        self.assertEqual(self.above_notes(findings), [])
        self.assertTrue([f for f in findings if f["severity"] == "note" and f.get("where") == "/" + path])

    def test_configuration_that_others_may_write(self):
        path = os.path.join(self.etc_runi, "config.json")
        self.write(path, "{}", mode=0o666)
        self.assert_finds("problem", "writable by users other", "/" + path)

    def test_runtime_missing(self):
        os.unlink(self.path("usr/sbin/runc"))
        self.assert_finds("problem", "neither runc nor crun")
        self.write(os.path.join(self.etc_runi, "config.json"), '{"runtime": "/opt/runc"}')
        self.assert_finds("problem", "/opt/runc does not exist")

    def test_runtime_that_is_runi(self):
        self.write(os.path.join(self.etc_runi, "config.json"), '{"runtime": "/usr/local/sbin/runi"}')
        self.assert_finds("problem", "is runi itself")

    def test_runtime_without_processes(self):
        self.write("usr/bin/krun", "", mode=0o755)
        self.write(os.path.join(self.etc_runi, "config.json"), '{"runtime": "/usr/bin/krun"}')
        self.assert_finds("warning", "no container gets the init")

    def test_init_missing(self):
        os.unlink(self.path("usr/local/libexec/runi/runi-init"))
        self.assert_finds("problem", "neither /usr/local/sbin/runi-init nor /usr/local/libexec/runi/runi-init exists")

    def test_init_that_cannot_be_used(self):
        init = self.path("usr/local/libexec/runi/runi-init")
        os.chmod(init, 0o700)
        self.assert_finds("problem", "not readable and executable by all", "/usr/local/libexec/runi/runi-init")
        os.chmod(init, 0o757)
        self.assert_finds("problem", "writable by users other")
        os.chmod(init, 0o755)
        shutil.copyfile("/bin/ls", init)
        self.assert_finds("problem", "needs a dynamic loader")
        self.install(os.environ.get("RUNI_INIT_ARM64", "/nowhere") if os.uname().machine == "x86_64" and
                     os.path.exists(os.environ.get("RUNI_INIT_ARM64", "/nowhere")) else self.foreign(), os.path.relpath(init, self.root))
        self.assert_finds("problem", "another architecture")

    def foreign(self):
        """A program of a machine that there is none of."""
        with open(built("RUNI_INIT"), "rb") as file:
            program = bytearray(file.read())
        program[18:20] = b"\xff\xfe"  # e_machine
        with open(self.path("foreign"), "wb") as file:
            file.write(program)
        return self.path("foreign")

    def test_init_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: gives a file away")
        os.chown(self.path("usr/local/libexec/runi/runi-init"), 65534, 65534)
        self.assert_finds("problem", "belongs to user 65534", "/usr/local/libexec/runi/runi-init")

    def test_init_that_lends_rights(self):
        os.chmod(self.path("usr/local/libexec/runi/runi-init"), 0o4755)
        self.assert_finds("problem", "set-user-ID", "/usr/local/libexec/runi/runi-init")

    def test_init_on_a_file_system_without_programs(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: mounts a file system")
        folder = os.path.dirname(self.path("usr/local/libexec/runi/runi-init"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,mode=755", "tmpfs", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", folder], check=True)
        self.install(built("RUNI_INIT"), "usr/local/libexec/runi/runi-init")
        self.assert_finds("problem", "mounted noexec")

    def test_label_of_selinux(self):
        self.write("sys/fs/selinux/enforce", "1")
        self.assert_finds("problem", "no SELinux label")
        init = self.path("usr/local/libexec/runi/runi-init")
        for label, usable in (("system_u:object_r:bin_t:s0", True), ("system_u:object_r:container_ro_file_t:s0", True),
                              ("system_u:object_r:container_runtime_exec_t:s0", True),
                              ("system_u:object_r:usr_t:s0", False), ("unconfined_u:object_r:user_home_t:s0", False)):
            try:
                os.setxattr(init, "security.selinux", label.encode() + b"\0")
            except OSError as error:
                self.skipTest(f"needs to set an SELinux label: {error.strerror}")
            if usable:
                self.assertEqual(self.above_notes(self.check()), [], label)
            else:
                self.assert_finds("problem", label.split(":")[2])

    def test_links_do_not_lead_out_of_the_root(self):
        init = self.path("usr/local/libexec/runi/runi-init")
        os.rename(init, self.path("usr/local/libexec/runi/real"))
        os.symlink("/usr/local/libexec/runi/real", init)
        self.assertEqual(self.above_notes(self.check()), [])
        os.unlink(self.path("usr/sbin/runc"))
        os.symlink(os.path.realpath("/bin/ls"), self.path("usr/sbin/runc"))
        self.assert_finds("problem", "neither runc nor crun")


class Log(Check):
    def configure(self, text):
        self.write(os.path.join(self.etc_runi, "config.json"), text)

    def test_without_a_directory(self):
        self.configure('{"log": {"sink": "file", "file": "/var/log/runi/log"}}')
        self.assert_finds("warning", "the directory of the log is missing: /var/log/runi/log, so containers that start "
                          "without an init go unnoticed")
        self.path("var/log/runi/log")  # makes the directory
        self.assertEqual(self.above_notes(self.check()), [])

    def test_of_an_image_nothing_is_said(self):
        self.assertEqual([f for f in self.check() if f["subject"] == "log"], [])

    def test_that_nobody_hears(self):
        if world.ENTERED not in os.environ:
            self.skipTest("needs a world of its own: tests/run.py makes one, for root")
        devices = self.path("dev")
        os.mkdir(devices)
        subprocess.run(["mount", "--rbind", "/dev", devices], check=True)
        self.addCleanup(subprocess.run, ["umount", "--recursive", "--lazy", devices], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/dev"], check=True)
        os.symlink(os.path.join(devices, "null"), "/dev/null")
        self.assertEqual(self.said("{}"), ["warning"])
        self.assertEqual(self.said('{"onFailure": "fail"}'), ["note"])
        self.assertEqual(self.said('{"log": {"sink": "none"}}'), [])
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_UNIX, kind) as listener:
                listener.bind("/dev/log")
                if kind == socket.SOCK_DGRAM:
                    self.assertEqual(self.said("{}"), [])
                else:
                    self.assertEqual(self.said("{}"), ["warning"])
                    listener.listen()
                    self.assertEqual(self.said("{}"), [])
            os.unlink("/dev/log")

    def said(self, configuration):
        """How grave is what is said of the log of such a configuration on this machine."""
        self.write("draft.json", configuration)
        answer = json.loads(self.call("--json", "--config", self.path("draft.json")).stdout)
        return [f["severity"] for f in answer["findings"] if f["subject"] == "log"]


if __name__ == "__main__":
    unittest.main()
