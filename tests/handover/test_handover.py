"""The runtime gets from runi exactly what its caller gave to runi.

Each case runs twice, once with a fake runtime called directly and once with runi in front of it. The fake writes down
all that a process keeps over execve, and both accounts must be the same: runi must not show. Only create, run and
restore may have changed something, and that is the bundle's config.json.

RUNI names the runi under test, FAKE_RUNTIME the fake (default: beside runi).
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import stat
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RUNI = os.path.abspath(os.environ.get("RUNI", os.path.join(HERE, "..", "..", "build", "dev", "bin", "runi")))
FAKE = os.path.abspath(os.environ.get("FAKE_RUNTIME", os.path.join(os.path.dirname(RUNI), "fake_runtime")))
CONFIG = os.path.join(HERE, "..", "golden", "inputs", "runc-spec.json")

FAKE_STATUS = 43
PR_SET_PDEATHSIG, PR_SET_TIMERSLACK, PR_SET_CHILD_SUBREAPER = 1, 29, 36
ADDR_NO_RANDOMIZE = 0x0040000
ENVIRONMENT = [b"PATH=/usr/bin:/bin", b"HOME=/root"]

STARTS = [
    ["create", "--bundle", "bundle", "id"],
    ["create", "--bundle=bundle", "--pid-file", "p", "id"],
    ["run", "-b", "bundle", "--detach", "id"],
    ["restore", "-no-subreaper", "--bundle", "bundle", "--image-path", "i", "id"],
    ["--root", "/r", "--log", "create", "--log-format", "json", "--systemd-cgroup", "create", "id", "--bundle", "bundle"],
    ["--debug", "--", "create", "--bundle", "bundle", "--", "id"],
]
OTHERS = [
    [],
    [""],
    ["--version"],
    ["-v"],
    ["--help"],
    ["-h"],
    ["features"],
    ["help", "create"],
    ["start", "id"],
    ["state", "create"],
    ["kill", "id", "KILL"],
    ["kill", "--all", "create", "9"],
    ["delete", "--force", "create"],
    ["--log", "create", "delete", "--force", "id"],
    ["exec", "--process", "p", "id", "create", "--bundle", "bundle"],
    ["exec", "--tty", "id", "run"],
    ["checkpoint", "--image-path", "i", "id"],
    ["events", "--stats", "id"],
    ["init"],
    ["list", "--format=json"],
    ["pause", "id"],
    ["resume", "id"],
    ["ps", "id", "-ef"],
    ["spec", "--bundle", "bundle"],
    ["update", "--resources=-", "id"],
    ["mounts", "add", "id", "F"],
    ["create", "--help", "--bundle", "bundle", "id"],
    # Nothing that any runtime knows.
    ["--"],
    ["-"],
    ["---"],
    ["--log"],
    ["no-such-verb", "--bundle", "bundle"],
    ["--no-such-flag=create", "state", "--bundle", "bundle"],
    ["Create", "--bundle", "bundle", "id"],
    ["--runtime", "/bin/false", "--inject", "never"],
    [b"\xff\xfe\x01", b"\n", b"a\tb", b" ", b"'\"\\$(x)", b"\xe2\x82\xac"],
    ["x" * 100_000],
    ["many"] + ["create"] * 3000,
]

libc = ctypes.CDLL(None, use_errno=True)


def as_bytes(word):
    return word if isinstance(word, bytes) else os.fsencode(word)


def execve(path, argv, environment):
    """execve with any bytes at all: os.execve takes no odd environment."""
    def vector(words):
        return (ctypes.c_char_p * (len(words) + 1))(*words, None)
    libc.execve(as_bytes(path), vector(argv), vector(environment))
    os._exit(126)


def place(descriptors):
    """Makes each number of the dict the same open file as its value, kept over execve."""
    high = {number: os.dup(fd) for number, fd in descriptors.items()}
    while any(fd in descriptors for fd in high.values()):
        high = {number: os.dup(fd) for number, fd in high.items()}
    for number, fd in high.items():
        os.dup2(fd, number, inheritable=True)
        os.close(fd)


class HandOver(unittest.TestCase):
    def setUp(self):
        for program in (RUNI, FAKE):
            if not os.access(program, os.X_OK):
                self.skipTest(f"no {program}")
        prefix = os.path.dirname(os.path.dirname(RUNI))
        self.folder = tempfile.mkdtemp(prefix="handover-", dir=prefix)
        self.addCleanup(shutil.rmtree, self.folder)
        self.unique = os.path.basename(self.folder)
        self.outputs = {fd: os.path.join(self.folder, f"output-{fd}") for fd in (1, 2)}
        self.settings = os.path.join(prefix, "etc", "runi", f"runi-{self.unique}.json")
        os.makedirs(os.path.dirname(self.settings), exist_ok=True)
        self.runi = os.path.join(self.folder, f"runi-{self.unique}")
        os.symlink(RUNI, self.runi)
        self.addCleanup(lambda: os.unlink(self.settings))
        self.use_runtime("runc")
        self.bundle = os.path.join(self.folder, "bundle")
        os.mkdir(self.bundle)
        self.write_config()

    def use_runtime(self, name):
        self.fake = os.path.join(self.folder, name)
        shutil.copy(FAKE, self.fake)
        with open(self.settings, "w", encoding="utf-8") as file:
            json.dump({"runtime": self.fake}, file)

    def write_config(self):
        shutil.copy(CONFIG, os.path.join(self.bundle, "config.json"))
        with open(CONFIG, "rb") as file:
            self.config = file.read()

    def call(self, program, argv, environment, prepare):
        """Runs program in a child that `prepare` made special; returns its status and the fake's account, if any."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.fake + ".record")
        files = {fd: os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600) for fd, path in self.outputs.items()}
        null = os.open("/dev/null", os.O_RDONLY)
        child = os.fork()
        if child == 0:
            try:
                place({0: null, 1: files[1], 2: files[2]})
                os.chdir(self.folder)
                for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
                    signal.signal(number, signal.SIG_DFL)
                words = list(environment)
                if prepare:
                    words += prepare() or []
                execve(program, [as_bytes(word) for word in argv], words)
            except BaseException as error:  # pylint: disable=broad-except
                print(f"test_handover: child: {error!r}", file=sys.__stderr__, flush=True)
            finally:
                os._exit(125)
        for fd in [null, *files.values()]:
            os.close(fd)
        pidfd = os.pidfd_open(child)
        try:
            if not select.select([pidfd], [], [], 20)[0]:
                os.kill(child, signal.SIGKILL)
        finally:
            os.close(pidfd)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        record = None
        if os.path.exists(self.fake + ".record"):
            with open(self.fake + ".record", encoding="ascii") as file:
                record = json.load(file)
        return status, record, child

    def output(self, fd):
        with open(self.outputs[fd], "rb") as file:
            return file.read()

    def hand_over(self, args, environment=ENVIRONMENT, prepare=None, differs=()):
        """Asserts that the fake sees the same through runi as directly; returns the two accounts."""
        status, direct, pid = self.call(self.fake, [self.fake, *args], environment, prepare)
        self.assertEqual((status, direct["pid"]), (FAKE_STATUS, pid), "the fake itself, called directly")

        status, through, pid = self.call(self.runi, [self.runi, *args], environment, prepare)
        self.assertIsNotNone(through, f"{args}: the runtime was not called: status {status}, {self.output(2)!r}")
        self.assertEqual(status, FAKE_STATUS, args)
        self.assertEqual(self.output(1), b"", args)
        self.assertEqual(self.output(2), b"", args)
        self.assertEqual(through["pid"], pid, "the runtime must be the process that the caller started")
        self.assertEqual(through["ppid"], os.getpid())
        for key in direct:
            if key not in ("pid", "config", *differs):
                self.assertEqual(through[key], direct[key], f"{key} with {str(args)[:200]}")
        return direct, through

    def assert_untouched(self, through, args):
        self.assertEqual(through["config"].encode("latin-1"), self.config, args)

    def assert_injected(self, through, args):
        edited = json.loads(through["config"].encode("latin-1"))
        original = json.loads(self.config)
        words = edited["process"]["args"]
        own = len(words) - len(original["process"]["args"])
        self.assertGreater(own, 0, f"{args}: nothing before {words}")
        self.assertEqual(words[own:], original["process"]["args"], args)
        mount = edited["mounts"].pop()
        self.assertEqual(mount["destination"], words[0], args)
        self.assertTrue({"bind", "ro"} <= set(mount["options"]), mount)
        self.assertTrue(os.access(mount["source"], os.X_OK), mount)
        self.assertIn("runi.dev/injected", edited.get("annotations", {}), args)
        del edited["annotations"]["runi.dev/injected"]
        if "annotations" not in original and not edited["annotations"]:
            del edited["annotations"]
        edited["process"]["args"] = words[own:]
        self.assertEqual(edited, original, args)
        self.assertEqual(os.listdir(self.bundle), ["config.json"], "nothing but config.json may stay in the bundle")


