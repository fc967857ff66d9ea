"""Containers whose circumstances leave an init little room: they do with runi what they do without."""

import json
import os
import re
import shutil
import subprocess

from bed import bundle, rootfs, shim
from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, Case, built, need
from bed.engine import Finished
from bed.podman import Podman, PodmanCrun
from engines import for_each_engine

SCRIPT = ["sh", "-c", "echo out; echo err >&2; ls -a /dev /run; id -u; touch /here; echo $?; exit 3"]


class Same:
    """Runs the same with and without runi and compares all there is to see."""

    def both(self, args, **options):
        return {which: self.engine.run(which, args, **options) for which in (PLAIN, RUNI)}

    def assert_same(self, args, **options):
        """Equal status, stdout (but for the init's own name in a listing) and stderr (but for a runtime's time).

        Returns the plain run's.
        """
        done = {which: Finished(run.status, run.stdout.replace(b".runi-init\n", b""),
                                re.sub(rb'(?m)^time="[^"]*"', b"", run.stderr))
                for which, run in self.both(args, **options).items()}
        self.assertEqual(done[RUNI], done[PLAIN])
        return done[PLAIN]

    def assert_init(self, expected, **options):
        """Whether PID 1 is an init when run through runi."""
        done = self.engine.run(RUNI, ["probe", "facts"], **options)
        self.assertEqual(done.status, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["pid"] != 1, expected)


class OfABundle(Same):
    """For runtimes that are given a bundle, in which the edit can be seen afterwards."""

    def assert_place(self, place):
        """Where the container that was last run through runi has its init. None: it has none."""
        with open(self.path("bundle/config.json"), encoding="utf-8") as file:
            spec = json.load(file)
        injected = "runi.dev/injected" in spec.get("annotations", {})
        self.assertEqual(spec["process"]["args"][0] if injected else None, place)


