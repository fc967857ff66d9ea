"""Checkpoint and restore with criu: a container with the init comes back as one without does."""

import json
import os
import shutil
import subprocess

from bed import shim
from bed.bundle import Runc
from bed.case import PLAIN, RUNI, Case, built, need, until
from bed.engine import all_pids, comm_of, state_of
from bed.podman import Podman

# An orphan at each USR1; TERM has a handler, so that its arrival shows in the status.
SCRIPT = """trap 'exit 7' TERM; trap '(sleep 0.01 &)' USR1; n=0
while :; do n=$((n + 1)); echo $n >/count; sleep 0.01; done"""
GONE = "gone"
SEEN_OF_PID_1 = ("SigBlk", "SigIgn", "SigCgt", "CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp", "Uid", "Gid")


class Checkpoint(Case):
    def setUp(self):
        super().setUp()
        need("criu")
        self.engine = Runc(self)
        self.prepare()
        self.number = 0
        self.start(PLAIN)
        failed = self.checkpoint(PLAIN) or self.restore(PLAIN)
        if failed:
            self.skipTest(f"needs a criu that can restore a plain container: {failed}")
        self.end(PLAIN)

    def prepare(self):
        """An init of the test's own, which it can upgrade: by its name, as most install it."""
        self.init = shutil.copy(built("RUNI_INIT"), self.path("runi-init"))
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], init={"path": self.init})

    def upgrade(self):
        """Puts another program in the place of the init, as a package manager does."""
        with open(shutil.copy(self.init, self.path("new")), "ab") as file:
            file.write(b"of another size")
        os.rename(self.path("new"), self.init)

    def start(self, which):
        """Starts SCRIPT in a new container, which self.name names from then on."""
        self.number += 1
        self.name = f"c{self.number}"
        self.folder(self.name, "image")
        bundle_folder = self.engine.bundle(["sh", "-c", SCRIPT], self.name)
        self.assertEqual(self.runtime_says(which, "run", "--detach", "--bundle", bundle_folder, self.name), "")
        self.await_count()

    def checkpoint(self, which, *flags):
        """None, or criu's complaint.

        criu 4.2.1 waits in vain for one in twenty plain containers that fork while it freezes them with cgroup v1; it
        lets them go on, and may ask again.
        """
        for _ in range(3):
            complaint = self.criu_says(which, "dump", "checkpoint", *flags, self.name)
            if not complaint or "Timeout reached" not in complaint:
                break
        return complaint

    def restore(self, which):
        return self.criu_says(which, "restore", "restore", "--detach", "--bundle", self.path(self.name), self.name)

    def criu_says(self, which, log, verb, *words):
        work = self.folder(self.name, log)
        # Else it saves and makes anew every cgroup below the container's, and in a hierarchy where the runtime makes none
        # that is the machine's root.
        said = self.runtime_says(which, verb, "--manage-cgroups-mode", "ignore", "--image-path",
                                 self.path(self.name, "image"), "--work-path", work, *words)
        if said == "":
            return None
        try:
            with open(os.path.join(work, f"{log}.log"), encoding="utf-8", errors="replace") as file:
                errors = [line.strip() for line in file if "Error" in line and "RLIMIT_NOFILE" not in line]
        except FileNotFoundError:
            errors = []
        return "; ".join(errors[:2]) or said

    def runtime_says(self, which, *words):
        """"" where it succeeds. What starts a container leaves it its descriptors, and criu wants none that are ours."""
        errors = subprocess.PIPE if "checkpoint" in words else subprocess.DEVNULL
        done = self.command(*self.engine.argv(which, "--log", self.path("log"), *words), stdout=subprocess.DEVNULL,
                            stderr=errors)
        if done.returncode == 0:
            return ""
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read().strip()[-300:] or (done.stderr or b"").decode().strip() or f"status {done.returncode}"

    def end(self, which):
        self.succeed(*self.engine.argv(which, "delete", "--force", self.name))

    def await_count(self):
        """Until the application has counted on from here."""
        path = os.path.join(self.engine.rootfs, "count")
        if os.path.exists(path):
            os.remove(path)
        until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, "an application that counts")

    def state(self):
        return json.loads(self.succeed(*self.engine.argv(PLAIN, "state", self.name)))

    def seen(self):
        """What must be the same before and after: the leaders of sessions, and the state of PID 1."""
        pid = self.state()["pid"]
        until(lambda: state_of(pid) == "S", "an init that has nothing more to do")
        leaders = sorted((status_of(each, "NSpid").split()[-1], comm_of(each)) for each in self.inside(pid)
                         if status_of(each, "NSpid") == status_of(each, "NSsid") != GONE)
        return leaders, {name: status_of(pid, name) for name in SEEN_OF_PID_1}

    def inside(self, pid):
        namespace = os.readlink(f"/proc/{pid}/ns/pid")
        found = []
        for each in all_pids():
            try:
                if os.readlink(f"/proc/{each}/ns/pid") == namespace:
                    found.append(each)
            except FileNotFoundError:
                pass
        return found

    def assert_works(self):
        """The init does all that it is for."""
        self.await_count()
        pid = self.state()["pid"]
        self.assertEqual(status_of(pid, "Name"), ".runi-init"[:15])
        for _ in range(20):
            self.succeed(*self.engine.argv(RUNI, "kill", self.name, "USR1"))
        until(lambda: not [each for each in self.inside(pid) if state_of(each) == "Z"], "orphans to be reaped")
        self.succeed(*self.engine.argv(RUNI, "kill", self.name, "TERM"))
        until(lambda: self.state()["status"] == "stopped", "the application's end, and the init's with it")