class Arguments(HandOver):
    def test_of_other_verbs_and_of_garbage(self):
        path = os.path.join(self.bundle, "config.json")
        before = os.stat(path)
        for args in OTHERS:
            _, through = self.hand_over(args)
            expected = [word.decode("latin-1") for word in map(as_bytes, [self.fake, *args])]
            self.assertEqual(through["argv"], expected, args)
            self.assert_untouched(through, args)
        after = os.stat(path)
        self.assertEqual((after.st_ino, after.st_mtime_ns, after.st_ctime_ns),
                         (before.st_ino, before.st_mtime_ns, before.st_ctime_ns))

    def test_of_starts_and_the_config_is_edited_before_the_runtime_runs(self):
        for args in STARTS:
            self.write_config()
            direct, through = self.hand_over(args)
            self.assertEqual(through["argv"], [self.fake, *args])
            self.assert_untouched(direct, args)
            self.assert_injected(through, args)

    def test_of_a_start_in_the_bundle(self):
        _, through = self.hand_over(["create", "id"], prepare=lambda: os.chdir(self.bundle))
        self.assertEqual(through["cwd"], self.bundle)
        self.assert_injected(through, "create id")

    def test_a_second_start_edits_nothing_more(self):
        _, first = self.hand_over(STARTS[0])
        before = os.stat(os.path.join(self.bundle, "config.json"))
        _, second = self.hand_over(STARTS[0])
        self.assertEqual(second["config"], first["config"])
        self.assertEqual(os.stat(os.path.join(self.bundle, "config.json")).st_ino, before.st_ino)

    def test_crun_is_understood_as_crun(self):
        self.use_runtime("crun")
        for args in [["create", "-bbundle", "id"], ["run", "-db", "bundle", "id"], ["--roo", "create", "create", "--bun", "bundle", "id"],
                     ["create", "--config", "bundle/config.json", "--bundle", "/", "id"]]:
            self.write_config()
            _, through = self.hand_over(args)
            self.assert_injected(through, args)
        self.write_config()
        _, through = self.hand_over(["create", "-bundle", "id"])  # -b undle
        self.assert_untouched(through, "-bundle")

    def test_the_config_keeps_its_owner_and_mode(self):
        path = os.path.join(self.bundle, "config.json")
        os.chmod(path, 0o640)
        if os.geteuid() == 0:
            os.chown(path, 1234, 4321)
        before = os.stat(path)
        _, through = self.hand_over(STARTS[0], prepare=lambda: os.umask(0o377) and None)
        self.assert_injected(through, STARTS[0])
        after = os.stat(path)
        self.assertEqual((after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)),
                         (before.st_uid, before.st_gid, 0o640))


