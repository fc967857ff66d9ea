"""What a start does to the bundle: killed, in company, without room, without a config.json that can be read."""

import concurrent.futures
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time
import unittest

from start import CREATE, Start
from test_handover import CONFIG, FAKE_STATUS


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


if __name__ == "__main__":
    unittest.main()
