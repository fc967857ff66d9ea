"""Containers whose circumstances leave an init little room: they do with runi what they do without."""

import json
import os
import shutil
import subprocess

from bed import bundle, rootfs, shim
from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, Case, built, need
from bed.podman import Podman, PodmanCrun
from engines import for_each_engine
from same import OfABundle, Same

SCRIPT = ["sh", "-c", "echo out; echo err >&2; ls -a /dev /run; id -u; touch /here; echo $?; exit 3"]


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
