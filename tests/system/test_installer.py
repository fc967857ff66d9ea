"""runictl install and uninstall on a machine's files: what they leave, what they refuse, and that they undo themselves."""

import fcntl
import json
import os
import subprocess
import unittest

from bed.case import Case, built, need
from bed.containerd import containerd_of
from bed.node import Node

MAIN = "/etc/containerd/config.toml"
DROP_IN = "/etc/containerd/conf.d/runi.toml"
PODMAN = "/etc/containers/containers.conf.d/runi.conf"
DOCKER = "/etc/docker/daemon.json"
RECORD = "/var/lib/runi/install.json"
FILES_ONLY = ("--restart", "none")
ROUNDS = int(os.environ.get("RUNI_TEST_ROUNDS", "2"))
IMPORTS = 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
SYSTEMD = """[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"  # kept
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = true
"""


class Files(Case):
    def setUp(self):
        super().setUp()
        self.node = Node(self)

    def use_containerd(self, text="version = 2\n" + SYSTEMD):
        need("containerd")
        self.node.write(MAIN, text)

    def install(self, engine, *options, status=0):
        return self.node.answer("install", "--engine", engine, *FILES_ONLY, *options, status=status)

    def uninstall(self, *options, status=0):
        return self.node.answer("uninstall", *FILES_ONLY, *options, status=status)

    def assert_refused(self, words, command="install", *options):
        before = self.node.tree()
        answer = self.node.answer(command, *FILES_ONLY, *options, status=3)
        self.assertIn(words, answer["refused"])
        self.assertEqual(self.node.tree(), before)
        return answer["refused"]


class Rounds(Files):
    """Each way in which a handler is added, and every byte as it was when it is taken away again."""

    def assert_rounds(self, engine, config, words, *options):
        before = self.node.tree()
        for _ in range(ROUNDS):
            answer = self.install(engine, *options)
            self.assertTrue(answer["done"])
            self.assertIn(words, self.node.read(config))
            self.assertEqual(self.install(engine, *options)["steps"], [], "a second time there is nothing to do")
            handler = options[options.index("--handler"):][:2] if "--handler" in options else ()
            self.assertEqual(self.node.runictl("installed", *handler).returncode, 0)
            self.uninstall(*handler)
            self.assertEqual(self.node.tree(), before)
        self.assertEqual(self.uninstall("--engine", engine, *handler)["steps"], [])

    def test_a_block_in_the_file_of_containerd_1(self):
        self.use_containerd()
        self.assert_rounds("containerd", MAIN, "SystemdCgroup = true\n# END runi runi")

    def test_containerd_1_without_a_file(self):
        need("containerd")
        self.assert_rounds("containerd", MAIN, "BinaryName")

    def test_a_block_in_the_file_of_containerd_1_7(self):
        self.node.use(containerd_of("1.7"), "containerd")
        self.use_containerd()
        self.assert_rounds("containerd", MAIN, "SystemdCgroup = true\n# END runi runi")

    def test_the_first_handlers_in_a_file_of_containerd_1_7(self):
        self.node.use(containerd_of("1.7"), "containerd")
        self.use_containerd("version = 2\n")
        self.assert_rounds("containerd", MAIN, 'sandbox_mode = "podsandbox"\n')

    def test_containerd_1_7_without_a_file(self):
        self.node.use(containerd_of("1.7"), "containerd")
        self.assert_rounds("containerd", MAIN, 'sandbox_mode = "podsandbox"\n')

    def test_the_default_of_containerd_1_7(self):
        self.node.use(containerd_of("1.7"), "containerd")
        self.use_containerd()
        self.assert_rounds("containerd", MAIN, 'default_runtime_name = "runi"', "--set-default")

    def test_a_drop_in_of_containerd_2(self):
        self.node.use(containerd_of("2"), "containerd")
        self.use_containerd(IMPORTS + SYSTEMD)
        self.assert_rounds("containerd", DROP_IN, "version = 2\n")

    def test_a_block_in_the_file_of_containerd_2(self):
        self.node.use(containerd_of("2"), "containerd")
        self.use_containerd()
        self.assert_rounds("containerd", MAIN, "SystemdCgroup = true\n# END runi runi")

    def test_the_default_of_containerd_2(self):
        self.node.use(containerd_of("2"), "containerd")
        self.use_containerd(IMPORTS + '[plugins."io.containerd.grpc.v1.cri".containerd]\ndefault_runtime_name = "runc"\n')
        self.assert_rounds("containerd", DROP_IN, 'default_runtime_name = "runi"', "--set-default")

    def test_the_default_of_containerd_1(self):
        self.use_containerd()
        self.assert_rounds("containerd", MAIN, 'default_runtime_name = "runi"', "--set-default")

    def test_podman(self):
        self.assert_rounds("podman", PODMAN, '"krun", "runi"]')

    def test_the_default_of_podman(self):
        self.assert_rounds("podman", PODMAN, 'runtime = "runi"', "--set-default")

    def test_docker_without_a_file(self):
        self.assert_rounds("docker", DOCKER, '"runi": {"path": "/opt/runi/sbin/runi"}')

    def test_docker(self):
        self.node.write(DOCKER, '{\n\t"debug": true, "runtimes": {"x": {"path": "/x"}}}', mode=0o600)
        self.assert_rounds("docker", DOCKER, '"default-runtime": "runi"', "--set-default")

    def test_another_handler_and_another_place(self):
        self.node.write("/usr-local/runc", "#!/bin/sh\n", mode=0o755)
        self.assert_rounds("podman", "/srv/x/etc/runi/other.json", '"runtime": "/usr-local/runc"', "--handler", "other",
                           "--prefix", "/srv/x", "--runtime", "/usr-local/runc")


