"""An application sees the same of itself with an init as without one, but for what DIFFERENCES lists."""

import json
import os
import re
import signal
import unittest

from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, need, need_all_capabilities
from bed.cri import Cri
from bed.docker import Docker
from bed.podman import Podman, PodmanCrun
from engines import ALL, WITH_INPUT, for_each_engine

# What may differ, and how each is made equal before the comparison.
DIFFERENCES = """
pid, ppid             the application is no longer PID 1, and has a parent
mounts                one more, the init's own; numbers of mounts and devices differ from run to run anyway
fds                   pipes and sockets, and in gVisor all files of the host, have a new number each run
order                 of mounts and of the environment: podman's changes from run to run
long hexadecimal ids  engines give each container a new one
"""

INIT_MOUNT = re.compile(r"/\.?runi-init$")


def comparable(facts):
    facts = dict(facts)
    del facts["pid"], facts["ppid"]
    facts["mounts"] = sorted(mount for mount in map(mount_of, facts["mounts"]) if not INIT_MOUNT.search(mount[1]))
    facts["environment"] = sorted(facts["environment"])
    for fd in facts["fds"].values():
        fd["target"] = re.sub(r"^(pipe|socket|host):\[\d+\]$", r"\1", fd["target"])
    return json.loads(re.sub(r"[0-9a-f]{64}", "<id>", json.dumps(facts)))


def mount_of(line):
    """[root, target, options, type] of a line of mountinfo."""
    before, _, after = line.partition(" - ")
    return before.split(" ")[3:6] + after.split(" ")[:1]


class Facts:
    """Both runs and their comparison."""

    def assert_same_facts(self, **options):
        facts = {}
        for which in (PLAIN, RUNI):
            done = self.engine.run(which, ["probe", "facts"], **options)
            self.assertEqual(done.status, 0, done.stderr)
            facts[which] = json.loads(done.stdout)
        return self.compare(facts)

    def compare(self, facts):
        self.assertEqual(facts[PLAIN]["pid"], 1)
        self.assertEqual(facts[RUNI]["ppid"], 1)
        added = [mount for mount in map(mount_of, facts[RUNI]["mounts"]) if INIT_MOUNT.search(mount[1])]
        self.assertEqual(len(added), 1, facts[RUNI]["mounts"])
        self.assertLessEqual({"ro", "nosuid", "nodev"}, set(added[0][2].split(",")))
        plain, runi = comparable(facts[PLAIN]), comparable(facts[RUNI])
        self.assertEqual(plain.keys(), runi.keys())
        self.assertEqual({name: (plain[name], runi[name]) for name in plain if plain[name] != runi[name]}, {})
        return runi


@for_each_engine(*ALL)
class Everywhere(Facts):
    def test_the_default(self):
        self.assert_same_facts()


@for_each_engine(*WITH_INPUT)
class Terminal(Facts):
    def test_with_a_terminal(self):
        facts = {}
        for which in (PLAIN, RUNI):
            # Words around it: what the terminal says before it is set up stays out of the way, and an engine
            # that drops the last words of an application finds none.
            terminal = self.engine.terminal(which, ["sh", "-c", "echo facts:; exec probe facts wait"])
            facts[which] = json.loads(terminal.expect(r"(?s)facts:(.*)\nend").group(1))
            terminal.type("\n")
            self.assertEqual(terminal.wait(), 0)
            del facts[which]["session"]["window"]  # set by some engines only after the start; test_terminal.py has it
        session = self.compare(facts)["session"]
        self.assertTrue(session["leads_session"] and session["owns_terminal"] and session["in_foreground"], session)


@for_each_engine(Runc, Crun, Podman, PodmanCrun, Cri, Docker)
class User(Facts):
    def test_as_another_user(self):
        facts = self.assert_same_facts(**self.engine.user_option(1000, 1000))
        self.assertEqual(facts["user_ids"], [1000] * 4)


@for_each_engine(Podman, PodmanCrun, Docker)
class Flags(Facts):
    def test_extra_groups(self):
        facts = self.assert_same_facts(flags=["--user", "1000:1000", "--group-add", "2000", "--group-add", "2001"])
        self.assertLessEqual({2000, 2001}, set(facts["groups"]))

    def test_fewer_capabilities(self):
        self.assert_same_facts(flags=["--cap-drop", "all"])
        self.assert_same_facts(flags=["--cap-drop", "all", "--cap-add", "net_bind_service", "--user", "1000"])

    def test_privileged(self):
        if isinstance(self.engine, Docker):
            need_all_capabilities()  # docker asks for each by name
        self.assert_same_facts(flags=["--privileged"])

    def test_limits_and_oom_score(self):
        limits = ["--ulimit", "core=0:0", "--ulimit", "stack=1000000:2000000"]
        self.assert_same_facts(flags=[*limits, "--oom-score-adj", "500"])

    def test_directory_environment_and_read_only_root(self):
        self.assert_same_facts(flags=["--workdir", "/tmp", "--env", "EMPTY=", "--env", "LINES=a\nb", "--read-only"])

    def test_without_seccomp(self):
        self.assert_same_facts(flags=["--security-opt", "seccomp=unconfined"])


