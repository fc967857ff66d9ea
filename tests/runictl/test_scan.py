"""runictl scan: which containers there are, what they are called and whether they need an init."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, built, need, until
from bed.containerd import Ctr
from bed.cri import Cri
from bed.docker import Docker
from bed.podman import Podman
from bed.terminal import Terminal
from look import FAILED, FOUND, NOBODY, Look, children_of, zombies_of

SHELL = ["sh", "-c", "sleep 1000; :"]
PAUSE = "print('ready', flush=True)\nwhile True: time.sleep(1000)"


class Verdicts(Look):
    """Of PID 1 by itself, without an engine."""

    def verdict(self, pid):
        container = self.scan()[pid]
        return container["verdict"], container["because"]

    def test_of_a_container_with_the_hosts_pid_namespace_no_file_of_the_host_is_read(self):
        """What is in such a container may call itself a supervisor; it is shown as what it can see itself."""
        secret, root = self.folder("secret"), self.folder("root")
        os.mkdir(os.path.join(root, "own"))
        os.symlink(secret, os.path.join(root, "linked"))
        for folder, name in ((secret, "secret"), (os.path.join(root, "own"), "own")):
            with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
                json.dump({"annotations": {"io.kubernetes.cri.container-name": name}}, file)
        code = ("import ctypes, os, time\nos.chroot(%r)\nos.chdir('/')\nctypes.CDLL(None).unshare(0x20000000)\n"
                "child = os.fork()\nif child: print(child, flush=True)\ntime.sleep(1000)")
        for bundle, name in (("/linked", ""), ("/own", "own"), ("linked", ""), ("/../../linked", "")):
            with self.subTest(bundle):
                script = self.path("script")
                with open(script, "w", encoding="utf-8") as file:
                    file.write(code % root)
                environment = os.environ | {"PYTHONHOME": sys.base_prefix}  # it would look for itself as argv[0] says
                with open(script, encoding="utf-8") as file, \
                        subprocess.Popen(["conmon", "-", "-c", "f" * 64, "-b", bundle], executable=sys.executable, stdin=file,
                                         stdout=subprocess.PIPE, env=environment) as process:
                    first = int(process.stdout.readline() or 0)
                    containers = self.scan()
                    for pid in filter(None, (first, process.pid)):
                        os.kill(pid, signal.SIGKILL)
                self.assertEqual((containers[first]["engine"], containers[first]["id"], containers[first]["name"] or ""),
                                 ("podman", "f" * 64, name))

    def test_nothing(self):
        self.assertEqual(self.scan(), {})
        done = self.runictl("scan")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), r"^No container among \d+ processes")

    def test_no_handler(self):
        pid = self.namespace("sleep", "1000")
        self.assertEqual(self.verdict(pid), ("needs-init", ["no-sigterm-handler"]))
        self.assertEqual(self.scan()[pid]["sigterm"], "dropped")

    def test_a_shell(self):
        self.assertEqual(self.verdict(self.namespace(*SHELL)), ("needs-init", ["shell"]))

    def test_handled(self):
        pid = self.python("signal.signal(signal.SIGTERM, lambda *_: None)\n" + PAUSE)
        self.assertEqual(self.verdict(pid), ("fine", []))
        self.assertEqual(self.scan()[pid]["sigterm"], "handled")

    def test_waited_for(self):
        pid = self.python("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
                          "print('ready', flush=True)\nsignal.sigwait([signal.SIGTERM])")
        self.assertEqual(self.verdict(pid), ("fine", []))
        self.assertEqual(self.scan()[pid]["sigterm"], "blocked")

    def test_ignored(self):
        pid = self.python("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PAUSE)
        self.assertEqual(self.verdict(pid), ("ignores-sigterm", []))

    def test_daemons_that_it_adopted(self):
        """Whether it waits for them, as pidproxy's like do, nobody can tell; that there are some, scan tells."""
        pid = self.python("for _ in range(2):\n  if os.fork() == 0:\n    os.setsid()\n"
                          "    if os.fork(): os._exit(0)\n    time.sleep(1000)\n  os.wait()\n" + PAUSE)
        until(lambda: len(children_of(pid)) == 2, "the daemons")
        container = self.scan()[pid]
        self.assertEqual((container["verdict"], container["adopted"]), ("needs-init", 2))
        self.assertIn("yet it has adopted 2 processes", container["text"])

    def test_children_are_not_adopted(self):
        pid = self.python("for setsid in (lambda: None, os.setsid):\n"
                          "  if os.fork() == 0:\n    setsid()\n    time.sleep(1000)\n" + PAUSE)
        until(lambda: len(children_of(pid)) == 2, "the children")
        self.assertEqual(self.scan()[pid]["adopted"], 0)

    def test_init(self):
        pid = self.namespace(built("RUNI_INIT"), "--", "sleep", "1000")
        self.assertEqual(self.verdict(pid), ("has-init", []))
        self.assertEqual(self.scan()[pid]["init"], "runi-init")

    def test_other_inits(self):
        for name in ("tini", "dumb-init", "catatonit"):
            with self.subTest(name):
                pid = self.namespace(need(name), "--", "sleep", "1000")
                self.assertEqual((self.scan()[pid]["verdict"], self.scan()[pid]["init"]), ("has-init", name))

    def test_zombies(self):
        pid = self.python("signal.signal(signal.SIGTERM, lambda *_: None)\n"
                          "for _ in range(7): os.fork() or os._exit(0)\n" + PAUSE)
        until(lambda: len(zombies_of(pid)) == 7, "the zombies")
        time.sleep(2)
        container = self.scan()[pid]
        self.assertEqual((container["verdict"], container["because"]), ("needs-init", ["zombies"]))
        self.assertEqual((container["zombies"], container["zombiesOfOthers"]), (7, 0))
        self.assertIn(container["oldestZombieSeconds"], range(1, 60))

    def test_zombies_of_another_process(self):
        """An init would not reap them before their parent ends."""
        pid = self.python("signal.signal(signal.SIGTERM, lambda *_: None)\n"
                          "if os.fork() == 0:\n  for _ in range(3): os.fork() or os._exit(0)\n"
                          "  time.sleep(1000)\n" + PAUSE)
        until(lambda: len(children_of(pid)) == 1 and len(zombies_of(children_of(pid)[0])) == 3, "the zombies")
        container = self.scan()[pid]
        self.assertEqual(container["verdict"], "fine")
        self.assertEqual((container["zombies"], container["zombiesOfOthers"]), (0, 3))
        self.assertEqual(container["processes"], 5)

    def test_a_process_that_was_about_to_be_reaped_is_no_zombie(self):
        """It is Z at any moment, but each is gone within the second look."""
        pid = self.python("signal.signal(signal.SIGTERM, lambda *_: None)\n"
                          "if os.fork() == 0:\n  print('ready', flush=True)\n"
                          "else:\n  signal.signal(signal.SIGCHLD, lambda *_: None)\n"
                          "while True:\n  child = os.fork() or os._exit(0)\n"
                          "  time.sleep(0.05)\n  os.waitpid(child, 0)\n")
        for _ in range(5):
            container = self.scan()[pid]
            self.assertEqual((container["zombies"], container["zombiesOfOthers"]), (0, 0))

    def test_a_first_thread_that_has_ended_is_no_zombie(self):
        pid = self.python("signal.signal(signal.SIGTERM, lambda *_: None)\n"
                          "if os.fork() == 0:\n"
                          "  threading.Thread(target=lambda: time.sleep(1000)).start()\n"
                          "  ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)\n" + PAUSE)
        until(lambda: len(zombies_of(pid)) == 1, "the end of the first thread")
        self.assertEqual(self.scan()[pid]["zombies"], 0)

    def test_of_many_the_worst_come_first(self):
        self.namespace(built("RUNI_INIT"), "--", "sleep", "1000")
        self.namespace("sleep", "1000")
        self.python("for _ in range(7): os.fork() or os._exit(0)\n" + PAUSE)
        done = self.runictl("scan", "--json")
        because = [container["because"] for container in json.loads(done.stdout)["containers"]]
        self.assertEqual(because, [["zombies", "no-sigterm-handler"], ["no-sigterm-handler"], []])


