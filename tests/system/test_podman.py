"""The ways in which podman and buildah start containers besides `run`: pods, images with systemd, builds."""

import os
import signal

from bed import image
from bed.case import PLAIN, RUNI, Case, need
from bed.podman import Podman, PodmanCrun
from bed.shim import INIT_IN_FRONT
from engines import for_each_engine

LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
PID_1 = ["sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; exit 3"]
PARENT = ["sh", "-c", "echo $PPID; exit 3"]  # 0 where it is outside the PID namespace


@for_each_engine(Podman, PodmanCrun)
class Pods:
    def in_a_pod(self, which, args, *flags):
        """What args print in a pod, and the command line of the pod's own first process."""
        pod = self.succeed(*self.engine.argv(which, "pod", "create", "--network", "none", "--cgroup-parent",
                                             self.cgroup, *flags), env=self.engine.environment).strip()
        done = self.command(*self.engine.argv(which, "run", "--rm", "--pod", pod, *LIMITS, image.NAME, *args),
                            env=self.engine.environment)
        infra = self.engine.ask("pod", "inspect", "--format", "{{.InfraContainerID}}", pod)
        pid = int(self.engine.ask("inspect", "--format", "{{.State.Pid}}", infra))
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            first = file.read().split(b"\0")[:-1]
        self.succeed(*self.engine.argv(which, "pod", "rm", "--force", "--time", "0", pod), env=self.engine.environment)
        self.assertEqual((done.returncode, done.stderr), (3, b""))
        return done.stdout, first

    def test_the_pod_s_own_container_is_left_alone(self):
        """podman makes it of catatonit, which is an init already; the others of the pod get theirs."""
        need("catatonit")
        plain, runi = (self.in_a_pod(which, PID_1) for which in (PLAIN, RUNI))
        self.assertEqual(runi[1], plain[1])
        self.assertEqual(runi[0], INIT_IN_FRONT.replace(b"\0", b" ") + plain[0])

    def test_a_pod_that_shares_its_pid_namespace(self):
        need("catatonit")
        plain, runi = (self.in_a_pod(which, PARENT, "--share", "pid,ipc,uts") for which in (PLAIN, RUNI))
        self.assertEqual(plain[0], b"0\n")
        self.assertEqual(runi, plain)


@for_each_engine(Podman, PodmanCrun)
class Systemd:
    def test_always_keeps_pid_1(self):
        """podman mounts all that systemd wants, whatever the command is: it is to be PID 1."""
        plain, runi = (self.engine.run(which, PID_1, flags=["--systemd=always"]) for which in (PLAIN, RUNI))
        self.assertEqual((runi.status, runi.stdout), (3, " ".join(PID_1).encode() + b" "))
        self.assertEqual(runi, plain)


class RootlessPodman(Podman):
    """podman of a user without privileges, who may map others' ids."""

    NAME = "runi-test"
    UID = 60321  # nobody's

    def __init__(self, case):
        need("newuidmap")
        account = {"passwd": f"{self.NAME}:x:{self.UID}:{self.UID}::/:/bin/sh", "group": f"{self.NAME}:x:{self.UID}:",
                   "subuid": f"{self.NAME}:100000:65536", "subgid": f"{self.NAME}:100000:65536"}
        for name, line in account.items():
            if not os.path.exists(f"/etc/{name}"):
                case.skipTest(f"needs /etc/{name}: not there")
            with open(f"/etc/{name}", encoding="utf-8") as file, open(case.path(name), "w", encoding="utf-8") as more:
                more.write(f"{line}\n{file.read()}")
            case.succeed("mount", "--bind", case.path(name), f"/etc/{name}")
            case.addCleanup(case.command, "umount", f"/etc/{name}")
        for name in ("storage", "runroot", "tmp", "home", "home/run"):
            os.chown(case.folder(name), self.UID, self.UID)
        super().__init__(case)

    def argv(self, which, *words):
        return ["env", "--chdir=/", "setpriv", f"--reuid={self.UID}", f"--regid={self.UID}", "--clear-groups",
                *super().argv(which, *words)]

    def cgroup_flags(self):
        return []  # none are the user's


