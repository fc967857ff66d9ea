"""runictl scan: whether a container needs an init, and why."""

import json
import os
import shutil
import time

from bed.bundle import Runc
from bed.case import PLAIN, built, need, until
from look import PAUSE, SHELL, Look, children_of, zombies_of


class Verdicts(Look):
    """Of PID 1 by itself, without an engine."""

    def verdict(self, pid):
        container = self.scan()[pid]
        return container["verdict"], container["because"]

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
        self.assertIn("but it has adopted 2 processes", container["text"])

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


class ChangedUser(Look):
    """An application that has become another user's."""

    def become(self, **capabilities):
        """The verdict on a set-user-ID program that becomes root, started by a user with these capabilities."""
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
        return started, self.scan()[started.pid]

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