@for_each_engine(Runc, Crun)
class Bundle(OfABundle):
    def test_read_only_root(self):
        def edit(spec):
            spec["root"]["readonly"] = True
        done = self.assert_same(SCRIPT, edit=edit)
        self.assertIn(b"Read-only file system", done.stderr)
        self.assert_init(True, edit=edit)

    def test_root_on_a_read_only_file_system(self):
        self.remake_root_read_only()
        done = self.assert_same(SCRIPT)
        self.assertIn(b"Read-only file system", done.stderr)
        self.assert_init(True)

    def test_root_on_a_read_only_file_system_without_a_place(self):
        """/dev is the host's and nothing can be created in the root: there is no place for an init."""
        self.remake_root_read_only()
        edit = self.bind_on_dev(self.host_dev())
        self.assertEqual(self.assert_same(["sh", "-c", "echo out; exit 3"], edit=edit), (3, b"out\n", b""))

    def test_a_folder_of_the_host_bound_on_dev(self):
        """Nothing appears there that the runtime alone would not make."""
        host = self.host_dev()
        edit = self.bind_on_dev(host)
        self.assertEqual(self.assert_same(["sh", "-c", "echo out; exit 3"], edit=edit), (3, b"out\n", b""))
        self.assertEqual(sorted(os.listdir(host)), sorted(DEVICES))

    def test_a_volume_that_a_link_of_the_image_leads_to_dev(self):
        """runc refuses to make a mount point below a read-only volume; crun makes it, on the host."""
        os.symlink(".", os.path.join(self.engine.rootfs, "x"))
        host = self.host_dev()

        def edit(spec):
            spec["mounts"].append({"destination": "/x/dev", "type": "bind", "source": host, "options": ["rbind", "ro"]})
        self.assert_same(["sh", "-c", "echo out; exit 3"], edit=edit)
        self.assertNotIn(".runi-init", os.listdir(host))

    def test_a_volume_that_a_link_leads_to_dev_unseen(self):
        """By a way that is there only when earlier mounts are: through /proc's own links, or through a volume's."""
        os.symlink("/proc/self/root", os.path.join(self.engine.rootfs, "p"))
        volume = self.folder("volume")
        os.symlink("/", os.path.join(volume, "up"))
        for destination in ("/p/dev", "/data/up/dev"):
            with self.subTest(destination):
                host = self.host_dev(destination.replace("/", "-"))

                def edit(spec, host=host, destination=destination):
                    spec["mounts"] += [
                        {"destination": "/data", "type": "bind", "source": volume, "options": ["rbind"]},
                        {"destination": destination, "type": "bind", "source": host, "options": ["rbind"]}]
                self.assert_same(["sh", "-c", "echo out; exit 3"], edit=edit)
                self.assertNotIn(".runi-init", os.listdir(host))

    def test_a_volume_below_another(self):
        """Where no link is on the way there is nothing to fear."""
        os.makedirs(self.path("volume/sub"))

        def edit(spec):
            spec["mounts"] += [{"destination": destination, "type": "bind", "source": self.path("volume"),
                                "options": ["rbind"]} for destination in ("/data", "/data/sub", "/data/sub/new")]
        self.assert_same(["sh", "-c", "echo out; exit 3"], edit=edit)
        self.assert_place("/dev/.runi-init")

    def host_dev(self, name="host-dev"):
        """A folder with device nodes, in place of the machine's own /dev."""
        folder = self.folder(name)
        for name, (major, minor) in DEVICES.items():
            os.mknod(os.path.join(folder, name), 0o20666, os.makedev(major, minor))
        return folder

    def bind_on_dev(self, folder):
        def edit(spec):
            spec["mounts"] = [mount for mount in spec["mounts"] if not mount["destination"].startswith("/dev")]
            spec["mounts"].append({"destination": "/dev", "type": "bind", "source": folder, "options": ["rbind", "rw"]})
        return edit

    def remake_root_read_only(self):
        """Puts the root on a file system that is read-only itself, as an image's squashfs is."""
        image = self.folder("image")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", image], check=True)
        self.addCleanup(subprocess.run, ["umount", image], check=True)
        self.engine.rootfs = rootfs.make(self.folder("image/rootfs"))
        subprocess.run(["mount", "-o", "remount,ro", image], check=True)

    def test_an_image_without_dev_or_shell(self):
        self.engine.rootfs = rootfs.make(self.folder("bare"), shell=False, leave_out=rootfs.FOLDERS[1:])
        self.engine.run(PLAIN, ["/bin/probe"])  # makes the runtime's own mount points
        before = self.files()
        self.assertEqual(self.assert_same(["/bin/probe", "nonsense"]).status, 2)
        self.assert_init(True)
        self.assertEqual(self.files(), before)

    def test_another_user(self):
        options = self.engine.user_option(1000, 1000)
        self.assertIn(b"\n1000\n", self.assert_same(SCRIPT, **options).stdout)
        self.assert_init(True, **options)

    def test_one_process_allowed(self):
        """The init would be one too many."""
        def edit(spec):
            spec["linux"]["resources"]["pids"] = {"limit": 1}
        self.need_a_pids_controller()
        done = self.both(["probe", "write"], edit=edit)
        self.assertEqual(done[RUNI], done[PLAIN])
        self.assert_init(False, edit=edit)

    def test_a_user_namespace(self):
        def edit(spec):
            spec["linux"]["namespaces"].append({"type": "user"})
            for kind in ("uidMappings", "gidMappings"):
                spec["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        self.assert_same(SCRIPT, edit=edit)
        self.assert_init(True, edit=edit)

    def test_a_user_namespace_that_owns_the_root(self):
        def edit(spec):
            spec["linux"]["namespaces"].append({"type": "user"})
            for kind in ("uidMappings", "gidMappings"):
                spec["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        subprocess.run(["chown", "-hR", "100000:100000", self.engine.rootfs], check=True)
        self.assert_same(SCRIPT, edit=edit)
        self.assert_init(True, edit=edit)

    def test_no_private_pid_namespace(self):
        def edit(spec):
            spec["linux"]["namespaces"] = [space for space in spec["linux"]["namespaces"] if space["type"] != "pid"]
        self.assertEqual(self.assert_same(["sh", "-c", "exit 3"], edit=edit).status, 3)
        self.assert_place(None)

    def test_a_strict_seccomp_profile(self):
        """Only what a small program needs: the init makes do, or is left out."""
        def edit(spec):
            spec["process"]["noNewPrivileges"] = True
            spec["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": SMALL_PROGRAM, "action": "SCMP_ACT_ALLOW"}]}
        done = self.both(["sh", "-c", "echo out; exit 3"], edit=edit)
        self.assertEqual(done[PLAIN][:2], (3, b"out\n"))
        self.assertEqual(done[RUNI], done[PLAIN])

    def test_nothing_stays_in_the_root(self):
        self.engine.run(PLAIN, ["true"])
        before = self.files()
        self.assert_init(True)
        self.assertEqual(self.files(), before)

    def files(self):
        return {os.path.relpath(os.path.join(top, name), self.engine.rootfs)
                for top, folders, files in os.walk(self.engine.rootfs) for name in folders + files}

    def need_a_pids_controller(self):
        if not os.path.isdir("/sys/fs/cgroup/pids"):
            with open("/sys/fs/cgroup/cgroup.controllers", encoding="utf-8") as file:
                if "pids" not in file.read().split():
                    self.skipTest("needs the pids controller: not in /sys/fs/cgroup")


DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}

SMALL_PROGRAM = """
access arch_prctl brk capget capset chdir clone close close_range dup2 dup3 epoll_ctl epoll_pwait execve exit
exit_group faccessat2 fchdir fchown fcntl fstat fstatfs fork futex getcwd getdents64 getegid geteuid getgid getpgrp getpid
getppid gettid getuid ioctl lseek mmap mprotect munmap nanosleep newfstatat open openat openat2 pipe2 ppoll prctl pread64
prlimit64 read readlink readlinkat rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield sendmsg
set_robust_list set_tid_address setgid setgroups setresgid setresuid setsid setuid sigaltstack stat statfs statx
tgkill uname unlinkat vfork wait4 waitid write
""".split()


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


