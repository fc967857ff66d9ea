"""The container by which an installation is proved: real engines and runtimes, and what is left after it."""

import os
import signal
import subprocess
import unittest

from bed.case import Case, PLAIN, RUNI, built, need, until
from bed.containerd import Containerd, containerd_of
from bed.systemd import Systemd
from bed.cri import Cri as Kubelet
from bed import shim

NO_INIT = "a container runs without runi-init: the program is PID 1 itself"
SCRIPT = "#!/bin/sh\nexec sleep 1000\n"  # the bed's image has a shell


class Proofs(Case):
    def start(self, program=None):
        self.containerd = Containerd(self, "k8s.io", program=program)
        until(lambda: b"bed" in self.command(*self.containerd.ctr("images", "list")).stdout, "the image")

    def words(self, handler=RUNI, program=None):
        return [built("HOST_PROBE"), "prove", self.containerd.address, handler, program or built("RUNICTL")]

    def prove(self, handler=RUNI, program=None):
        done = self.command(*self.words(handler, program), timeout=120)
        return done.returncode, (done.stdout + done.stderr).decode()

    def sandboxes(self):
        return self.succeed(built("HOST_PROBE"), "sandboxes", self.containerd.address, "10").splitlines()

    def containers(self):
        return self.succeed(*self.containerd.ctr("containers", "list", "--quiet")).split()

    def assert_nothing_left(self):
        self.assertEqual(self.sandboxes(), [])
        self.assertEqual(self.containers(), [])

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path


class Cri(Proofs):
    def assert_proves(self, program):
        self.start(program)
        self.assertEqual(self.prove(), (0, "proven\n"))
        self.assert_nothing_left()
        self.assertEqual(self.prove(PLAIN), (1, f"handler {PLAIN}: {NO_INIT}\n"))
        self.assert_nothing_left()

    def test_containerd_1_6(self):
        self.assert_proves(containerd_of("1.6"))

    def test_containerd_1_7(self):
        self.assert_proves(containerd_of("1.7"))

    def test_containerd_2(self):
        self.assert_proves(containerd_of("2"))

    def test_a_handler_that_the_engine_does_not_know(self):
        self.start()
        status, text = self.prove("none")
        self.assertEqual(status, 1)
        self.assertRegex(text, "^handler none: .*: RunPodSandbox: .*no runtime for .*none.* is configured")
        self.assert_nothing_left()

    def test_a_program_that_does_not_start(self):
        self.start()
        status, text = self.prove(program=self.write("broken", "no program\n"))
        self.assertEqual(status, 1)
        self.assertRegex(text, f"^handler {RUNI}: ")
        self.assert_nothing_left()

    def test_a_runtime_that_fails(self):
        self.start()
        os.remove(self.containerd.paths[RUNI])
        status, text = self.prove()
        self.assertEqual(status, 1)
        self.assertRegex(text, f"^handler {RUNI}: .*: RunPodSandbox: .*{self.containerd.paths[RUNI]}")
        self.assert_nothing_left()

    def test_one_that_was_killed_is_cleared_away(self):
        self.start()
        script = self.write("script", SCRIPT)
        with subprocess.Popen(self.words(program=script)) as process:
            until(lambda: len(self.containers()) == 2, "its sandbox and its container")
            process.send_signal(signal.SIGKILL)
        self.assertEqual(len(self.sandboxes()), 1)
        self.assertEqual(self.prove(), (0, "proven\n"))
        self.assert_nothing_left()

    def test_a_container_that_does_not_end(self):
        self.start()
        status, text = self.prove(program=self.write("script", SCRIPT))
        self.assertEqual((status, text), (1, f"handler {RUNI}: the container has not ended within 20 s\n"))
        self.assert_nothing_left()

    def test_a_kubelet_takes_it_away(self):
        """As it does with pods that it does not know; here with the first one."""
        self.start()
        cri = Kubelet(self, self.containerd)
        script = self.write("script", "#!/bin/sh\nexec sleep 3\n")
        with subprocess.Popen(self.words(program=script), stdout=subprocess.PIPE, text=True) as process:
            tasks = self.containerd.ctr("tasks", "list")
            until(lambda: self.succeed(*tasks).count("RUNNING") == 2, "its sandbox and its container")
            first = self.sandboxes()[0].split()[0]
            cri.runtime.StopPodSandbox(cri.api.PodSandbox(pod_sandbox_id=first))
            second = until(lambda: [line for line in self.sandboxes() if first not in line], "another pod", 5)
            self.assertIn(" ready", second[0])
            # It is left alone, and ends as the script does.
            self.assertEqual(process.communicate()[0], "proven\n")
        self.assert_nothing_left()

    def test_no_image(self):
        self.start()
        for name in self.succeed(*self.containerd.ctr("images", "list", "--quiet")).split():
            self.succeed(*self.containerd.ctr("images", "remove", "--sync", name))
        status, text = self.prove()
        self.assertEqual(status, 0, text)
        self.assertRegex(text, "^note: not tried with a container: no image on this machine .*: RunPodSandbox")
        self.assert_nothing_left()

    def test_nobody_listens(self):
        path = self.path("none")
        done = self.command(built("HOST_PROBE"), "prove", path, RUNI, built("RUNICTL"))
        self.assertEqual((done.returncode, done.stderr.decode()), (1, f"{path}: connect: No such file or directory\n"))