class RootlessPodmanCrun(RootlessPodman):
    program = "crun"


class Rootless(Case):
    def test_podman_with_runc(self):
        self.assert_same(RootlessPodman)

    def test_podman_with_crun(self):
        self.assert_same(RootlessPodmanCrun)

    def assert_same(self, engine_class):
        try:
            engine = engine_class(self)
            plain = engine.run(PLAIN, PID_1)
            self.assertEqual(plain.status, 3, plain.stderr)
        except AssertionError as failed:
            self.skipTest(f"needs rootless podman over {engine_class.program}: {failed}")
        for flags in ([], ["--userns", "keep-id"], ["--read-only"], ["--user", "1000"]):
            with self.subTest(flags):
                plain, runi = (engine.run(which, PID_1, flags=flags) for which in (PLAIN, RUNI))
                self.assertEqual(runi, plain._replace(stdout=INIT_IN_FRONT.replace(b"\0", b" ") + plain.stdout))
        started = engine.start(RUNI, ["sleep", "1000"])
        started.kill("TERM")
        self.assertEqual(started.wait(), 128 + signal.SIGTERM)


class Build(Case):
    """RUN steps are containers, too."""

    CONTAINERFILE = f"""FROM {image.NAME}
RUN tr '\\0' ' ' </proc/1/cmdline >/pid_1; ls -a /dev /run /; id
RUN sleep 0.1 & sh -c 'exec sh -c "touch /made"'
USER 1000
WORKDIR /tmp
RUN id -u >who; test ! -e /.runi-init
"""

    def setUp(self):
        super().setUp()
        self.engine = Podman(self)
        with open(os.path.join(self.folder("context"), "Containerfile"), "w", encoding="utf-8") as file:
            file.write(self.CONTAINERFILE)

    def test_podman_build(self):
        self.assert_same_images(lambda which, tag: self.engine.argv(
            which, "build", "--no-cache", "--network", "none", *LIMITS, "--tag", tag, self.path("context")))

    def test_buildah(self):
        buildah = need("buildah")
        path = self.path
        self.assert_same_images(lambda which, tag: [
            buildah, "--root", path("storage"), "--runroot", path("runroot"), "--storage-driver", "overlay", "build",
            "--isolation", "oci", "--runtime", self.engine.paths[which], "--no-cache", "--network", "none", *LIMITS,
            "--tag", tag, path("context")])

    def test_a_step_that_fails(self):
        with open(self.path("context", "Containerfile"), "w", encoding="utf-8") as file:
            file.write(f"FROM {image.NAME}\nRUN exit 37\n")
        for which in (PLAIN, RUNI):
            done = self.command(*self.engine.argv(which, "build", "--network", "none", *LIMITS, self.path("context")),
                                env=self.engine.environment)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"exit status 37", done.stderr)

    def assert_same_images(self, argv):
        """Two builds make the same files, but for the one in which a step noted what was PID 1."""
        files = {}
        for which in (PLAIN, RUNI):
            self.succeed(*argv(which, f"localhost/{which}:1"), env=self.engine.environment)
            mounted = self.engine.ask("image", "mount", f"localhost/{which}:1")
            with open(os.path.join(mounted, "pid_1"), encoding="utf-8") as file:
                self.assertEqual(file.read().startswith(INIT_IN_FRONT.decode().replace("\0", " ")), which == RUNI)
            files[which] = {os.path.relpath(os.path.join(top, name), mounted)
                            for top, folders, names in os.walk(mounted) for name in folders + names}
            self.assertLessEqual({"made", "tmp/who"}, files[which])
            self.engine.ask("image", "unmount", f"localhost/{which}:1")
        self.assertEqual(files[RUNI], files[PLAIN])
