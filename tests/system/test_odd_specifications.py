"""Specifications that engines seldom or not yet write: containers do with runi what they do without."""

import json
import os
import re
import shutil

from bed import shim
from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, built
from engines import for_each_engine
from same import OfABundle, Same

DEV, RUN, ROOT = "/dev/.runi-init", "/run/.runi-init", "/.runi-init"


@for_each_engine(Runc, Crun)
class Odd(OfABundle):
    """Specifications that engines seldom write and runtimes take all the same."""

    SCRIPT = ["sh", "-c", "echo out; echo err >&2; pwd; id; umask; exit 3"]

    def assert_same_with(self, place, edit, script=None):
        """The same with and without runi; and where the container then has the init. Returns the plain run's."""
        done = self.assert_same(script or self.SCRIPT, edit=edit)
        self.assert_place(place)
        return done

    def test_masked_paths_over_the_init(self):
        """Masking comes after the mounts: an init below would be gone, or be /dev/null."""
        for masked, place in (([DEV], RUN), ([DEV, "/run"], ROOT), ([DEV, "/run/"], ROOT), ([DEV, RUN], ROOT)):
            with self.subTest(masked):
                def edit(spec, masked=masked):
                    spec["mounts"].append({"destination": "/run", "type": "tmpfs", "source": "tmpfs"})
                    spec["linux"]["maskedPaths"] = masked
                self.assertEqual(self.assert_same_with(place, edit).status, 3)

    def test_masked_paths_over_all_of_dev(self):
        """runc needs /dev/null and refuses; crun does not."""
        for masked in (["/dev"], ["/dev/"]):
            with self.subTest(masked):
                def edit(spec, masked=masked):
                    spec["linux"]["maskedPaths"] = masked
                self.assert_same_with(ROOT, edit)

    def test_masked_paths_wherever_it_could_be(self):
        def edit(spec):
            spec["linux"]["maskedPaths"] = [DEV, "/run", ROOT]
        self.assertEqual(self.assert_same_with(None, edit).status, 3)

    def test_read_only_dev_and_run(self):
        def edit(spec):
            spec["linux"]["readonlyPaths"] = ["/dev", "/run"]
        done = self.assert_same_with(DEV, edit, ["sh", "-c", "touch /dev/x /run/x; exit 3"])
        self.assertEqual((done.status, done.stderr.count(b"Read-only file system")), (3, 2))

    def test_a_read_only_tmpfs(self):
        for place in (DEV, RUN):
            with self.subTest(place):
                folder = os.path.dirname(place)

                def edit(spec, place=place, folder=folder):
                    spec["mounts"] = [mount for mount in spec["mounts"] if mount["destination"] != folder]
                    spec["mounts"].insert(1, {"destination": folder, "type": "tmpfs", "source": "tmpfs",
                                              "options": ["ro", "noexec", "nosuid", "mode=755"]})
                    if place == RUN:
                        spec["linux"]["maskedPaths"] = [DEV]
                done = self.assert_same_with(place, edit, ["sh", "-c", f"touch {folder}/x; exit 3"])
                self.assertEqual((done.status, done.stderr.count(b"Read-only file system")), (3, 1))

    def test_something_of_the_container_s_in_the_init_s_place(self):
        folder = self.folder("volume")

        def edit(spec):
            spec["mounts"].append({"destination": "/dev/.runi-init", "type": "bind", "source": folder,
                                   "options": ["bind"]})
        self.assert_same_with(ROOT, edit)
        self.assertEqual(os.listdir(folder), [])

    def test_few_descriptors(self):
        """As few as the runtime itself can do with."""
        tried = 0
        for limit in (4, 6, 8, 10, 12, 16):
            def edit(spec, limit=limit):
                spec["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": limit, "hard": limit}]
            plain = self.engine.run(PLAIN, ["/bin/probe", "nonsense"], edit=edit)
            self.command(*self.engine.argv(PLAIN, "delete", "--force", "c"))
            if plain.status == 2:
                tried += 1
                self.assertEqual(self.engine.run(RUNI, ["/bin/probe", "nonsense"], edit=edit), plain)
                self.assert_place(DEV)
        self.assertGreater(tried, 0)

    def test_no_room(self):
        """Limits of memory, processes and queued signals that leave the application what it needs and no more."""
        tried = 0
        for name, limit in (("NPROC", 1), ("SIGPENDING", 0), ("MEMLOCK", 0), ("STACK", 65536), ("FSIZE", 0),
                            ("CORE", 0), ("MSGQUEUE", 0), ("DATA", 1 << 20), ("AS", 4 << 20)):
            with self.subTest(name):
                def edit(spec, name=name, limit=limit):
                    spec["process"]["user"] = {"uid": 1000, "gid": 1000}
                    spec["process"]["rlimits"] = [{"type": f"RLIMIT_{name}", "soft": limit, "hard": limit}]
                done = self.both(["/bin/probe", "nonsense"], edit=edit)
                # Where there is no room for either, runc 1.3 names what it was to execute.
                errors = done[RUNI].stderr.replace(b"exec /dev/.runi-init:", b"exec /bin/probe:")
                self.assertEqual(done[RUNI]._replace(stderr=errors), done[PLAIN])
                self.assert_place(DEV)
                tried += done[PLAIN].status == 2
        self.assertGreaterEqual(tried, 8, "crun itself writes files after FSIZE holds")

    def test_no_environment(self):
        def edit(spec):
            spec["process"]["env"] = []
        done = self.both(["/bin/probe", "facts"], edit=edit)
        self.assert_place(DEV)
        found = {which: json.loads(run.stdout)["environment"] for which, run in done.items()}
        self.assertEqual(found[RUNI], found[PLAIN])

    def test_names(self):
        """Words with every kind of character, and a command that is a path from the working directory."""
        for args in (["sh", "-c", 'printf "%s|" "$@"', "", "", " ", "\"\\", "\u00fc\u20ac\U0001f600", "a\nb", "\x01"],
                     ["bin/sh", "-c", "echo $0"], ["./bin/../bin/sh", "-c", "echo $0"]):
            with self.subTest(args[0]):
                self.assertEqual(self.assert_same(args).status, 0)
                self.assert_place(DEV)

    def test_a_working_directory_to_be_made(self):
        def edit(spec):
            spec["process"]["cwd"] = "/none/such"
        self.assertIn(b"\n/none/such\n", self.assert_same_with(DEV, edit).stdout)

    def test_namespaces_and_sysctls(self):
        def edit(spec):
            spec["linux"]["namespaces"].append({"type": "cgroup"})
            spec["linux"]["sysctl"] = {"kernel.msgmax": "65536", "net.ipv4.ip_forward": "1"}
        done = self.assert_same_with(DEV, edit, [
            "sh", "-c", "cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward /proc/self/cgroup; exit 3"])
        self.assertEqual((done.status, done.stdout.splitlines()[:2]), (3, [b"65536", b"1"]))

    def test_propagation_of_the_root(self):
        """The init's mount is shared where the others of the container are, and only there."""
        shared = ("awk '$5 == \"/dev/shm\" || $5 == \"/dev/.runi-init\" { print $7 ~ /^shared:/ }' /proc/self/mountinfo"
                  " | sort -u; exit 3")
        for propagation in ("shared", "slave", "private", "rslave", "rshared"):
            with self.subTest(propagation):
                def edit(spec, propagation=propagation):
                    spec["linux"]["rootfsPropagation"] = propagation
                done = self.assert_same_with(DEV, edit, ["sh", "-c", shared])
                self.assertIn(done, ((3, b"0\n", b""), (3, b"1\n", b"")))

    def test_a_root_that_cannot_be_bound(self):
        """runc and crun bind nothing from the root's file system then, whatever they start without."""
        for propagation in ("unbindable", "runbindable"):
            with self.subTest(propagation):
                def edit(spec, propagation=propagation):
                    spec["linux"]["rootfsPropagation"] = propagation
                    del spec["linux"]["maskedPaths"]
                self.assert_same_with(None, edit)

    def test_a_program_that_gains_privileges(self):
        os.chmod(os.path.join(self.engine.rootfs, "bin/probe"), 0o4755)

        def edit(spec):
            spec["process"]["user"] = {"uid": 1000, "gid": 1000}
            spec["process"]["noNewPrivileges"] = False
            if may_kill:
                spec["process"]["capabilities"]["ambient"] = ["CAP_KILL"]
                spec["process"]["capabilities"]["inheritable"] = ["CAP_KILL"]
        for may_kill in (True, False):  # without, the init could not signal it
            ids = [json.loads(run.stdout)["user_ids"] for run in self.both(["probe", "facts"], edit=edit).values()]
            self.assert_place(DEV if may_kill else None)
            self.assertEqual(ids[0], ids[1])
            self.assertEqual(ids[0][1], 0)

    def test_hooks(self):
        """Each runs once, where and when it does without an init."""
        kinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
        log = {}
        for which in (PLAIN, RUNI):
            seen = self.path(f"hooks-{which}")

            def edit(spec, seen=seen):
                spec["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >/dev/null; echo {kind} >>{seen}"]}]
                                 for kind in kinds if kind != "startContainer"}
                spec["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat >/dev/null; echo start >/started"]}]
            done = self.engine.run(which, ["sh", "-c", "cat /started; rm /started; exit 3"], edit=edit)
            with open(seen, encoding="utf-8") as file:
                log[which] = (done, file.read())
        self.assert_place(DEV)
        self.assertEqual(log[RUNI], log[PLAIN])
        self.assertEqual(log[PLAIN][0], (3, b"start\n", b""))

    def test_an_init_below_a_folder_for_root_alone(self):
        """A user namespace's root cannot go there; the runtimes open the source of the mount beforehand."""
        def edit(spec):
            spec["linux"]["namespaces"].append({"type": "user"})
            for kind in ("uidMappings", "gidMappings"):
                spec["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        private = self.folder("private")
        shutil.copy(built("RUNI_INIT"), private)
        os.chmod(private, 0o700)
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN],
                                               init={"path": os.path.join(private, "runi-init")})
        self.assertEqual(self.assert_same_with(DEV, edit).status, 3)


