"""What a start does to the bundle when things go wrong: killed, in company, without room, badly configured."""

import concurrent.futures
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import termios
import threading
import time
import unittest

from bed.shim import INIT
from test_handover import CONFIG, ENVIRONMENT, FAKE, FAKE_STATUS, RUNI, HandOver

CREATE = ["create", "--bundle", "bundle", "id"]


class Start(HandOver):
    def configure(self, **settings):
        with open(self.settings, "w", encoding="utf-8") as file:
            json.dump({"runtime": self.fake, **settings}, file)

    def start(self, *args, prepare=None):
        """Runs a start; returns its status, the fake's account (None if it was not reached), and stderr."""
        status, record, _ = self.call(self.runi, [self.runi, *(args or CREATE)], ENVIRONMENT, prepare)
        self.assertEqual(self.output(1), b"", "stdout belongs to the runtime")
        return status, record, self.output(2).decode()

    def bundle_bytes(self):
        with open(os.path.join(self.bundle, "config.json"), "rb") as file:
            return file.read()

    def edited_bytes(self):
        self.write_config()
        self.start()
        edited = self.bundle_bytes()
        self.write_config()
        self.assertNotEqual(edited, self.config)
        return edited

    def assert_passed_on(self, result):
        """The runtime was reached and the bundle is as it was."""
        status, record, stderr = result
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        self.assert_untouched(record, CREATE)
        self.assertEqual(os.listdir(self.bundle), ["config.json"])

    def assert_failed(self, result, *words):
        status, record, stderr = result
        self.assertEqual(status, 1, stderr)
        self.assertIsNone(record, "the runtime was reached")
        self.assertTrue(stderr.startswith("runi: ") and stderr.count("\n") == 1, stderr)
        for word in words:
            self.assertIn(word, stderr)


class Killed(Start):
    def test_at_any_system_call_leaves_the_old_or_the_new_file(self):
        if not shutil.which("strace"):
            self.skipTest("needs strace")
        edited = self.edited_bytes()
        log = os.path.join(self.folder, "strace.log")
        trace = ["strace", "-o", log]
        command = [self.runi, *CREATE]
        tried = subprocess.run([*trace, *command], cwd=self.folder, capture_output=True, check=False)
        if not os.path.exists(log) or tried.returncode != FAKE_STATUS:
            self.skipTest(f"strace does not work here: {tried.stderr.decode().strip()}")
        with open(log, encoding="utf-8", errors="replace") as file:
            calls = [line for line in file if re.match(r"\w+\(", line)]
        names = [line.partition("(")[0] for line in calls]
        up_to_exec = names.index("execve", 1)
        self.assertGreater(up_to_exec, 20)

        outcomes = {"old": 0, "new": 0}
        leftovers = 0
        for number in range(1, up_to_exec):
            self.write_config()
            # strace counts the calls of each name; the signal comes as the call is entered, before it does anything.
            injection = f"inject={names[number]}:signal=KILL:when={names[:number + 1].count(names[number])}"
            killed = subprocess.run([*trace, "-e", injection, *command], cwd=self.folder, capture_output=True, check=False)
            self.assertEqual(killed.returncode, -signal.SIGKILL, f"not killed at call {number}: {calls[number]}")
            found = self.bundle_bytes()
            self.assertTrue(found in (self.config, edited), f"killed at call {number}: {calls[number]}: {found!r}")
            outcomes["new" if found == edited else "old"] += 1
            left = sorted(set(os.listdir(self.bundle)) - {"config.json"})
            self.assertIn(left, ([], [".config.json.runi"]), f"killed at call {number}: {calls[number]}")
            leftovers += len(left)
            # Whatever the dead process left, the next start finds its way and clears it away.
            self.assertEqual(self.start()[0], FAKE_STATUS)
            self.assertEqual(self.bundle_bytes(), edited)
            if found == self.config:
                self.assertEqual(os.listdir(self.bundle), ["config.json"])
            for name in left:
                if os.path.exists(os.path.join(self.bundle, name)):
                    os.unlink(os.path.join(self.bundle, name))
        self.assertTrue(all(outcomes.values()), f"the kills did not span the replacement: {outcomes}")
        self.assertGreater(leftovers, 0, "the kills did not hit between link and rename")