class UnderItsName(Checkpoint):
    """The init has one name, under which every upgrade replaces it."""

    def test_it_comes_back_as_it_was(self):
        self.start(RUNI)
        before = self.seen()
        self.assertIsNone(self.checkpoint(RUNI))
        self.assertIsNone(self.restore(RUNI))
        self.assertEqual(self.seen(), before)
        self.assert_works()

    def test_it_goes_on_where_it_was(self):
        self.start(RUNI)
        before = self.seen()
        self.assertIsNone(self.checkpoint(RUNI, "--leave-running"))
        self.assertEqual(self.seen(), before)
        self.assert_works()

    def test_it_comes_back_again(self):
        self.start(RUNI)
        before = self.seen()
        for _ in range(3):
            self.assertIsNone(self.checkpoint(RUNI))
            self.assertIsNone(self.restore(RUNI))
        self.assertEqual(self.seen(), before)
        self.assert_works()

    def test_with_a_bundle_made_anew(self):
        """As engines do: runi finds a config.json without the init, and must add it as it did the first time."""
        self.start(RUNI)
        self.assertIsNone(self.checkpoint(RUNI))
        self.engine.bundle(["sh", "-c", SCRIPT], self.name)
        self.assertIsNone(self.restore(RUNI))
        self.assert_works()

    def test_a_checkpoint_from_before_runi(self):
        """Its first process is the application, and stays so."""
        self.start(PLAIN)
        before = self.seen()
        self.assertIsNone(self.checkpoint(PLAIN))
        self.assertIsNone(self.restore(RUNI))
        self.await_count()
        self.assertEqual(self.seen(), before)
        self.assertEqual(status_of(self.state()["pid"], "Name"), "sh")

    def test_an_upgrade_in_between(self):
        """The limit that runi(8) names: another file in the place of the init is refused, not executed."""
        self.start(RUNI)
        self.assertIsNone(self.checkpoint(RUNI))
        self.upgrade()
        self.assertIn("bad size", self.restore(RUNI))

    def test_an_upgrade_to_one_of_the_same_size(self):
        """It is told by its build id: the saved memory goes with one program only."""
        self.start(RUNI)
        self.assertIsNone(self.checkpoint(RUNI))
        with open(self.init, "rb") as file:
            image = bytearray(file.read())
        image[image.index(b"GNU\0") + 4] ^= 1  # elf(5), Nhdr: the id follows its owner's name
        with open(self.path("new"), "wb") as file:
            file.write(image)
        os.chmod(self.path("new"), 0o755)
        os.rename(self.path("new"), self.init)
        self.assertIn("bad build-ID", self.restore(RUNI))

    def test_an_upgrade_while_it_ran(self):
        self.start(RUNI)
        self.upgrade()
        self.assertTrue(self.checkpoint(RUNI) or self.restore(RUNI))