class Changes(Files):
    def test_a_dry_run_writes_nothing(self):
        self.use_containerd()
        before = self.node.tree()
        done = self.node.runictl("install", "--engine", "containerd", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"+    SystemdCgroup = true", done.stdout)
        self.assertIn(b"restart the engine by systemd", done.stdout)
        self.assertEqual(self.node.tree(), before)
        self.assertFalse(os.path.exists(self.node.path("/run/lock")))

    def test_runictl_check_agrees(self):
        self.use_containerd()
        self.install("containerd")
        done = self.command(built("RUNICTL"), "check", "--root", self.node.root, "--json")
        findings = json.loads(done.stdout)["findings"]
        self.assertEqual([each for each in findings if each["severity"] in ("problem", "warning")], [])
        self.assertIn('handler "runi" calls /opt/runi/sbin/runi', [each["what"] for each in findings])

    def test_programs_stay_until_the_last_engine_needs_them(self):
        before = self.node.tree()
        self.install("podman")
        self.install("docker")
        self.uninstall("--engine", "podman")
        self.assertTrue(os.path.exists(self.node.path("/opt/runi/sbin/runi")))
        self.assertEqual(self.node.runictl("installed").returncode, 0)
        self.uninstall()
        self.assertEqual(self.node.tree(), before)

    def test_owner_mode_and_attributes_of_an_edited_file_stay(self):
        self.node.write(DOCKER, "{}\n", mode=0o640)
        os.chown(self.node.path(DOCKER), 1, 2)
        before = self.node.tree()
        self.install("docker")
        status = os.stat(self.node.path(DOCKER))
        self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o7777), (1, 2, 0o640))
        self.uninstall()
        self.assertEqual(self.node.tree(), before)

    def test_a_file_that_is_a_link_stays_one(self):
        self.node.write("/etc/elsewhere.json", "{}\n")
        os.makedirs(self.node.path("/etc/docker"))
        os.symlink("/etc/elsewhere.json", self.node.path(DOCKER))
        before = self.node.tree()
        self.install("docker")
        self.assertTrue(os.path.islink(self.node.path(DOCKER)))
        self.assertIn("runi", self.node.read("/etc/elsewhere.json"))
        self.uninstall()
        self.assertEqual(self.node.tree(), before)

    def test_a_handler_whose_lines_another_one_s_need_goes_last(self):
        """With no other handler in the file containerd would have lost its own."""
        self.use_containerd("version = 2\n")
        before = self.node.tree()
        for handler in ("runi", "other"):
            self.install("containerd", "--handler", handler)
        self.assert_refused("lines of other handlers of runi's need those", "uninstall")
        self.uninstall("--handler", "other")
        self.uninstall()
        self.assertEqual(self.node.tree(), before)

    def test_what_somebody_has_changed_since_stays(self):
        self.use_containerd()
        self.install("containerd")
        with open(self.node.path(MAIN), "r+", encoding="utf-8") as file:
            text = file.read().replace("# kept", "# changed")
            file.seek(0)
            file.write(text)
            file.truncate()
        self.assertEqual(self.node.runictl("installed").returncode, 0, "the handler is still there")
        with open(self.node.path("/opt/runi/sbin/runi"), "ab") as file:
            file.write(b"x")
        answer = self.uninstall()
        self.assertIn("somebody has changed it since", " ".join(answer["notes"]))
        self.assertEqual(self.node.read(MAIN), ("version = 2\n" + SYSTEMD).replace("# kept", "# changed"))
        self.assertEqual(os.listdir(self.node.path("/opt/runi/sbin")), ["runi"])

    def test_installed_sees_what_is_missing(self):
        self.assertEqual(self.node.runictl("installed").returncode, 1)
        self.install("podman")
        for path, words in ((PODMAN, "the handler is missing or changed"), ("/opt/runi/sbin/runi", "missing or changed")):
            os.rename(self.node.path(path), self.node.path("/etc/away"))
            answer = self.node.answer("installed", status=1)
            self.assertFalse(answer["holds"])
            self.assertIn(words, answer["entries"][0]["faults"][0])
            os.rename(self.node.path("/etc/away"), self.node.path(path))
        self.assertTrue(self.node.answer("installed")["holds"])

    def test_a_second_run_mends_what_is_missing(self):
        self.install("podman")
        whole = self.node.tree()
        for path in (PODMAN, "/opt/runi/sbin/runi", "/opt/runi/libexec/runi/runi-init"):
            os.remove(self.node.path(path))
        self.install("podman")
        self.assertEqual(self.node.tree(), whole)

    def test_a_program_that_cannot_be_executed_anymore(self):
        self.install("podman")
        whole = self.node.tree()
        program = self.node.path("/opt/runi/sbin/runi")
        os.chmod(program, 0o644)
        os.chown(program, 1000, 1000)
        faults = self.node.answer("installed", status=1)["entries"][0]["faults"]
        self.assertEqual(faults, ["/opt/runi/sbin/runi: not a program that can be executed"])
        self.install("podman")
        self.assertEqual(self.node.tree(), whole)
        self.assertTrue(self.node.answer("installed")["holds"])

    def test_a_new_version_takes_the_old_one_s_place_and_leaves_its_init(self):
        self.install("podman")
        old = self.node.path("/opt/runi/libexec/runi/runi-init-0.0.1")
        os.rename(self.node.path(f"/opt/runi/libexec/runi/{os.readlink(self.node.path('/opt/runi/libexec/runi/runi-init'))}"), old)
        os.remove(self.node.path("/opt/runi/libexec/runi/runi-init"))
        os.symlink("runi-init-0.0.1", self.node.path("/opt/runi/libexec/runi/runi-init"))
        record = self.node.read(RECORD).replace(f"runi-init-{self.version()}", "runi-init-0.0.1")
        self.node.write(RECORD, record)
        self.install("podman")
        self.assertTrue(os.path.exists(old))
        self.uninstall()
        self.assertFalse(os.path.exists(self.node.path("/opt/runi")))

    def version(self):
        return self.succeed(built("RUNICTL"), "--version").split()[1]

    def test_two_at_once(self):
        self.use_containerd()
        lock = self.node.path("/run/lock/runi-install.lock")
        os.makedirs(os.path.dirname(lock))
        with open(lock, "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with subprocess.Popen(self.node.argv("install", "--engine", "podman", *FILES_ONLY), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as waiting:
                self.assertIn(b"waiting for it", waiting.stderr.readline())
                self.assertFalse(os.path.exists(self.node.path(RECORD)))
                fcntl.flock(file, fcntl.LOCK_UN)
                self.assertEqual(waiting.wait(60), 0)
        self.assertTrue(os.path.exists(self.node.path(PODMAN)))


class Failures(Files):
    """Exit status 1: everything is as it was."""

    def assert_put_back(self, words, engine="podman"):
        before = self.node.tree()
        answer = self.install(engine, status=1)
        self.assertIn(words, answer["error"])
        self.assertEqual(self.node.tree(), before)

    def test_no_space(self):
        opt = self.node.path("/opt")
        self.succeed("mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", opt)
        self.assert_put_back("/opt/runi/sbin/runictl: write: No space left on device")

    def test_no_space_for_the_configuration(self):
        self.use_containerd()
        folder = self.node.path("/etc/containerd")
        self.succeed("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder)
        self.node.write(MAIN, "version = 2\n" + SYSTEMD + "#" * 3700)
        self.assert_put_back("No space left on device", "containerd")

    def test_a_read_only_folder_of_the_record(self):
        self.succeed("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", self.node.path("/var/lib"))
        self.assert_put_back("Read-only file system; everything is as it was")

    def test_a_read_only_folder_of_the_configuration(self):
        folder = self.node.path("/etc/containers")
        os.makedirs(folder)
        self.succeed("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder)
        self.assert_put_back("Read-only file system")

    def test_what_the_engine_would_read_otherwise(self):
        """A containerd that answers another configuration as soon as there is another file than its own."""
        program = "#!/bin/sh\ncase $* in\n--version) echo containerd x v2.1.0 y;;\n*runi-candidate*) echo 'oom_score = 1';;\n*) :;;\nesac\n"
        self.node.write("/etc/other", program, mode=0o755)
        self.node.use(self.node.path("/etc/other"), "containerd")
        self.use_containerd()
        self.assert_put_back("this would change oom_score, which is not the handler's", "containerd")


class Refusals(Files):
    """Exit status 3: nothing was tried."""

    def test_hosts(self):
        for name, words in (("bottlerocket", "Bottlerocket"), ("talos", "system extension")):
            self.node.write("/etc/os-release", f'NAME=x\nID="{name}"\n')
            self.assert_refused(words, "install", "--engine", "podman")

    def test_several_engines(self):
        self.assert_refused("name one with --engine")

    def test_no_engine(self):
        os.makedirs(self.path("empty"))
        self.node.root = self.path("empty")
        done = self.node.runictl("install", *FILES_ONLY)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"there is no container engine here", done.stderr)

    def test_an_engine_that_is_not_installed(self):
        self.assert_refused("the engine k3s is not installed", "install", "--engine", "k3s")

    def test_a_prefix_where_nothing_can_be(self):
        for option, words in (("ro", "read-only"), ("noexec", "mounted noexec")):
            self.succeed("mount", "-t", "tmpfs", "-o", option, "tmpfs", self.node.path("/opt"))
            self.assert_refused(words, "install", "--engine", "podman")
            self.succeed("umount", self.node.path("/opt"))

    def test_somebody_else_s_files(self):
        for path, words in (("/opt/runi/sbin/runi", "something is there that runictl has not put there"),
                            (PODMAN, "somebody else has written in the handler's own file")):
            self.node.write(path, "[engine]\n")
            self.assertIn(path, self.assert_refused(words, "install", "--engine", "podman"))
            os.remove(self.node.path(path))

    def test_a_broken_record(self):
        for text, words in (("", "line 1"), ('{"version": 2, "entries": []}', "expected version 1"),
                            ('{"version": 1, "entries": [\n{}]}', 'line 2: "engine" is missing')):
            self.node.write(RECORD, text)
            self.assertIn(RECORD, self.assert_refused(words, "install", "--engine", "podman"))

    def test_a_broken_configuration(self):
        self.use_containerd("version = \n")
        self.assert_refused("/etc/containerd/config.toml:1: not valid TOML", "install", "--engine", "containerd")

    def test_a_default_that_a_person_has_chosen(self):
        self.use_containerd('version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\ndefault_runtime_name = "runc"\n'
                            + SYSTEMD)
        self.assert_refused("/etc/containerd/config.toml:3", "install", "--engine", "containerd", "--set-default")

    def test_no_runtime(self):
        self.assert_refused("/nowhere: there is no such runtime", "install", "--engine", "podman", "--runtime", "/nowhere")

    def test_a_configuration_of_runi_that_would_hide_ours(self):
        folder = os.path.join(os.path.dirname(os.path.dirname(built("RUNI"))), "etc", "runi")
        self.node.write(f"{folder}/config.json", "{}")
        self.node.write("/opt/crun", "", mode=0o755)
        self.assert_refused('names no runtime "/opt/crun"', "install", "--engine", "podman", "--runtime", "/opt/crun")

    def test_names_of_runi_s_own_files(self):
        for name in ("runictl", "config"):
            self.assert_refused("a file of runi's own has the name", "install", "--engine", "podman", "--handler", name)
        self.assert_refused("longer than 128 bytes", "install", "--engine", "podman", "--handler", "x" * 129)
        self.install("podman", "--handler", "x" * 128)
        self.uninstall("--handler", "x" * 128)

    def test_a_default_that_is_to_be_none_anymore(self):
        self.node.write(DOCKER, "{}\n")
        self.install("docker", "--set-default")
        self.assert_refused("is Docker's default", "install", "--engine", "docker")
        self.uninstall()
        self.assertEqual(self.node.read(DOCKER), "{}\n")

    def test_usage(self):
        for option in (("--engine", "lxc"), ("--restart", "now"), ("--prefix", "opt"), ("--handler", "a/b"),
                       ("--handler", ".."), ("--host-root", "/nowhere")):
            done = self.command(built("RUNICTL"), "install", *option)
            self.assertEqual(done.returncode, 2, option)
            self.assertIn(option[0].encode(), done.stderr)


if __name__ == "__main__":
    unittest.main()