class InCompany(Start):
    def test_many_starts_in_one_bundle_edit_it_once(self):
        edited = self.edited_bytes()
        for _ in range(15):
            self.write_config()
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                runs = list(pool.map(lambda _: subprocess.run([self.runi, *CREATE], cwd=self.folder, check=False,
                                                              capture_output=True), range(16)))
            self.assertEqual({run.returncode for run in runs}, {FAKE_STATUS}, runs[0].stderr)
            self.assertEqual(self.bundle_bytes(), edited)
            self.assertEqual(os.listdir(self.bundle), ["config.json"])

    def test_readers_see_the_old_or_the_new_file(self):
        edited = self.edited_bytes()
        path = os.path.join(self.bundle, "config.json")
        seen = set()
        for _ in range(100):
            replacement = path + ".fresh"
            shutil.copy(CONFIG, replacement)
            os.rename(replacement, path)
            with subprocess.Popen([self.runi, *CREATE], cwd=self.folder) as run:
                while run.poll() is None:
                    seen.add(self.bundle_bytes())
        seen.add(self.bundle_bytes())
        self.assertEqual(seen, {self.config, edited})


class WithoutRoom(Start):
    """Where config.json cannot be replaced the container runs as it would without runi, or not at all if so wished."""

    def both_ways(self, *words):
        self.configure()
        self.assert_passed_on(self.start())
        self.configure(onFailure="fail")
        self.assert_failed(self.start(), "config.json", *words)
        self.assertEqual(self.bundle_bytes(), self.config)

    def mount_over_bundle(self, *arguments):
        if os.geteuid() != 0:
            self.skipTest("needs root: mounts a file system")
        done = subprocess.run(["mount", *arguments, self.bundle], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"needs mount: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", self.bundle], check=True)

    def test_read_only_bundle(self):
        self.mount_over_bundle("--bind", self.bundle)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.bundle], check=True)
        self.both_ways("Read-only file system")

    def test_full_file_system(self):
        self.mount_over_bundle("-t", "tmpfs", "-o", "size=16k", "tmpfs")
        self.write_config()
        with open(os.path.join(self.bundle, "config.json"), "rb") as file:
            self.config = file.read()
        filler = os.path.join(self.bundle, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 512)
            except OSError:
                pass
        self.configure()
        status, record, stderr = self.start()
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        self.assert_untouched(record, CREATE)
        self.assertEqual(sorted(os.listdir(self.bundle)), ["config.json", "filler"])
        self.configure(onFailure="fail")
        self.assert_failed(self.start(), "No space left on device")

    def test_no_inodes_left(self):
        self.mount_over_bundle("-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs")
        self.write_config()
        self.both_ways("No space left on device")

    def test_something_in_the_way(self):
        os.mkdir(os.path.join(self.bundle, ".config.json.runi"))
        self.configure(onFailure="fail")
        status, record, stderr = self.start()
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        self.assertIn("runi.dev/injected", json.loads(record["config"].encode("latin-1"))["annotations"])
        self.assertEqual(sorted(os.listdir(self.bundle)), [".config.json.runi", "config.json"])

    def test_an_append_only_directory(self):
        done = subprocess.run(["chattr", "+a", self.bundle], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"needs chattr +a: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["chattr", "-a", self.bundle], check=True)
        self.both_ways("append-only")

    def test_directory_of_somebody_else(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: becomes another user")
        for path in (self.folder, os.path.dirname(self.settings)):
            os.chmod(path, 0o755)
        for path in self.outputs.values():
            open(path, "w", encoding="utf-8").close()
            os.chmod(path, 0o666)
        os.chmod(self.folder, 0o777)

        def become_nobody():
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)

        self.configure(onFailure="fail")
        os.chmod(self.settings, 0o644)
        self.assert_failed(self.start(prepare=become_nobody), "Permission denied")


class WithoutASight(Start):
    """Where the root directory cannot be looked at, nobody knows where mounts land."""

    def mount_through_a_link(self):
        os.mkdir(os.path.join(self.bundle, "rootfs"))
        os.mkdir(os.path.join(self.bundle, "rootfs", "dev"))
        os.symlink("dev", os.path.join(self.bundle, "rootfs", "link"))
        config = json.loads(self.config)
        config["mounts"].append({"destination": "/link", "type": "bind", "source": "/tmp", "options": ["rbind"]})
        self.config = json.dumps(config).encode()
        with open(os.path.join(self.bundle, "config.json"), "wb") as file:
            file.write(self.config)

    def test_a_kernel_without_openat2(self):
        if not shutil.which("strace"):
            self.skipTest("needs strace")
        self.mount_through_a_link()
        for error in ("ENOSYS", "EPERM"):
            done = subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=openat2", "-e", f"inject=openat2:error={error}",
                                   self.runi, *CREATE], cwd=self.folder, capture_output=True, check=False)
            if done.returncode != FAKE_STATUS:
                self.skipTest(f"strace does not work here: {done.stderr.decode().strip()}")
            self.assertNotIn(b'"/dev/.runi-init"', self.bundle_bytes(), error)

    def test_a_root_directory_that_cannot_be_searched(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: becomes another user")
        self.mount_through_a_link()
        os.chmod(os.path.join(self.bundle, "rootfs"), 0o700)
        os.chmod(self.bundle, 0o777)
        os.chmod(self.folder, 0o777)
        for path in self.outputs.values():
            open(path, "w", encoding="utf-8").close()
            os.chmod(path, 0o666)

        def become_nobody():
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)

        self.configure(onFailure="fail")
        os.chmod(self.settings, 0o644)
        self.assert_failed(self.start(prepare=become_nobody), "no-place", "Permission denied")