@for_each_engine(Podman, PodmanCrun)
class Flags(Same):
    def test_read_only(self):
        for flags in (["--read-only"], ["--read-only", "--read-only-tmpfs=false"]):
            self.assert_same(SCRIPT, flags=flags)
            self.assert_init(True, flags=flags)

    def test_pids_limit(self):
        """One run in fifty fails under plain runc, too: runc's first process dies of the limit before the start."""
        run = self.engine.run

        def run_again(*arguments, **keywords):
            for _ in range(5):
                done = run(*arguments, **keywords)
                if b"failed to connect to container's attach socket" not in done.stderr:
                    break
            return done
        self.engine.run = run_again
        self.assert_same(["probe", "write"], flags=["--pids-limit", "1"])
        self.assert_init(False, flags=["--pids-limit", "1"])

    def test_the_host_s_pid_namespace(self):
        self.assertEqual(self.assert_same(["sh", "-c", "exit 3"], flags=["--pid", "host"]).status, 3)

    def test_an_init_of_its_own(self):
        """--init: podman's own init stays PID 1."""
        catatonit = need("catatonit")
        self.assertEqual(self.assert_same(["sh", "-c", "exit 3"], flags=["--init", "--init-path", catatonit]).status, 3)


@for_each_engine(Runc, Crun)
class Installation(Same):
    """What an administrator does to runi while containers run, or did not do."""

    def with_init(self, path, **configuration):
        self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], init={"path": path}, **configuration)

    def test_an_init_that_is_missing(self):
        self.with_init(self.path("none"))
        self.assert_same_output(["sh", "-c", "echo out; exit 3"])
        self.with_init(self.path("none"), onFailure="fail")
        log = self.path("log.json")
        folder = self.engine.bundle(["true"])
        done = self.command(
            *self.engine.argv(RUNI, "--log", log, "--log-format", "json", "run", "--bundle", folder, "c"))
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"")
        self.assertIn(self.path("none").encode(), done.stderr)
        with open(log, encoding="utf-8") as file:
            entry = json.loads(file.readlines()[-1])
        self.assertEqual(entry["level"], "error")
        self.assertIn(self.path("none"), entry["msg"])

    def test_an_init_that_others_could_have_written(self):
        init = self.path("init")
        shutil.copy(built("RUNI_INIT"), init)
        os.chmod(init, 0o777)
        self.with_init(init)
        self.assert_same_output(["sh", "-c", "echo out; exit 3"])
        self.assert_init(False)

    def test_an_upgrade_leaves_running_containers_alone(self):
        init = self.path("init")
        shutil.copy(built("RUNI_INIT"), init)
        self.with_init(init)
        container = self.engine.start(RUNI, ["sleep", "1000"])
        container.await_process("sleep")
        old = os.stat(init)
        shutil.copy(built("RUNI_INIT"), self.path("new"))
        os.rename(self.path("new"), init)
        self.assertTrue(os.path.samestat(os.stat(f"/proc/{container.pid}/exe"), old))
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + 15)
        self.assert_init(True)

    def test_removing_runi_leaves_running_containers_alone(self):
        container = self.engine.start(RUNI, ["sleep", "1000"])
        container.await_process("sleep")
        container.which = PLAIN
        container.kill("TERM")
        self.assertEqual(container.wait(), 128 + 15)

    def assert_same_output(self, args):
        """runi may say on stderr why it does nothing."""
        done = self.both(args)
        self.assertEqual(done[RUNI][:2], done[PLAIN][:2])


class Rootless(Case):
    """A user without privileges runs the runtime."""

    UID = 60321  # nobody's

    def test_rootless_runc(self):
        self.assert_same_rootless("runc")

    def test_rootless_crun(self):
        self.assert_same_rootless("crun")

    def assert_same_rootless(self, program):
        def edit(spec):
            bundle.make_rootless(spec, self.UID)
        real = need(program)
        paths = {PLAIN: real, RUNI: shim.install(self, real)}
        home = self.folder("home")
        root = rootfs.make(self.folder("home/rootfs"))
        done = {}
        for which in (PLAIN, RUNI):
            folder = bundle.make(self.path("home/bundle"), root, ["probe", "facts"], edit=edit)
            subprocess.run(["chown", "-hR", f"{self.UID}:{self.UID}", home], check=True)
            done[which] = self.command(paths[which], "--root", self.path("home/state"), "run", "--bundle", folder, "c",
                                       user=self.UID, group=self.UID, extra_groups=[], cwd="/",
                                       env={"XDG_RUNTIME_DIR": home, "HOME": home})
        if done[PLAIN].returncode != 0:
            self.skipTest(f"needs rootless {program}: {done[PLAIN].stderr.decode().strip()}")
        self.assertEqual(done[RUNI].returncode, 0, done[RUNI].stderr)
        facts = {which: json.loads(run.stdout) for which, run in done.items()}
        self.assertEqual((facts[PLAIN]["pid"], facts[RUNI]["ppid"]), (1, 1))
        for name in ("user_ids", "group_ids", "capabilities", "environment", "uid_map", "session"):
            self.assertEqual(facts[RUNI][name], facts[PLAIN][name], name)
