"""Every container is given the host's one runi-init: none may change it, whatever it is allowed to try."""

import hashlib
import json
import os
import shutil
import subprocess
import unittest

from bed import bundle, rootfs, shim
from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, Case, built, need, until
from engines import for_each_engine

TARGETS = ["/proc/1/exe", "/dev/.runi-init"]


def all_capabilities():
    """The names of those this machine knows, in the numbers' order."""
    header = "/usr/include/linux/capability.h"
    if not os.path.exists(header):
        raise unittest.SkipTest(f"needs {header}: not installed")
    with open(header, encoding="utf-8") as file:
        return [line.split()[1] for line in file if line.startswith("#define CAP_") and line.split()[2].isdigit()]


def every_capability(spec):
    """Gives a container what this machine has."""
    with open("/proc/self/status", encoding="utf-8") as file:
        bounding = next(int(line.split()[1], 16) for line in file if line.startswith("CapBnd:"))
    names = [name for number, name in enumerate(all_capabilities()) if bounding >> number & 1]
    spec["process"]["noNewPrivileges"] = False
    spec["process"]["capabilities"] = {kind: names for kind in ("bounding", "effective", "permitted")}


def identity(path):
    """All of a file that a container might change."""
    with open(path, "rb") as file:
        content = hashlib.sha256(file.read()).hexdigest()
    status = os.stat(path)
    return {"content": content, "mode": oct(status.st_mode), "owner": (status.st_uid, status.st_gid),
            "size": status.st_size, "modified": status.st_mtime_ns, "changed": status.st_ctime_ns,
            "inode": status.st_ino, "links": status.st_nlink, "attributes": os.listxattr(path)}


class OwnFile(Case):
    """Rootless, with an init of the user's own: root in the container owns the file."""

    UID = 60321  # nobody's

    def test_runc(self):
        self.attack("runc")

    def test_crun(self):
        self.attack("crun")

    def attack(self, program):
        def edit(spec):
            bundle.make_rootless(spec, self.UID)
        real = need(program)
        home = self.folder("home")
        init = shutil.copy(built("RUNI_INIT"), home)
        runi = shim.install(self, real, init={"path": init})
        folder = bundle.make(self.path("home/bundle"), rootfs.make(self.folder("home/rootfs")),
                             ["probe", "write", *TARGETS], edit=edit)
        subprocess.run(["chown", "-hR", f"{self.UID}:{self.UID}", home], check=True)
        before = identity(init)
        done = self.command(runi, "--root", self.path("home/state"), "run", "--bundle", folder, "c", user=self.UID,
                            group=self.UID, extra_groups=[], cwd="/", env={"XDG_RUNTIME_DIR": home, "HOME": home})
        if done.returncode != 0:
            self.skipTest(f"needs rootless {program}: {done.stderr.decode().strip()}")
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.assertIn("runi.dev/injected", json.load(file)["annotations"])
        outcomes = json.loads(done.stdout)
        self.assertEqual(identity(init), before, outcomes)
        self.assertNotIn("done", outcomes.values())


@for_each_engine(Runc, Crun)
class Leased:
    """A lease (F_SETLEASE) keeps others from opening the file; so does one that a container takes."""

    def lease(self, folder):
        """Has a container that nothing runs the init in take the lease. Returns the init's path."""
        init = shutil.copy(built("RUNI_INIT"), self.folder(folder))
        os.chmod(init, 0o755)

        def edit(spec):
            spec["annotations"] = {"runi.dev/init": "false"}
            spec["mounts"].append({"destination": "/init", "type": "bind", "source": init, "options": ["bind", "ro"]})
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], init={"path": init})
        holder = bundle.make(self.path("holder"), self.engine.rootfs, ["probe", "lease", "/init"], f"{self.cgroup}/holder", edit)
        log = self.path("lease")
        process = self.daemon(self.engine.argv(RUNI, "run", "--bundle", holder, "holder"), log)
        self.addCleanup(self.command, *self.engine.argv(PLAIN, "kill", "holder", "KILL"))
        with open(log, encoding="utf-8") as output:
            taken = until(output.readline, "the lease")
        if taken != "taken\n":
            self.skipTest(f"needs leases: {taken.strip()}")
        self.assertIsNone(process.poll())
        with self.assertRaises(BlockingIOError):
            os.open(init, os.O_RDONLY | os.O_NONBLOCK)
        return init

    def run_another(self):
        done = self.engine.run(RUNI, ["sh", "-c", "exit 3"])
        with open(self.path("bundle/config.json"), encoding="utf-8") as file:
            return done.status, "runi.dev/injected" in json.load(file).get("annotations", {})

    def test_others_get_the_init_all_the_same(self):
        init = self.lease("libexec")
        before = os.stat(init)
        self.assertEqual(self.run_another(), (3, True))
        after = os.stat(init)
        self.assertNotEqual(after.st_ino, before.st_ino)
        self.assertEqual((after.st_mode, after.st_uid, after.st_gid), (before.st_mode, before.st_uid, before.st_gid))
        with open(init, "rb") as file, open(built("RUNI_INIT"), "rb") as original:
            self.assertEqual(file.read(), original.read())
        self.assertEqual(os.listdir(os.path.dirname(init)), [os.path.basename(init)])
        self.assertEqual(self.run_another(), (3, True))
        self.assertEqual(os.stat(init).st_ino, after.st_ino, "the new one is nobody's to lease")

    def test_where_it_cannot_be_replaced(self):
        init = self.lease("libexec")
        folder = os.path.dirname(init)
        self.succeed("mount", "--bind", folder, folder)
        self.addCleanup(self.succeed, "umount", folder)
        self.succeed("mount", "-o", "remount,bind,ro", folder)
        self.assertEqual(self.run_another(), (3, False))
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], init={"path": init}, onFailure="fail")
        self.assertIn(b"a process holds a lease on it", self.engine.run(RUNI, ["true"]).stderr)