@for_each_engine(Runc, Crun)
class Spec(Facts):
    def edited(self, **process):
        def edit(spec):
            spec["process"].update(process)
        return self.assert_same_facts(edit=edit)

    def test_groups_and_umask(self):
        facts = self.edited(user={"uid": 1000, "gid": 1000, "umask": 0o027, "additionalGids": [2000, 2001]})
        self.assertEqual(facts["umask"], 0o027)

    def test_no_capabilities(self):
        self.edited(capabilities={})

    def test_ambient_capabilities_of_a_user(self):
        kinds = ("bounding", "effective", "permitted", "inheritable", "ambient")
        facts = self.edited(user={"uid": 1000, "gid": 1000},
                            capabilities={kind: ["CAP_NET_BIND_SERVICE"] for kind in kinds})
        self.assertEqual(facts["capabilities"]["CapAmb"], f"{1 << 10:016x}")

    def test_new_privileges_allowed(self):
        self.assertEqual(self.edited(noNewPrivileges=False)["flags"]["no_new_privileges"], 0)

    def test_limits(self):
        facts = self.edited(rlimits=[{"type": f"RLIMIT_{name}", "soft": soft, "hard": hard} for name, soft, hard in
                                     (("NOFILE", 512, 1024), ("CORE", 0, 1), ("STACK", 1 << 20, 1 << 21),
                                      ("NPROC", 100, 200), ("FSIZE", 1 << 30, 1 << 30), ("CPU", 1000, 2000),
                                      ("DATA", 1 << 28, 1 << 29), ("AS", 1 << 30, 1 << 31))])
        self.assertEqual(facts["limits"][7], ["512", "1024"])

    def test_oom_score(self):
        self.assertEqual(self.edited(oomScoreAdj=321)["oom_score_adj"], "321\n")

    def test_working_directory(self):
        self.assertEqual(self.edited(cwd="/tmp")["cwd"], "/tmp")

    def test_environment(self):
        def edit(spec):
            spec["process"]["env"] = ["PATH=/nowhere:/bin", "EMPTY=", "EQUALS=a=b", "LINES=a\nb",
                                      "BYTES=\u00fc\u20ac", "TWICE=1", "TWICE=2"]
        self.assert_same_facts(edit=edit)
        runs = [self.engine.run(which, ["probe", "facts"], edit=edit) for which in (PLAIN, RUNI)]
        self.assertEqual(*(json.loads(run.stdout)["environment"] for run in runs))  # in this order, too

    def test_seccomp_profile(self):
        def edit(spec):
            spec["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
        facts = self.assert_same_facts(edit=edit)
        self.assertEqual((facts["flags"]["seccomp"], facts["flags"]["seccomp_filters"]), ("2", "1"))

    def test_mask_and_ignored_signals_from_the_caller(self):
        def prepare():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM, signal.SIGRTMIN + 3})
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
        ignored = [signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTTOU]
        if not isinstance(self.engine, Crun):  # waits for ever when its caller ignores that
            ignored.append(signal.SIGCHLD)
        # runc 1.3 takes the signals over while it already starts the container: at times that inherits some as ignored.
        for again in reversed(range(8 if isinstance(self.engine, Runc) else 1)):
            try:
                self.assert_same_facts(preexec_fn=prepare, restore_signals=False)
                break
            except AssertionError:
                if not again:
                    raise

    def test_scheduling_from_the_caller(self):
        def prepare():
            os.nice(5)
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            for file, value in (("timerslack_ns", "70000"), ("coredump_filter", "0x13")):
                with open(f"/proc/self/{file}", "w", encoding="utf-8") as output:
                    output.write(value)
        facts = self.assert_same_facts(preexec_fn=prepare)
        self.assertEqual((facts["scheduling"]["nice"], facts["scheduling"]["timer_slack_ns"]), (5, 70000))

    def test_personality_from_the_caller(self):
        setarch = need("setarch")
        argv = self.engine.argv
        self.engine.argv = lambda *words: [setarch, "--addr-no-randomize", *argv(*words)]
        self.assertNotEqual(self.assert_same_facts()["flags"]["personality"], 0)

    def test_extra_fds(self):
        def prepare():
            os.dup2(first, 3)
            os.dup2(second, 4)
        first = os.dup2(os.open("/etc/passwd", os.O_RDONLY), 20)
        second = os.dup2(os.open(self.path("log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND), 21)
        facts = self.assert_same_facts(preserve_fds=2, preexec_fn=prepare, pass_fds=(3, 4))
        self.assertEqual(sorted(facts["fds"]), ["0", "1", "2", "3", "4"])
        self.assertTrue(facts["fds"]["4"]["status_flags"] & os.O_APPEND)
        self.assertTrue(facts["fds"]["4"]["target"].endswith("log"), facts["fds"]["4"])


class Comparison(unittest.TestCase):
    """The comparison itself is not blind."""

    FACTS = {"pid": 1, "ppid": 0, "mounts": ["1 2 0:3 / /tmp rw - tmpfs tmpfs rw"], "umask": 18,
             "environment": [], "fds": {"0": {"target": "pipe:[12]"}}}

    def test_allowed_differences_are_equal(self):
        other = json.loads(json.dumps(self.FACTS)) | {"pid": 2, "ppid": 1}
        other["fds"]["0"]["target"] = "pipe:[13]"
        other["mounts"] += ["9 8 0:4 /x /dev/.runi-init ro - tmpfs tmpfs rw"]
        self.assertEqual(comparable(json.loads(json.dumps(self.FACTS))), comparable(other))

    def test_others_are_not(self):
        other = json.loads(json.dumps(self.FACTS)) | {"umask": 0}
        self.assertNotEqual(comparable(json.loads(json.dumps(self.FACTS))), comparable(other))