class Process(HandOver):
    """For a start, which runi works on, and for a verb that it passes on."""

    def both(self, **case):
        accounts = []
        for args in (STARTS[0], ["state", "id"]):
            self.write_config()
            accounts.append(self.hand_over(args, **case)[1])
        self.assert_injected(accounts[0], STARTS[0])
        return accounts

    def test_environment(self):
        for environment in [
                [],
                [b""],
                [b"A=1", b"A=2", b"A"],
                [b"no-equals-sign", b"=", b"=x", b"==", b"", b"B=\xff\xfe", b"C=a\nb", b"D="],
                [b"LD_LIBRARY_PATH=/nonexistent", b"TZ=:/etc/passwd", b"LC_ALL=xx_YY", b"RUNI=1", b"MALLOC_PERTURB_=7"],
                [b"NOTIFY_SOCKET=/run/n", b"LISTEN_FDS=1", b"LISTEN_PID=1", b"_=/usr/bin/other", b"SHLVL=3", b"PWD=/elsewhere"],
                [b"X%d=%s" % (i, b"v" * 50) for i in range(2000)] + [b"LONG=" + b"y" * 100_000],
        ]:
            for account in self.both(environment=environment):
                self.assertEqual([word.encode("latin-1") for word in account["environ"]], environment)

    def test_working_directory(self):
        for account in self.both(prepare=lambda: os.chdir(self.bundle + "/..")):
            self.assertEqual(account["cwd"], self.folder)

        def in_a_removed_folder():
            gone = tempfile.mkdtemp(dir=self.folder)
            os.chdir(gone)
            os.rmdir(gone)

        # The name differs each time, so only what is passed on can be compared.
        status, account, _ = self.call(self.runi, [self.runi, "state", "id"], ENVIRONMENT, in_a_removed_folder)
        self.assertEqual(status, FAKE_STATUS)
        self.assertTrue(account["cwd"].endswith(" (deleted)"), account["cwd"])

    def test_inherited_descriptors(self):
        with contextlib.ExitStack() as stack:
            def opened(path, flags):
                fd = os.open(path, flags)
                stack.callback(os.close, fd)
                return fd

            pipe = os.pipe()
            for fd in pipe:
                stack.callback(os.close, fd)
            one, other = socket.socketpair()
            stack.callback(one.close)
            stack.callback(other.close)
            seeked = opened(CONFIG, os.O_RDONLY)
            os.lseek(seeked, 100, os.SEEK_SET)
            memory = os.memfd_create("kept")
            stack.callback(os.close, memory)
            wanted = {3: pipe[0], 4: pipe[1], 5: one.fileno(), 6: seeked, 7: memory, 8: opened("/", os.O_PATH | os.O_DIRECTORY),
                      9: opened("/dev/null", os.O_RDWR | os.O_NONBLOCK), 200: other.fileno()}

            def prepare():
                place(wanted)
                os.dup2(wanted[3], 11, inheritable=False)  # closed by the first execve

            for account in self.both(prepare=prepare):
                for number in wanted:
                    self.assertIn(str(number), account["fds"])
                self.assertNotIn("11", account["fds"])
                self.assertIn("pos:\t100", account["fds"]["6"])

    def test_closed_standard_descriptors(self):
        for closed in [(0,), (1,), (2,), (0, 1, 2)]:
            for account in self.both(prepare=lambda numbers=closed: [os.close(fd) for fd in numbers] and None):
                for number in closed:
                    self.assertNotIn(str(number), account["fds"])

    def test_socket_activation(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(self.folder, "listener"))
            listener.listen()

            def prepare():
                place({3: listener.fileno()})
                return [b"LISTEN_FDS=1", b"LISTEN_PID=%d" % os.getpid(), b"LISTEN_FDNAMES=web"]

            for account in self.both(prepare=prepare, differs=("environ",)):
                self.assertIn(f"LISTEN_PID={account['pid']}", account["environ"])
                self.assertEqual(account["environ"][:len(ENVIRONMENT)], [word.decode() for word in ENVIRONMENT])
                self.assertEqual(account["environ"][-1], "LISTEN_FDNAMES=web")
                self.assertTrue(account["fds"]["3"].startswith("socket:"), account["fds"])

    def test_death_signal(self):
        for account in self.both(prepare=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM) and None):
            self.assertEqual(account["pdeathsig"], signal.SIGTERM)

    def test_umask(self):
        for mask in (0, 0o027, 0o377):
            for account in self.both(prepare=lambda value=mask: os.umask(value) and None):
                self.assertIn(f"Umask:\t{mask:04o}", account["status"])

    def test_signals(self):
        def prepare():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR2, 34, 64])
            for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT, 40):
                signal.signal(number, signal.SIG_IGN)
            os.kill(os.getpid(), signal.SIGUSR2)  # stays pending

        def bits(*numbers):
            return "%016x" % sum(1 << (number - 1) for number in numbers)

        for account in self.both(prepare=prepare):
            for line in [
                    "SigBlk:\t" + bits(signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR2, 34, 64),
                    "ShdPnd:\t" + bits(signal.SIGUSR2),
            ]:
                self.assertIn(line, account["status"])
            ignored = next(line for line in account["status"].splitlines() if line.startswith("SigIgn"))
            for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT, 40):
                self.assertTrue(int(ignored.split()[1], 16) >> (number - 1) & 1, ignored)

    def test_session_limits_and_the_rest(self):
        def prepare():
            os.setsid()
            os.nice(3)
            resource.setrlimit(resource.RLIMIT_NOFILE, (300, 400))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
            libc.prctl(PR_SET_TIMERSLACK, 12345)
            libc.personality(ADDR_NO_RANDOMIZE)

        # A session's number is its leader's, so it differs between the two calls.
        for account in self.both(prepare=prepare, differs=("sid", "pgid")):
            self.assertEqual((account["sid"], account["pgid"]), (account["pid"], account["pid"]))
            self.assertEqual(account["nice"], 3)
            self.assertEqual(account["subreaper"], 1)
            self.assertEqual(account["timer_slack_ns"], 12345)
            self.assertEqual(account["personality"], ADDR_NO_RANDOMIZE)

    def test_a_terminal(self):
        leader, follower = os.openpty()
        self.addCleanup(os.close, leader)
        self.addCleanup(os.close, follower)
        for account in self.both(prepare=lambda: os.dup2(follower, 0) and None):
            self.assertIn(os.ttyname(follower), account["fds"]["0"])


if __name__ == "__main__":
    unittest.main()