@for_each_engine(Runc, Crun)
class Newer(Same):
    """What came to the specification with 1.1 and later. Runtimes that do not know it yet ignore it."""

    SHOW_TIME = ["sh", "-c", "cat /proc/self/timens_offsets; test /proc/self/ns/time -ef /proc/1/ns/time"]

    def assert_heeded(self, effect, args, edit):
        """The effect, a pattern, shows in what the container prints, which is the same with and without runi."""
        done = self.engine.run(PLAIN, args, edit=edit)
        if done.status != 0 or not re.search(effect, done.stdout):
            self.skipTest(f"needs a {self.engine.program} and a kernel that heed this: {done}")
        self.assert_same(args, edit=edit)
        self.assert_init(True, edit=edit)

    def assert_scheduled(self, expected, process, init=True):
        def edit(spec):
            spec["process"].update(process)
        facts = []
        for done in self.both(["probe", "facts"], edit=edit).values():
            self.assertEqual(done.status, 0, done.stderr)
            facts.append(json.loads(done.stdout)["scheduling"])
        if not expected.items() <= facts[0].items():
            self.skipTest(f"needs a {self.engine.program} that heeds {', '.join(process)}: it gives {facts[0]}")
        self.assertEqual(facts[1], facts[0])
        self.assert_init(init, edit=edit)

    def test_a_time_namespace(self):
        def edit(spec):
            spec["linux"]["namespaces"].append({"type": "time"})
            spec["linux"]["timeOffsets"] = {"boottime": {"secs": 604800, "nanosecs": 0}}
        self.assert_heeded(rb"(?m)^boottime +604800 +0$", self.SHOW_TIME, edit)

    def test_a_volume_with_mapped_owners(self):
        owned = self.folder("volume/mine")

        def edit(spec):
            mapping = [{"containerID": 0, "hostID": 1000, "size": 1000}]
            spec["mounts"].append({"destination": "/volume", "type": "bind", "source": os.path.dirname(owned),
                                   "options": ["rbind"], "uidMappings": mapping, "gidMappings": mapping})
        self.assert_heeded(rb"^1000 1000\n$", ["stat", "-c", "%u %g", "/volume/mine"], edit)

    def test_a_volume_with_mapped_owners_in_a_user_namespace(self):
        owned = self.folder("volume/mine")

        def edit(spec):
            mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
            spec["linux"]["namespaces"].append({"type": "user"})
            spec["linux"].update(uidMappings=mapping, gidMappings=mapping)
            spec["mounts"].append({"destination": "/var", "type": "bind", "source": os.path.dirname(owned),
                                   "options": ["rbind", "idmap"], "uidMappings": mapping, "gidMappings": mapping})
        self.assert_heeded(rb"^0 0\n$", ["stat", "-c", "%u %g", "/var/mine"], edit)

    def test_a_memory_policy(self):
        def edit(spec):
            spec["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
        self.assert_heeded(rb"bind", ["sh", "-c", "cut -d ' ' -f 2 /proc/self/numa_maps | sort -u"], edit)

    def test_scheduler(self):
        self.assert_scheduled({"policy": os.SCHED_BATCH, "nice": 7},
                              {"scheduler": {"policy": "SCHED_BATCH", "nice": 7}})

    def test_a_scheduling_policy_that_children_do_not_inherit(self):
        """The application keeps it, in the init's place."""
        self.assert_scheduled(
            {"policy": os.SCHED_BATCH | os.SCHED_RESET_ON_FORK},
            {"scheduler": {"policy": "SCHED_BATCH", "flags": ["SCHED_FLAG_RESET_ON_FORK"]}}, init=False)

    def test_a_scheduling_policy_that_forbids_children(self):
        """As above; sched(7) on SCHED_DEADLINE, whose number is 6."""
        scheduler = {"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 10000000, "period": 10000000}
        self.assert_scheduled({"policy": 6}, {"scheduler": scheduler}, init=False)

    def test_io_priority(self):
        """ioprio_set(2): the class stands above bit 13."""
        self.assert_scheduled({"io_priority": 2 << 13 | 6}, {"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}})