class Views(Look):
    """What is seen from where."""

    def test_namespaces_in_namespaces(self):
        """The outer one's PID 1 has one below it; /proc stays that of this test."""
        outer = self.namespace("sh", "-c", "unshare --pid --fork --kill-child sleep 1000; :")
        containers = until(lambda: len(found := self.scan()) == 2 and found, "both")
        inner = next(one for pid, one in containers.items() if pid != outer)
        until(lambda: self.scan()[inner["pid"]]["process"] == "sleep", "the inner one")
        self.assertEqual((inner["inside"], containers[outer]["inside"]), (outer, None))

    def test_processes_brought_in_from_outside(self):
        pid = self.namespace("sleep", "1000")
        other = self.namespace("sleep", "1001")
        for count in (1, 2):
            process = subprocess.Popen(["nsenter", "--target", str(pid), "--pid", "sleep", "1002"])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            until(lambda: children_of(process.pid), "a process brought in")
            self.assertEqual(self.scan()[pid]["processes"], 1 + count)
        self.assertEqual(self.scan()[other]["processes"], 1)

    def test_from_inside(self):
        """A /proc of its own shows a container only what is below it; --proc can show another."""
        pid = self.namespace("sleep", "1000")
        self.succeed("mkdir", self.path("proc"))
        self.succeed("mount", "--bind", "/proc", self.path("proc"))
        self.addCleanup(self.command, "umount", "--lazy", self.path("proc"))
        inside = ["unshare", "--pid", "--fork", "--mount-proc", built("RUNICTL"), "scan", "--json"]
        self.assertEqual(json.loads(self.command(*inside).stdout)["containers"], [])
        seen = json.loads(self.command(*inside, "--proc", self.path("proc")).stdout)["containers"]
        self.assertIn(pid, [container["pid"] for container in seen])

    def test_as_nobody(self):
        pid = self.namespace(*SHELL)
        container = self.scan(**NOBODY)[pid]
        self.assertEqual(container["because"], ["shell"])
        self.assertEqual((container["complete"], container["program"]), (False, None))
        self.assertEqual(self.summary["incompleteContainers"], 1)
        text = self.runictl("scan", **NOBODY).stdout.decode()
        self.assertIn("Of 1 container program and environment are not for you to see", text)

    def test_where_proc_hides_others(self):
        self.namespace(*SHELL)
        self.succeed("mount", "-o", "remount,hidepid=1", "/proc")
        self.assertEqual(self.scan(**NOBODY), {})
        self.assertGreater(self.summary["unreadableProcesses"], 0)
        self.assertIn("could not be looked into", self.runictl("scan", **NOBODY).stdout.decode())
        self.succeed("mount", "-o", "remount,hidepid=2", "/proc")
        self.assertEqual(self.scan(**NOBODY), {})
        self.assertTrue(self.summary["hidesProcesses"])
        self.assertIn("hidepid", self.runictl("scan", **NOBODY).stdout.decode())

    def test_what_is_no_proc(self):
        for folder in ("/", "/nowhere"):
            done = self.runictl("scan", "--proc", folder)
            self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
            self.assertRegex(done.stderr.decode(), rf"^runictl: {folder}: (not a proc file system|No such file)")

    def test_processes_that_go(self):
        """Between the listing of /proc and a look at each, which strace makes a slow one."""
        log = self.path("strace.log")
        slowly = [need("strace"), "-o", log, "-e", "trace=openat", "-e", "inject=openat:delay_enter=50000"]
        if self.command(*slowly, "true").returncode != 0:
            self.skipTest("needs strace, and leave to use it")
        pid = self.namespace(*SHELL)
        count = 8
        parent = subprocess.Popen(["sh", "-c", f"for i in $(seq {count}); do sleep 0.4 & done; wait; exec sleep 1000"])
        self.addCleanup(parent.wait)
        self.addCleanup(parent.kill)
        until(lambda: len(children_of(parent.pid)) == count, "processes that will go")
        # A sanitizer's search for leaks is no tracee's.
        done = self.command(*slowly, built("RUNICTL"), "scan", "--json",
                            env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})
        with open(log, encoding="utf-8") as file:
            self.assertRegex(file.read(), r'"\d+/status".* ENOENT')
        self.assertEqual((done.returncode, done.stderr), (FOUND, b""))
        self.assertEqual([container["pid"] for container in json.loads(done.stdout)["containers"]], [pid])


