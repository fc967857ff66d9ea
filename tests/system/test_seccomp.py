"""Containers whose seccomp profile leaves an init little room: they do with runi what they do without."""

import json
import os

from bed import shim
from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, until
from engines import for_each_engine

# What a small program, its shell and the runtime itself, once the profile is in force, call.
PROGRAM = """
access arch_prctl brk capget capset chdir clone close close_range dup2 dup3 epoll_ctl epoll_pwait execve exit
exit_group faccessat2 fchdir fchown fcntl fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getpgrp getpid
getppid getrandom gettid getuid ioctl lseek mmap mprotect munmap nanosleep newfstatat open openat openat2 pipe2 poll ppoll prctl
pread64 prlimit64 read readlink readlinkat rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield
sendmsg set_robust_list set_tid_address setgid setgroups setresgid setresuid setsid setuid sigaltstack stat statfs statx
tgkill uname unlinkat wait4 write writev
""".split()
# What the init calls beyond that.
INIT = """
getpgid getsid kill madvise rt_sigqueueinfo rt_sigtimedwait sched_getscheduler setpgid signalfd4 waitid
""".split()

KILL, ERRNO, ALLOW = "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW"
CLONE_NEW_ANY = 0x7E020000
CLONE_NEWUSER = 0x10000000