class UnderALink(Checkpoint):
    """Each version has a file of its own, which stays, and a link says which is the newest."""

    def prepare(self):
        shutil.copy(built("RUNI_INIT"), self.path("runi-init-1"))
        self.init = self.path("runi-init")
        os.symlink("runi-init-1", self.init)
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], init={"path": self.init})

    def upgrade(self):
        with open(shutil.copy(self.init, self.path("runi-init-2")), "ab") as file:
            file.write(b"of another size")
        os.symlink("runi-init-2", self.path("new"))
        os.rename(self.path("new"), self.init)

    def test_an_upgrade_in_between(self):
        self.start(RUNI)
        before = self.seen()
        self.assertIsNone(self.checkpoint(RUNI))
        self.upgrade()
        self.assertIsNone(self.restore(RUNI))
        self.assertEqual(self.seen(), before)
        self.assert_works()

    def test_an_upgrade_while_it_ran(self):
        self.start(RUNI)
        self.upgrade()
        self.assertIsNone(self.checkpoint(RUNI))
        self.assertIsNone(self.restore(RUNI))
        self.assert_works()

    def test_an_upgrade_and_a_bundle_made_anew(self):
        """Only an administrator knows which version it had."""
        self.start(RUNI)
        self.assertIsNone(self.checkpoint(RUNI))
        self.upgrade()
        self.engine.bundle(["sh", "-c", SCRIPT], self.name)
        self.assertIn("bad size", self.restore(RUNI))
        shim.configure(self, json.dumps({"runtime": self.engine.paths[PLAIN],
                                         "init": {"path": self.path("runi-init-1")}}))
        self.engine.bundle(["sh", "-c", SCRIPT], self.name)
        self.assertIsNone(self.restore(RUNI))
        self.assert_works()


class WithPodman(Case):
    """podman makes the bundle anew for the restore, and brings the container's files."""

    def setUp(self):
        super().setUp()
        need("criu")
        self.engine = Podman(self)

    SCRIPT = ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done"]

    def ask(self, which, verb, container):
        """What podman says where it fails; not of criu's time limit, see Checkpoint.checkpoint()."""
        for _ in range(3):
            done = self.command(*self.engine.argv(which, "container", verb, "--keep", container.id),
                                env=self.engine.environment)
            if done.returncode == 0:
                return None
            complaint = done.stderr.decode(errors="replace").strip() or "no word"
            if "Timeout reached" not in complaint:
                break
        return complaint

    def assert_it_comes_back(self, which, *options):
        container = self.engine.start(which, self.SCRIPT, options)
        before = cmdline_of(container.pid)
        for verb in ("checkpoint", "restore"):
            complaint = self.ask(which, verb, container)
            if which == PLAIN and complaint:
                self.skipTest(f"needs a podman that can {verb} a plain container: {complaint[-300:]}")
            self.assertIsNone(complaint)
        container.pid = int(self.engine.ask("inspect", "--format", "{{.State.Pid}}", container.id))
        self.assertEqual(cmdline_of(container.pid), before)
        self.assertEqual(before.startswith(b"/dev/.runi-init\0"), which == RUNI and "--annotation" not in options)
        container.kill("TERM")
        self.assertEqual(container.wait(), 7)

    def test_podman(self):
        for which in (PLAIN, RUNI):
            self.assert_it_comes_back(which)

    def test_podman_with_a_terminal(self):
        """criu cannot save what PID 1 has open of the terminal. It says so at once, and nothing is lost."""
        self.assert_it_comes_back(PLAIN, "--tty")
        container = self.engine.start(RUNI, self.SCRIPT, ["--tty"])
        self.assertIsNotNone(self.ask(RUNI, "checkpoint", container))
        container.kill("TERM")
        self.assertEqual(container.wait(), 7)
        self.assert_it_comes_back(RUNI, "--tty", "--annotation", "runi.dev/init=false")


def cmdline_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


def status_of(pid, field):
    """A field of /proc/PID/status; GONE where there is no such process any more."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith(f"{field}:"))
    except (FileNotFoundError, ProcessLookupError):
        return GONE