@for_each_engine(Runc, Crun)
class InitFile:
    init = None  # where the init is, unless in a copy of its own

    def attack(self, edit=None, unchanged=None, injected=True):
        """Lets a container try everything; fails when the file, or what of it is named, has changed.

        Returns what came of each attempt: "done", or an error's name.
        """
        init = self.init or shutil.copy(built("RUNI_INIT"), self.path("runi-init"))
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], init={"path": init})
        before = identity(init)
        done = self.engine.run(RUNI, ["probe", "write", *TARGETS], edit=edit)
        self.assertEqual(done.status, 0, done.stderr)
        with open(self.path("bundle/config.json"), encoding="utf-8") as file:
            self.assertEqual("runi.dev/injected" in json.load(file)["annotations"], injected)
        outcomes, after = json.loads(done.stdout), identity(init)
        for name in unchanged or before:
            self.assertEqual(after[name], before[name], f"{name}: {outcomes}")
        return outcomes

    def test_with_the_default_capabilities(self):
        self.assertNotIn("done", self.attack().values())

    def test_as_another_user(self):
        self.assertNotIn("done", self.attack(**self.engine.user_option(1000, 1000)).values())

    def test_with_every_capability(self):
        """Such a container can make its mount writable: what then keeps the content is that PID 1 executes it."""
        self.attack(every_capability, unchanged=["content", "size", "inode", "links"])

    def test_with_every_capability_on_a_file_system_that_is_never_writable(self):
        """What docs advise where containers that may mount are not trusted: then nothing of the file can change."""
        self.use_squashfs()
        self.attack(every_capability)

    def test_with_every_capability_and_no_init_running(self):
        """As where the init became the application, so that nothing executes the file any more."""
        def edit(spec):
            every_capability(spec)
            spec["annotations"] = {"runi.dev/init": "false"}
            spec["mounts"].append({"destination": "/dev/.runi-init", "type": "bind", "source": self.init,
                                   "options": ["bind", "ro", "nosuid", "nodev"]})
        self.use_squashfs()
        self.attack(edit, injected=False)

    def test_a_container_that_may_have_one_process(self):
        """It is not given the file, which nothing in it would run."""
        def edit(spec):
            spec["linux"]["resources"]["pids"] = {"limit": 1}
        done = self.engine.run(RUNI, ["sh", "-c", "[ ! -e /dev/.runi-init ]"], edit=edit)
        self.assertEqual((done.status, done.stderr), (0, b""))

    def test_with_every_capability_it_becomes_no_way_to_root(self):
        """What a container does to the mode neither serves the host's users nor is handed to other containers."""
        init = shutil.copy(built("RUNI_INIT"), self.path("runi-init"))
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], init={"path": init})
        spoil = "mount -o remount,bind,rw /dev/.runi-init && chmod 6755 /dev/.runi-init"
        done = self.engine.run(RUNI, ["sh", "-c", spoil], edit=every_capability)
        if os.stat(init).st_mode & 0o6000 == 0:
            self.skipTest(f"needs a container that may remount: {done.stderr.decode().strip()}")
        run = self.command(init, "--", "/bin/sh", "-p", "-c", "id -u", user=1000, group=1000, extra_groups=[])
        self.assertEqual((run.returncode, run.stdout), (125, b""))
        self.assertEqual(self.engine.run(RUNI, ["sh", "-c", "exit 3"]).status, 3)
        with open(self.path("bundle/config.json"), encoding="utf-8") as file:
            self.assertNotIn("annotations", json.load(file))

    def use_squashfs(self):
        need("mksquashfs")
        image, place = self.path("init.squashfs"), self.folder("squashfs")
        content = self.folder("content")
        shutil.copy(built("RUNI_INIT"), content)
        self.succeed("mksquashfs", content, image, "-quiet", "-no-progress")
        mounted = self.command("mount", "-t", "squashfs", "-o", "loop,ro", image, place)
        if mounted.returncode != 0:
            self.skipTest(f"needs a loop device and squashfs: {mounted.stderr.decode().strip()}")
        self.addCleanup(self.succeed, "umount", place)
        self.init = os.path.join(place, "runi-init")

    def test_in_a_user_namespace(self):
        def edit(spec):
            spec["linux"]["namespaces"].append({"type": "user"})
            for kind in ("uidMappings", "gidMappings"):
                spec["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        self.attack(edit)