def profile(default, names, *rules):
    """The rules come first; then what is allowed, without the names that rules name."""
    ruled = {name for rule in rules for name in rule["names"]}
    allowed = [name for name in names if name not in ruled]
    return {"defaultAction": default, "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [*rules, {"names": allowed, "action": ALLOW}]}


def rule(name, action, *args, **more):
    return {"names": [name], "action": action, "args": list(args), **more}


def without(*names):
    return [name for name in PROGRAM + INIT if name not in names]


NO_NAMESPACES = {"index": 0, "value": CLONE_NEW_ANY, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
NEW_USER = {"index": 0, "value": CLONE_NEWUSER, "valueTwo": CLONE_NEWUSER, "op": "SCMP_CMP_MASKED_EQ"}
THREADS = {"index": 0, "value": 0x10000, "valueTwo": 0x10000, "op": "SCMP_CMP_MASKED_EQ"}

# Under these the init does its work.
FINE = {
    "kill all but a list": profile(KILL, PROGRAM + INIT),
    "refuse all but a list": profile(ERRNO, PROGRAM + INIT),
    "refuse what the init only wishes for": profile(
        ERRNO, without("sched_getscheduler", "signalfd4", "ppoll", "getpgid", "getsid", "setpgid", "madvise", "capset")),
    "no namespaces": profile(KILL, PROGRAM + INIT, rule("clone", ALLOW, NO_NAMESPACES)),
    "kill for a user namespace": {"defaultAction": ALLOW, "syscalls": [rule("clone", KILL, NEW_USER)]},
    "two conditions on one argument": profile(
        KILL, PROGRAM + INIT, rule("clone", ALLOW, THREADS, {"index": 0, "value": 0x201111, "op": "SCMP_CMP_EQ"})),
    "vfork where clone is refused": profile(KILL, PROGRAM + INIT + ["vfork"], rule("clone", ERRNO, errnoRet=38)),
}
# Under these it would be killed or do without its work; and the call that is said to be at fault.
UNFIT = {
    "kill all but a small program's": (profile(KILL, PROGRAM), "rt_sigtimedwait"),
    "refuse all but a small program's": (profile(ERRNO, PROGRAM), "rt_sigtimedwait"),
    "no fork": (profile(ERRNO, without("clone")), "fork"),
    "killed for fork": (profile(KILL, without("clone")), "clone"),
    "threads only": (profile(ERRNO, PROGRAM + INIT, rule("clone", ALLOW, THREADS)), "fork"),
    "no signals to others": (profile(ERRNO, without("kill")), "kill"),
    "no wait": (profile(ERRNO, without("waitid")), "waitid"),
    "killed for what the init only wishes for": (profile(KILL, without("sched_getscheduler")), "sched_getscheduler"),
    "a wait that pretends": (profile(ERRNO, PROGRAM + INIT, rule("waitid", ERRNO, errnoRet=0)), "waitid"),
    "a thread killed": ({"defaultAction": ALLOW, "syscalls": [rule("signalfd4", "SCMP_ACT_KILL")]}, "signalfd4"),
    "a trap": ({"defaultAction": ALLOW, "syscalls": [rule("madvise", "SCMP_ACT_TRAP")]}, "madvise"),
}
PROGRAM_ARGS = ["sh", "-c", "echo out; exit 3"]


@for_each_engine(Runc, Crun)
class Seccomp:
    def edit_of(self, seccomp, limit=None):
        def edit(spec):
            spec["process"]["noNewPrivileges"] = True
            spec["linux"]["seccomp"] = seccomp
            if limit is not None:
                spec["linux"]["resources"]["pids"] = {"limit": limit}
        return edit

    def assert_same(self, seccomp, args, limit=None):
        """Equal in all there is to see, and the plain one works. Returns whether the init was injected."""
        plain, runi = (self.engine.run(which, args, edit=self.edit_of(seccomp, limit)) for which in (PLAIN, RUNI))
        self.assertEqual(runi, plain)
        self.assertEqual(plain.stdout, b"out\n", plain.stderr)
        with open(self.path("bundle/config.json"), encoding="utf-8") as file:
            self.last = json.load(file)
        self.assertEqual(self.last["linux"]["seccomp"], seccomp)
        return "runi.dev/injected" in self.last.get("annotations", {})

    def test_fine(self):
        for name, seccomp in FINE.items():
            with self.subTest(name):
                self.assertTrue(self.assert_same(seccomp, PROGRAM_ARGS))
                pid = self.engine.run(RUNI, ["sh", "-c", "echo $$"], edit=self.edit_of(seccomp)).stdout
                self.assertNotIn(pid, (b"", b"1\n"))

    def test_unfit(self):
        for name, (seccomp, _) in UNFIT.items():
            with self.subTest(name):
                self.assertFalse(self.assert_same(seccomp, PROGRAM_ARGS))

    def test_unfit_is_an_error_where_that_is_asked_for(self):
        for name, (seccomp, call) in UNFIT.items():
            with self.subTest(name):
                self.engine.paths[RUNI] = shim.install(self, self.engine.paths[PLAIN], onFailure="fail")
                log = self.path("log.json")
                folder = self.engine.bundle(PROGRAM_ARGS, edit=self.edit_of(seccomp))
                done = self.command(
                    *self.engine.argv(RUNI, "--log", log, "--log-format", "json", "run", "--bundle", folder, "c"))
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(done.stdout, b"")
                with open(log, encoding="utf-8") as file:
                    message = json.loads(file.readlines()[-1])["msg"]
                self.assertIn(f"config.json: seccomp: profile answers {call} with SCMP_ACT_", message)
                self.assertIn(message, done.stderr.decode())
                os.remove(log)

    def test_a_stop_signal_arrives(self):
        """Where kill(2) is refused an init could not pass it on."""
        script = ["sh", "-c", "trap 'echo out; exit 7' TERM; echo ready; while :; do read -r -t 1 x; done"]
        for which in (PLAIN, RUNI):
            container = self.engine.start(which, script, edit=self.edit_of(profile(ERRNO, without("kill"))))
            until(lambda started=container: b"ready" in started.output(), "the script")
            container.kill("TERM")
            self.assertEqual(container.wait(), 7)
            self.command(*self.engine.argv(PLAIN, "delete", "--force", "c"))

    def test_no_process_to_be_had_and_no_other_way_allowed(self):
        """A limit is no reason to try what the profile kills for."""
        self.need_a_pids_controller()
        self.assert_same(profile(KILL, PROGRAM + INIT), PROGRAM_ARGS, limit=1)

    def need_a_pids_controller(self):
        if not os.path.isdir("/sys/fs/cgroup/pids"):
            with open("/sys/fs/cgroup/cgroup.controllers", encoding="utf-8") as file:
                if "pids" not in file.read().split():
                    self.skipTest("needs the pids controller: not in /sys/fs/cgroup")