class Output(Look):
    def test_table(self):
        self.namespace(*SHELL)
        done = self.runictl("scan")
        self.assertEqual(done.returncode, FOUND)
        heading, row, empty, summary = done.stdout.decode().splitlines()
        self.assertEqual(heading.split(), ["CONTAINER", "PROCESS", "1", "PID", "ZOMBIES", "VERDICT"])
        self.assertEqual(row.index("needs an init: a shell"), heading.index("VERDICT"))
        self.assertEqual(empty, "")
        self.assertRegex(summary, r"^1 container among \d+ processes: 1 needs an init, none has one, none does without\.$")

    def test_fits_the_terminal(self):
        self.namespace(*SHELL)
        terminal = Terminal(self, [built("RUNICTL"), "scan"], columns=80)
        self.assertEqual(terminal.wait(), FOUND)
        text = terminal.seen.decode()
        self.assertIn("\x1b[31m", text)
        for line in re.sub(r"\x1b\[\d*m", "", text).splitlines():
            self.assertLessEqual(len(line), 80)

    def test_no_colour(self):
        self.namespace(*SHELL)
        terminal = Terminal(self, ["env", "NO_COLOR=1", built("RUNICTL"), "scan"])
        self.assertEqual(terminal.wait(), FOUND)
        self.assertNotIn(b"\x1b", terminal.seen)

    def test_names_of_processes_do_not_steer_the_terminal(self):
        program = shutil.copy(need("sleep"), self.path("\x1b[2Jx\n"))
        self.namespace(program, "1000")
        output = self.runictl("scan").stdout
        self.assertIn(rb" \x1b[2Jx\x0a 1000 ", output)
        self.assertNotIn(b"\x1b", output)

    def watch(self, *words, **keywords):
        process = subprocess.Popen([built("RUNICTL"), "scan", "--watch", *words], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, **keywords)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_watch_prints_a_document_a_line(self):
        process = self.watch("0.1", "--json")
        self.assertEqual(json.loads(process.stdout.readline())["summary"]["containers"], 0)
        self.namespace(*SHELL)
        until(lambda: json.loads(process.stdout.readline())["summary"]["containers"] == 1, "the change")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        self.assertEqual(process.wait(10), FOUND)
        for line in rest.splitlines():
            json.loads(line)

    def test_watch_ends_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.watch("3600")
            process.stdout.readline()
            process.send_signal(number)
            self.assertEqual(process.wait(10), 0)

    def test_watch_redraws_in_place(self):
        terminal = Terminal(self, [built("RUNICTL"), "scan", "--watch"])
        for _ in range(2):
            terminal.expect(r"\x1b\[H.*No container", 20)
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), 0)

    def test_usage(self):
        for words in (["--watch", "0"], ["--watch", "x"], ["--nonsense"], ["more"]):
            done = self.runictl("scan", *words)
            self.assertEqual((done.returncode, done.stdout), (FAILED, b""), words)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            for words in ([], ["--watch", "0.1"]):
                done = self.runictl("scan", *words, stdout=full, timeout=10)
                self.assertEqual(done.returncode, FAILED)
                self.assertIn(b"standard output", done.stderr)