class WithoutSignals(Start):
    """What runi writes raises no signal that would end or stop it, or be there for the runtime."""

    LIMIT = 1000  # bytes; config.json is larger

    def limit_size(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.LIMIT, resource.RLIM_INFINITY))

    def test_a_size_limit_that_config_json_does_not_fit_in(self):
        def blocked():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ, signal.SIGPIPE})

        def pending():
            blocked()
            os.kill(os.getpid(), signal.SIGXFSZ)

        def pending_for_the_thread():
            blocked()
            signal.pthread_kill(threading.get_ident(), signal.SIGXFSZ)

        for state in (lambda: None, lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN), blocked, pending,
                      pending_for_the_thread):
            def prepare(state=state):
                self.limit_size()
                state()
            _, through = self.hand_over(CREATE, prepare=prepare)
            self.assert_untouched(through, CREATE)
        self.configure(onFailure="fail")
        self.assert_failed(self.start(prepare=self.limit_size), "config.json", "File too large")
        self.assertEqual(os.listdir(self.bundle), ["config.json"])

    def failing(self, prepare):
        self.configure(runtime="/no/such/runtime")
        return self.call(self.runi, [self.runi, *CREATE], ENVIRONMENT, prepare)[0]

    def test_an_error_that_stderr_has_no_room_for(self):
        def prepare():
            os.write(2, b"x" * self.LIMIT)
            self.limit_size()
        self.assertEqual(self.failing(prepare), 1)

    def test_an_error_that_nobody_reads(self):
        def prepare():
            reading, writing = os.pipe()
            os.close(reading)
            os.dup2(writing, 2)
        self.assertEqual(self.failing(prepare), 1)

    def test_an_error_on_a_terminal_of_others(self):
        """In the background, where the terminal stops who writes to it (stty tostop)."""
        def prepare():
            os.setsid()
            master, terminal = os.openpty()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            attributes = termios.tcgetattr(terminal)
            attributes[3] |= termios.TOSTOP
            termios.tcsetattr(terminal, termios.TCSANOW, attributes)
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                os.dup2(terminal, 2)
                return
            _, status = os.waitpid(child, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                os.kill(child, signal.SIGKILL)
                os._exit(99)
            os._exit(os.waitstatus_to_exitcode(status) if os.read(master, 9).startswith(b"runi: ") else 98)
        self.assertEqual(self.failing(prepare), 1)


class NotAFile(Start):
    """What cannot be read as a specification reaches the runtime untouched, unless that is not good enough."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.bundle, "config.json")

    def test_missing_is_the_runtime_s_to_say(self):
        os.unlink(self.path)
        for setting in ("skip", "fail"):
            self.configure(onFailure=setting)
            self.assertEqual(self.start()[0], FAKE_STATUS)
        self.assertEqual(os.listdir(self.bundle), [])

    def test_no_such_bundle(self):
        self.assertEqual(self.start("create", "--bundle", "nowhere", "id")[0], FAKE_STATUS)

    def test_symbolic_link_fifo_directory_and_device(self):
        target = os.path.join(self.folder, "elsewhere.json")
        shutil.copy(CONFIG, target)

        def link():
            os.symlink(target, self.path)

        for make, remove in ((link, os.unlink), (lambda: os.mkfifo(self.path), os.unlink),
                             (lambda: os.mkdir(self.path), os.rmdir),
                             (lambda: os.symlink("/dev/zero", self.path), os.unlink)):
            if os.path.lexists(self.path):
                os.unlink(self.path)
            make()
            before = os.lstat(self.path)
            self.configure()
            # The fake would read it, which is not the point here and with a FIFO would not end.
            self.configure(runtime="/bin/true")
            self.assertEqual(self.start()[0], 0)
            self.configure(onFailure="fail")
            self.assert_failed(self.start(), "config.json", "regular file")
            after = os.lstat(self.path)
            self.assertEqual((after.st_ino, stat.S_IFMT(after.st_mode)), (before.st_ino, stat.S_IFMT(before.st_mode)))
            remove(self.path)
        with open(target, "rb") as file:
            self.assertEqual(file.read(), self.config)

    def test_a_fifo_is_left_for_the_runtime_to_read(self):
        """Its writer is there once: who opened it before the runtime would have its bytes."""
        os.unlink(self.path)
        os.mkfifo(self.path)
        writer = os.fork()
        if writer == 0:
            try:
                fifo = os.open(self.path, os.O_WRONLY)  # waits for a reader
                os.write(fifo, self.config)
            finally:
                os._exit(0)
        self.addCleanup(os.waitpid, writer, 0)
        self.addCleanup(os.kill, writer, signal.SIGKILL)
        while not self.waits_in_open(writer):
            time.sleep(0.001)
        self.configure(runtime="/bin/true")  # which opens nothing
        self.assertEqual(self.start()[0], 0)
        self.assertTrue(self.waits_in_open(writer), "somebody has opened it")
        self.configure()
        status, record, stderr = self.start()
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        self.assertEqual(record["config"].encode("latin-1"), self.config)

    @staticmethod
    def waits_in_open(pid):
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            return file.read().split()[0] in {"x86_64": ("2", "257"), "aarch64": ("56",)}[os.uname().machine]

    def test_not_json_stays_as_it_is(self):
        for content in (b"", b"{", b"\xef\xbb\xbf{}", b"{}\0", b"[" * 20000, self.config + b"x"):
            with open(self.path, "wb") as file:
                file.write(content)
            self.configure()
            status, record, stderr = self.start()
            self.assertEqual((status, stderr), (FAKE_STATUS, ""))
            self.assertEqual(record["config"].encode("latin-1"), content)
            self.configure(onFailure="fail")
            self.assert_failed(self.start(), "config.json", "not JSON")

    def test_ten_megabytes(self):
        padding = b'{"padding":[' + b"1,2345678," * 1_000_000 + b'0],' + self.config.lstrip()[1:]
        with open(self.path, "wb") as file:
            file.write(padding)
        self.assertEqual(self.start()[0], FAKE_STATUS)
        found = self.bundle_bytes()
        self.assertGreater(len(found), len(padding))
        self.assertIn(b'"runi.dev/injected"', found[:200])


class Misconfigured(Start):
    def settings_text(self, text):
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(text)

    def test_a_broken_configuration_fails_starts_and_nothing_else(self):
        for text, *words in (('{"runtime": "%s", "inject": "sometimes"}' % self.fake, "/inject", '"sometimes"'),
                             ('{"runtime": "%s", "colour": 1}' % self.fake, "/colour", "unknown key"),
                             ('{"runtime": "%s", "annotations": ["all"]}' % self.fake, "/annotations/0", '"all"'),
                             ('{"runtime": "%s", "init": {"signals": ["KILL:0"]}}' % self.fake, "/init/signals/0", '"KILL:0"'),
                             ('{"runtime": "%s" "inject": 1}' % self.fake, "not JSON", "line 1")):
            self.settings_text(text)
            self.assert_failed(self.start(), "configuration " + self.settings, *words)
            self.assertEqual(self.bundle_bytes(), self.config)
            for verb in ("state", "kill", "delete", "exec", "--version"):
                self.assertEqual(self.start(verb, "id")[0], FAKE_STATUS, f"{verb} with {text}")

    def test_each_name_has_a_configuration_of_its_own(self):
        """One that is broken is felt by its own handler alone."""
        sound = os.path.join(os.path.dirname(self.runi), f"{os.path.basename(self.runi)}-too")
        settings = os.path.join(os.path.dirname(self.settings), f"{os.path.basename(sound)}.json")
        os.symlink(RUNI, sound)
        self.addCleanup(os.unlink, sound)
        with open(settings, "w", encoding="utf-8") as file:
            json.dump({"runtime": self.fake, "init": {"graceSeconds": 2}}, file)
        self.addCleanup(os.unlink, settings)
        self.settings_text('{"runtime": "%s", "inject": "sometimes"}' % self.fake)
        self.assert_failed(self.start(), "configuration " + self.settings)
        status, record, _ = self.call(sound, [sound, *CREATE], ENVIRONMENT, None)
        self.assertEqual(status, FAKE_STATUS)
        args = json.loads(record["config"].encode("latin-1"))["process"]["args"]
        self.assertEqual(args[:len(INIT) + 3], [*INIT, "-t", "2", "--"])

    def test_a_configuration_that_is_no_file(self):
        os.unlink(self.settings)
        os.mkdir(self.settings)
        try:
            self.assert_failed(self.start(), "configuration " + self.settings, "not a regular file")
        finally:
            os.rmdir(self.settings)
            self.settings_text("{}")

    def test_runi_is_never_its_own_runtime(self):
        self.configure(runtime=RUNI)
        self.assert_failed(self.start(), RUNI, "is runi itself")
        self.assert_failed(self.start("state", "id"), RUNI, "is runi itself")
        self.configure(runtime=self.runi)
        self.assert_failed(self.start(), "is runi itself")

    def test_a_runtime_that_is_not_there(self):
        self.configure(runtime="/no/such/runtime")
        self.assert_failed(self.start(), "/no/such/runtime", "No such file or directory")
        self.assert_failed(self.start("delete", "id"), "/no/such/runtime")

    def test_comments_are_welcome(self):
        self.settings_text('// whose\n{ "runtime": "%s" /* which */ }' % self.fake)
        self.assertEqual(self.start()[0], FAKE_STATUS)
        self.assertIn(b"runi.dev/injected", self.bundle_bytes())


class Configured(Start):
    def arguments_of(self, **settings):
        self.write_config()
        self.configure(**settings)
        status, record, stderr = self.start()
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        return json.loads(record["config"].encode("latin-1"))["process"]["args"]

    def test_inject(self):
        plain = json.loads(self.config)["process"]["args"]
        self.assertEqual(self.arguments_of(inject="never"), plain)
        self.assertEqual(self.arguments_of(inject="annotated"), plain)
        self.assertEqual(self.arguments_of(inject="always"), [*INIT, "--", *plain])

    def test_skip_commands(self):
        plain = json.loads(self.config)["process"]["args"]
        self.assertEqual(self.arguments_of(skipCommands=[plain[0]]), plain)
        self.assertEqual(self.arguments_of(skipCommands=["other"]), [*INIT, "--", *plain])

    def test_forward(self):
        self.assertEqual(self.arguments_of(init={"forward": "group"})[:len(INIT) + 2], [*INIT, "-g", "--"])

    def test_tuning(self):
        self.assertEqual(self.arguments_of(init={"signals": ["TERM:QUIT", "HUP:0"], "expectExit": [143], "graceSeconds": 5})[:len(INIT) + 9],
                         [*INIT, "-r", "TERM:QUIT", "-r", "HUP:0", "-e", "143", "-t", "5", "--"])

    def test_shared_pid(self):
        config = json.loads(self.config)
        config["linux"]["namespaces"] = [entry for entry in config["linux"]["namespaces"] if entry["type"] != "pid"]
        with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.configure()
        self.start()
        self.assertNotIn(b"runi.dev", self.bundle_bytes())
        self.configure(sharedPid="subreaper")
        self.start()
        self.assertEqual(json.loads(self.bundle_bytes())["process"]["args"][:3], ["/dev/.runi-init", "-s", "--"])

    def test_init_path(self):
        init = os.path.join(os.path.realpath(self.folder), 'an "init" of its own')
        shutil.copy(os.path.join(os.path.dirname(RUNI), "runi-init"), init)
        os.chmod(init, 0o755)
        self.configure(init={"path": init})
        self.start()
        self.assertEqual(json.loads(self.bundle_bytes())["mounts"][-1]["source"], init)

    def test_an_init_behind_a_link(self):
        """The mount names the file itself, so that a bundle keeps its version when the link moves on."""
        init = os.path.realpath(shutil.copy(os.path.join(os.path.dirname(RUNI), "runi-init"),
                                            os.path.join(self.folder, "init-1")))
        os.symlink("init-1", os.path.join(self.folder, "init"))
        self.configure(init={"path": os.path.join(self.folder, "init")})
        self.start()
        self.assertEqual(json.loads(self.bundle_bytes())["mounts"][-1]["source"], init)

    def test_an_init_that_cannot_serve(self):
        init = os.path.join(self.folder, "init")
        for make, word in ((lambda: None, "No such file"),
                           (lambda: shutil.copy("/bin/sh", init), "dynamic loader"),
                           (lambda: os.chmod(init, 0o700), "not for all to read and execute"),
                           (lambda: os.chmod(init, 0o777), "writable by others")):
            make()
            self.configure(init={"path": init})
            self.assert_passed_on(self.start())
            self.configure(init={"path": init}, onFailure="fail")
            self.assert_failed(self.start(), init, word)

    def test_an_init_where_nothing_may_be_executed(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: mounts a file system")
        place = os.path.join(self.folder, "noexec")
        os.mkdir(place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", place], check=True)
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        init = shutil.copy(os.path.join(os.path.dirname(RUNI), "runi-init"), place)
        os.chmod(init, 0o755)
        self.configure(init={"path": init}, onFailure="fail")
        self.assert_failed(self.start(), init, "noexec")


class Annotated(Start):
    def annotate(self, **annotations):
        config = json.loads(self.config)
        config["annotations"] = {"io.kubernetes.cri.container-name": "app"} | annotations
        self.config = json.dumps(config).encode()
        with open(os.path.join(self.bundle, "config.json"), "wb") as file:
            file.write(self.config)

    def assert_options(self, result, *options):
        status, record, stderr = result
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        args = json.loads(record["config"].encode("latin-1"))["process"]["args"]
        self.assertEqual(tuple(args[:len(INIT) + len(options) + 1]), (*INIT, *options, "--"))

    def test_what_does_not_count_is_ignored(self):
        self.configure(init={"graceSeconds": 3})
        self.annotate(**{"runi.dev/grace": "soon", "runi.dev/signals": "TERM:QUIT", "app.runi.dev/colour": "red"})
        self.assert_options(self.start(), "-r", "TERM:QUIT", "-t", "3")

    def test_what_does_not_count_is_refused_where_that_is_wished(self):
        self.configure(onFailure="fail")
        self.annotate(**{"runi.dev/grace": "soon", "app.runi.dev/colour": "red"})
        self.assert_failed(self.start(), "config.json: annotation", 'annotation "runi.dev/grace": expected whole seconds, 0 to 86400, '
                           'found "soon"; annotation "app.runi.dev/colour": unknown key')
        self.assertEqual(self.bundle_bytes(), self.config)
        self.assertEqual(self.start("delete", "id")[0], FAKE_STATUS)

    def test_the_annotation_of_another_container_is_nothing_to_refuse(self):
        self.configure(onFailure="fail")
        self.annotate(**{"other.runi.dev/grace": "soon", "app.runi.dev/grace": "7"})
        self.assert_options(self.start(), "-t", "7")

    def test_only_what_the_configuration_allows(self):
        self.annotate(**{"runi.dev/init": "false", "runi.dev/grace": "7"})
        self.configure(annotations=["grace"])
        self.assert_options(self.start(), "-t", "7")
        self.annotate(**{"runi.dev/init": "false", "runi.dev/grace": "7"})
        self.configure(annotations=[], onFailure="fail")
        self.assert_failed(self.start(), "runi.dev/init", "do not let pods set it", "runi.dev/grace")

    def test_a_container_can_ask_for_the_init(self):
        self.configure(inject="annotated")
        self.annotate(**{"app.runi.dev/init": "true"})
        self.assert_options(self.start())
        self.annotate(**{"other.runi.dev/init": "true"})
        self.assert_passed_on(self.start())


class Elsewhere(Start):
    """A copy of runi in a folder of its own, which has no configuration in the first directory."""

    def setUp(self):
        super().setUp()
        os.unlink(self.settings)
        self.addCleanup(lambda: open(self.settings, "w", encoding="utf-8").close())  # as the next clean-up expects
        self.prefix = os.path.join(self.folder, "prefix")
        os.makedirs(os.path.join(self.prefix, "bin"))
        os.makedirs(os.path.join(self.prefix, "etc", "runi"))
        shutil.copy(RUNI, os.path.join(self.prefix, "bin", "runi"))
        os.unlink(self.runi)
        os.symlink(os.path.join(self.prefix, "bin", "runi"), self.runi)
        self.first = self.settings
        self.handler = os.path.basename(self.settings)

    def use(self, directory, name, **settings):
        self.settings = os.path.join(directory, name)
        self.configure(inject="never", **settings)

    def test_the_configuration_may_be_beside_the_program(self):
        there = os.path.join(self.prefix, "etc", "runi")
        self.use(there, "config.json")
        self.assert_passed_on(self.start())
        self.use(there, self.handler)
        os.unlink(os.path.join(there, "config.json"))
        self.assert_passed_on(self.start())
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write('{"inject": 7}')
        self.assert_failed(self.start(), f"configuration {there}/{self.handler}: /inject")
        # The first directory's comes before.
        self.use(os.path.dirname(self.first), self.handler)
        self.assert_passed_on(self.start())

    def test_a_runtime_that_nobody_names_is_looked_for_in_path_last(self):
        """Where the system has one, that is taken: so without its directories, in a root directory without them."""
        if os.geteuid() != 0:
            self.skipTest("needs root: to hide the system's runtimes")
        hidden = [path for folder in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/usr/libexec/crio")
                  for path in (f"{folder}/runc", f"{folder}/crun") if os.path.exists(path)]
        folders = {}
        for name in ("runc", "crun"):
            folders[name] = os.path.join(self.folder, f"has-{name}")
            os.mkdir(folders[name])
            shutil.copy(FAKE, os.path.join(folders[name], name))

        def start(path, hide=True):
            script = "".join(f"mount --bind /dev/null {each}; " for each in hidden if hide)
            done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                   script + 'export PATH="$1"; shift; exec "$@"', "sh", path, self.runi, "state", "id"],
                                  check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            return done.returncode, done.stderr

        with open(os.path.join(self.prefix, "etc", "runi", "config.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        self.assertIn("no OCI runtime found", start("/nonexistent")[1])
        self.assertEqual(start(folders["crun"])[0], FAKE_STATUS)
        self.assertEqual(start(f"/nonexistent:{folders['crun']}:{folders['runc']}")[0], FAKE_STATUS)
        # Only absolute elements, and never runi itself.
        self.assertIn("no OCI runtime found", start(os.path.relpath(folders["runc"]))[1])
        os.unlink(os.path.join(folders["runc"], "runc"))
        os.symlink(os.path.join(self.prefix, "bin", "runi"), os.path.join(folders["runc"], "runc"))
        self.assertIn("no OCI runtime found", start(folders["runc"])[1])
        if hidden:
            self.assertNotEqual(start(folders["crun"], hide=False)[0], FAKE_STATUS)


class Reported(Start):
    def setUp(self):
        super().setUp()
        with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.configure(onFailure="fail")
        self.log = os.path.join(self.folder, "log.json")

    def test_as_a_json_line_in_the_log(self):
        with open(self.log, "w", encoding="utf-8") as file:
            file.write('{"level":"info"}\n')
        _, _, stderr = self.start("--log", self.log, "--log-format", "json", *CREATE)
        with open(self.log, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(len(lines), 2, "the line is added to what is there")
        self.assertEqual(lines[1]["level"], "error")
        self.assertEqual(lines[1]["msg"] + "\n", stderr)
        self.assertRegex(lines[1]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_as_a_text_line_in_the_log(self):
        self.start("--log=" + self.log, *CREATE)
        with open(self.log, encoding="utf-8") as file:
            self.assertRegex(file.read(), r'^time="[^"]+" level=error msg="runi: .*"\n$')

    def test_a_stranger_s_words_are_short_and_printable(self):
        hostile = "\x1b]0;title\x07\n\x9b31m\u202e" + "x" * 3_000_000
        seccomp = [{"defaultAction": hostile}, {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["kill"], "action": "SCMP_ACT_KILL", "args": [{"op": hostile}]}]}]
        changes = [lambda config, profile=profile: config["linux"].update(seccomp=profile) for profile in seccomp]
        changes.append(lambda config: config.update(annotations={f"runi.dev/{hostile}": hostile}))
        changes.append(lambda config: config["linux"].update(uidMappings=[{"hostID": -10 ** 3000}]))
        for change in changes:
            config = json.loads(self.config)
            change(config)
            with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
                json.dump(config, file, ensure_ascii=False)
            _, _, stderr = self.start("--log", self.log, *CREATE)
            self.assert_failed((1, None, stderr), "config.json: ")
            with open(self.log, encoding="utf-8") as file:
                for text in (stderr, file.read()):
                    self.assertLess(len(text), 3_000)
                    self.assertRegex(text, r"^[ -~]+\n$")
            os.unlink(self.log)

    def test_a_log_that_cannot_be_written_changes_nothing(self):
        for log in ("/no/such/directory/log", "/proc/version", self.bundle):
            status, _, stderr = self.start("--log", log, *CREATE)
            self.assertEqual(status, 1)
            self.assertIn("not JSON", stderr)

    def test_crun_s_relative_log_lies_in_the_bundle(self):
        self.use_runtime("crun")
        self.configure(onFailure="fail")
        self.start("--log", "log.json", *CREATE)
        self.assertTrue(os.path.exists(os.path.join(self.bundle, "log.json")))

    def test_a_skipped_injection_writes_no_line_there(self):
        self.configure()
        self.start("--log", self.log, *CREATE)
        self.assertFalse(os.path.exists(self.log), "podman takes the whole file for one JSON document")


if __name__ == "__main__":
    unittest.main()