class WithSystemd(Proofs):
    """systemd makes the cgroups, and restarts the engine."""

    SERVICE = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart={words}\nDelegate=yes\nKillMode=process\n"

    def start(self, program=None):
        self.systemd = Systemd(self)
        more = "        SystemdCgroup = true\n"  # the last table is that of runi's options
        self.containerd = Containerd(self, "k8s.io", more=more, program=program, start=lambda words: self.systemd.start(
            "containerd.service", self.SERVICE.format(words=" ".join(words))))

    def test_the_pod_is_in_a_slice(self):
        self.start()
        self.assertEqual(self.prove(), (0, "proven\n"))
        self.assert_nothing_left()

    def test_the_engine_is_restarted(self):
        self.start()
        words = self.systemd.argv(built("HOST_PROBE"), "restart", self.systemd.socket, "containerd.service", "30")
        self.assertEqual(self.succeed(*words), "")
        version = [built("HOST_PROBE"), "version", self.containerd.address, "1"]
        until(lambda: self.command(*version).returncode == 0, "its CRI")
        self.assertEqual(self.prove(), (0, "proven\n"))


class ByRuni(Case):
    def prove(self, runi, runictl=None, root="/"):
        done = self.command(built("HOST_PROBE"), "prove-by-runi", runi, runictl or built("RUNICTL"), root)
        left = [name for name in os.listdir("/run") if name.startswith("runi-proof-")]
        self.assertEqual(left, [])
        return done.returncode, (done.stdout + done.stderr).decode()

    def test_runi(self):
        self.assertEqual(self.prove(shim.install(self, need("runc"))), (0, ""))

    def test_the_runtime_alone(self):
        runc = need("runc")
        self.assertEqual(self.prove(runc), (1, f"{runc}: {NO_INIT}\n"))

    def test_in_another_root(self):
        root = self.folder("root")
        runi = shim.install(self, need("runc"))
        self.succeed("mount", "--rbind", "/", root)
        self.addCleanup(self.command, "umount", "--lazy", root)
        self.assertEqual(self.prove(runi, root=root), (0, ""))

    def test_errors_say_what_the_runtime_said(self):
        runi = shim.install(self, need("runc"))
        status, text = self.prove(runi, runictl="/none")
        self.assertEqual(status, 1)
        self.assertRegex(text, f"^{runi}: the program in the proof's container exited with 1: .*/none.*no such file")
        self.assertEqual(self.prove("/none"),
                         (1, "/none: the program in the proof's container exited with 127: cannot be executed\n"))

    def test_one_that_was_killed_is_cleared_away(self):
        runc = need("runc")
        runi = shim.install(self, runc)
        hangs = self.path("hangs")
        with open(hangs, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nshift\n{runc} create "$@" && sleep 1000\n')
        os.chmod(hangs, 0o755)
        with subprocess.Popen([built("HOST_PROBE"), "prove-by-runi", hangs, built("RUNICTL"), "/"]) as process:
            until(lambda: "created" in self.succeed(runc, "list"), "a container")
            process.send_signal(signal.SIGKILL)
        self.assertEqual(self.prove(runi), (0, ""))
        self.assertNotIn("runi-proof", self.succeed(runc, "list"))


class InContainer(Case):
    """The command that runs in the container, where PID 1 is not runi-init; the others have it."""

    def status(self, *command):
        return self.command("unshare", "--pid", "--fork", "--mount-proc", *command).returncode

    def test_it_is_pid_1(self):
        self.assertEqual(self.status(built("RUNICTL"), "in-container"), 41)

    def test_another_program_is_pid_1(self):
        self.assertEqual(self.status("sh", "-c", '"$0" in-container; exit $?', built("RUNICTL")), 42)


if __name__ == "__main__":
    unittest.main()