class Names(Look):
    """What real engines call their containers."""

    def only(self, started):
        containers = self.scan()
        self.assertIn(started.pid, containers)
        return containers[started.pid]

    def test_runc(self):
        container = self.only(Runc(self).start(PLAIN, SHELL))
        self.assertEqual((container["engine"], container["id"], container["because"]), ("runc", "c", ["shell"]))

    def test_crun(self):
        container = self.only(Crun(self).start(PLAIN, ["sleep", "1000"]))
        self.assertEqual((container["engine"], container["id"], container["because"]),
                         ("crun", "c", ["no-sigterm-handler"]))

    def assert_not_started(self, engine):
        bundle = engine.bundle(["sleep", "1000"], "created")
        done = self.command(*engine.argv(PLAIN, "create", "--bundle", bundle, "created"),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # the container keeps them open
        self.assertEqual(done.returncode, 0)
        (container,) = self.scan().values()
        self.assertEqual(container["verdict"], "not-started")
        # Its runtime has ended: what it is called, its cgroup tells.
        self.assertEqual(container["id"], "created")

    def test_not_started_by_runc(self):
        self.assert_not_started(Runc(self))

    def test_not_started_by_crun(self):
        self.assert_not_started(Crun(self))

    def become(self, **capabilities):
        """The verdict on a set-user-ID program that becomes root, started by a user with so many capabilities."""
        engine = Runc(self)
        program = os.path.join(engine.rootfs, "become")
        shutil.copy(built("CROWD"), program)
        os.chmod(program, 0o4755)
        def edit(spec):
            spec["process"]["user"] = {"uid": 1000, "gid": 1000}
            spec["process"]["noNewPrivileges"] = False
            spec["process"]["capabilities"] = capabilities
        started = engine.start(PLAIN, ["/become", "become"], edit=edit)
        def uids():
            with open(f"/proc/{started.pid}/status", encoding="ascii") as file:
                return next(line.split()[1:] for line in file if line.startswith("Uid:"))
        until(lambda: uids() == ["0"] * 4, "root")
        return started, self.only(started)

    def test_an_application_that_an_init_could_not_signal(self):
        """It has become another user's; where the one it was started as has no right to that, so would its init."""
        started, container = self.become(bounding=["CAP_CHOWN"])
        self.assertEqual((container["verdict"], container["because"]), ("no-help", ["no-sigterm-handler"]))
        denied = self.command("nsenter", "--target", str(started.pid), "--pid", "setpriv", "--reuid", "1000", "--clear-groups",
                              "--bounding-set", "-all", "/bin/kill", "-0", "1")
        self.assertIn(b"not permitted", denied.stderr.lower())

    def test_an_application_that_an_init_could_signal(self):
        _, container = self.become(bounding=["CAP_KILL"], inheritable=["CAP_KILL"], permitted=["CAP_KILL"],
                                   ambient=["CAP_KILL"])
        self.assertEqual(container["verdict"], "needs-init")

    def test_limit_of_processes(self):
        def edit(spec):
            spec["linux"]["resources"]["pids"] = {"limit": 40}
        engine = Runc(self)
        container = self.only(engine.start(PLAIN, SHELL, edit=edit))
        if container["pids"] is None:
            self.skipTest("needs the pids controller: not mounted here")
        self.assertEqual((container["pids"]["max"], container["pids"]["current"]), (40, 2))
        self.assertIn(" 5%  ", self.runictl("scan").stdout.decode())

    def test_podman(self):
        engine = Podman(self)
        started = engine.start(PLAIN, ["sleep", "1000"], flags=["--name", "web"])
        container = self.only(started)
        self.assertEqual((container["engine"], container["name"], container["id"]), ("podman", "web", started.id))
        self.assertIn("web ", self.runictl("scan").stdout.decode())

    def test_docker(self):
        engine = Docker(self)
        started = engine.start(PLAIN, ["sleep", "1000"], flags=["--name", "web"])
        container = self.only(started)
        self.assertEqual((container["engine"], container["name"], container["id"]), ("docker", "web", started.id))

    def test_ctr(self):
        container = self.only(Ctr(self).start(PLAIN, ["sleep", "1000"]))
        self.assertEqual((container["engine"], container["id"]), ("containerd", "c"))

    def test_pods(self):
        cri = Cri(self)
        pod = cri.pod(PLAIN)
        container = cri.container(pod, ["sleep", "1000"])
        with_init = cri.container(cri.pod(RUNI), ["sleep", "1000"])
        def by_id():
            return {one["id"]: one for one in self.scan().values()}
        by_id = until(lambda: (seen := by_id())[with_init]["init"] and seen, "the init")
        seen = by_id[container]
        self.assertEqual((seen["engine"], seen["podNamespace"], seen["pod"], seen["name"], seen["podUid"]),
                         ("containerd", "bed", "pod1", "c", "uid1"))
        self.assertEqual(seen["verdict"], "needs-init")
        self.assertEqual(by_id[pod[0]]["verdict"], "sandbox")
        self.assertEqual(by_id[with_init]["init"], "runi-init")
        text = self.runictl("scan").stdout.decode()
        self.assertIn("bed/pod1/c ", text)
        self.assertNotIn("is a pod's sandbox", text)
        self.assertRegex(text, r"(?m)^2 containers of containerd and 2 pods' sandboxes among \d+ processes: ")
        self.assertEqual(self.runictl("scan", "--sandboxes").stdout.decode().count("is a pod's sandbox"), 2)


class Crowd(Look):
    """Ten thousand processes."""

    COUNT = 10_000
    PER_PROCESS = 3  # open, read, close

    def test_work_for_each_is_small(self):
        need("strace")
        pid = self.namespace("sleep", "1000")
        crowd = subprocess.Popen([built("CROWD"), str(self.COUNT)], stdout=subprocess.PIPE)
        self.addCleanup(crowd.stdout.close)
        self.addCleanup(crowd.wait)
        self.addCleanup(crowd.kill)
        self.assertEqual(crowd.stdout.readline(), b"ready\n")
        counts = self.path("counts")
        done = self.command("strace", "-c", "-o", counts, built("RUNICTL"), "scan", "--json", timeout=100)
        document = json.loads(done.stdout)
        self.assertEqual([container["pid"] for container in document["containers"]], [pid])
        self.assertGreater(document["summary"]["processes"], self.COUNT)
        with open(counts, encoding="ascii") as file:
            calls = next(int(line.split()[3]) for line in file if line.rstrip().endswith("total"))
        self.assertLess(calls, self.PER_PROCESS * self.COUNT + 1000)
        began = time.monotonic()
        self.scan()
        print(f"{self.COUNT} processes: {calls} system calls, {time.monotonic() - began:.3f} s")
