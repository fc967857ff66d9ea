"""runi's own log in syslog, which may be missing, stuck or dead."""

import contextlib
import json
import os
import re
import socket
import subprocess
import unittest

from bed import world
from logged import KEYS, POD, Logged
from test_handover import STARTS


class Syslog(Logged):
    """With a /dev of the test's own, in which this is what listens."""

    def setUp(self):
        super().setUp()
        if world.ENTERED not in os.environ:
            self.skipTest("needs a world of its own: tests/run.py makes one, for root")
        devices = os.path.join(self.folder, "dev")
        os.mkdir(devices)
        subprocess.run(["mount", "--rbind", "/dev", devices], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev"], check=True)
        for name in os.listdir(devices):
            if name != "log":
                os.symlink(os.path.join(devices, name), os.path.join("/dev", name))
        self.addCleanup(subprocess.run, ["umount", "--recursive", "--lazy", devices], check=True)
        self.addCleanup(subprocess.run, ["umount", "/dev"], check=True)

    def listen(self, kind=socket.SOCK_DGRAM):
        listener = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(listener.close)
        listener.bind("/dev/log")
        if kind == socket.SOCK_STREAM:
            listener.listen()
        listener.settimeout(0)
        return listener

    @staticmethod
    def received(listener):
        messages = []
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(listener.recv(65536).decode("ascii"))
        return messages

    def test_is_quiet_when_all_is_well(self):
        listener = self.listen()
        self.configure()
        for args in (*STARTS, ["state", "id"]):
            self.write_config()
            self.hand_over(args)
        self.edit(lambda config: config["process"].update(args=["tini"]))
        self.assert_starts()
        self.assertEqual(self.received(listener), [])

    def test_gets_warnings(self):
        listener = self.listen()
        self.configure(init=self.no_init)
        record = self.assert_starts()
        message, = self.received(listener)
        self.assertRegex(message, rf"^<28>runi\[{record['pid']}\]: starts without an init container_id=id decision=failed "
                         rf'detail="init {self.no_init["path"]}: open: No such file or directory" '
                         rf"runtime={re.escape(self.fake)} elapsed_us=\d+$")

    def test_gets_errors(self):
        listener = self.listen()
        self.configure(init=self.no_init, onFailure="fail")
        self.assert_failed(self.start())
        message, = self.received(listener)
        self.assertRegex(message, r"^<27>runi\[\d+\]: does not start container_id=id decision=failed ")

    def test_gets_info_where_that_is_wished(self):
        listener = self.listen()
        self.configure(log={"level": "info"})
        self.hand_over(STARTS[0])
        message, = self.received(listener)
        self.assertRegex(message, r"^<30>runi\[\d+\]: starts with an init container_id=id decision=inject ")

    def test_gets_json_where_that_is_wished(self):
        listener = self.listen()
        self.configure(log={"level": "info", "format": "json"})
        record = self.assert_starts()
        message, = self.received(listener)
        head, brace, rest = message.partition("{")
        self.assertEqual(head, f"<30>runi[{record['pid']}]: ")
        self.assertEqual(list(json.loads(brace + rest)), [key for key in KEYS if key not in ("namespace", "pod", "container")])

    def test_gets_what_a_broken_configuration_breaks(self):
        listener = self.listen()
        with open(self.settings, "w", encoding="utf-8") as file:
            json.dump({"runtime": self.fake, "log": {"sink": "none"}, "colour": 1}, file)
        self.assert_failed(self.start(), "/colour: unknown key")
        message, = self.received(listener)
        self.assertTrue(message.startswith("<27>runi["))
        self.assertIn("/colour: unknown key", message)

    def test_gets_nothing_of_other_verbs(self):
        listener = self.listen()
        self.configure(runtime="/no/such/runtime", log={"level": "info"})
        self.assertEqual(self.start("delete", "id")[0], 1)
        self.assertEqual(self.received(listener), [])
        self.assertEqual(self.start()[0], 1)
        self.assertEqual(len(self.received(listener)), 1)

    def test_gets_nothing_when_the_sink_is_none(self):
        listener = self.listen()
        self.configure(init=self.no_init, log={"level": "info", "sink": "none"})
        self.assert_starts()
        self.assertEqual(self.received(listener), [])

    def test_may_be_a_stream(self):
        listener = self.listen(socket.SOCK_STREAM)
        self.configure(init=self.no_init)
        self.assert_starts()
        connection = listener.accept()[0]
        with connection:
            self.assertRegex(connection.recv(65536).decode("ascii"), r"^<28>runi\[\d+\]: starts without .*\0$")

    def test_may_be_missing_or_dead(self):
        self.configure(init=self.no_init)
        self.assert_starts()
        self.listen().close()  # leaves its name behind
        self.assert_starts()

    def test_may_be_stuck(self):
        self.configure(init=self.no_init)
        listener = self.listen()
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(sender.close)
        sender.setblocking(False)
        sender.connect("/dev/log")
        with self.assertRaises(BlockingIOError):
            while True:
                sender.send(b"x")
        self.assert_starts()
        self.assertEqual(set(self.received(listener)), {"x"})

    def test_may_be_a_stream_that_nobody_accepts(self):
        self.configure(init=self.no_init)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind("/dev/log")
        listener.listen(0)
        for _ in range(3):
            self.assert_starts()

    def test_is_told_what_the_file_cannot_be(self):
        listener = self.listen()
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        missing = os.path.join(self.folder, "missing", "runi.log")
        for path, why in ((fifo, "No such device or address"), (missing, "No such file or directory"),
                          (self.folder, "Is a directory"), ("/proc/version", "Permission denied|Input/output error"),
                          ("/dev/full", "No space left on device")):
            self.write_config()
            self.to_file(file=path, format="text")
            self.assert_starts()
            message, = self.received(listener)
            self.assertRegex(message, rf'^<28>runi\[\d+\]: cannot log to the file detail="log {re.escape(path)}: \w+: ({why})"$')
            self.to_file(file=path, format="json", init=self.no_init)
            self.write_config()
            self.assert_starts()
            first, second = (json.loads(message[message.index("{"):]) for message in self.received(listener))
            self.assertEqual((first["level"], second["level"]), ("warning", "warning"))
            self.assertEqual((second["msg"], second["decision"]), ("starts without an init", "failed"))

    def test_is_told_of_a_full_file_system(self):
        listener = self.listen()
        place = os.path.join(self.folder, "small")
        os.mkdir(place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", place], check=True)
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        self.log = os.path.join(place, "runi.log")
        self.annotate({key: "x" * 200 for key in POD} | {"io.podman.annotations.init": "TRUE"})
        self.to_file()
        messages = []
        for _ in range(30):
            self.assert_starts()
            messages += self.received(listener)  # its queue is short
        self.assertEqual(len(self.lines()) + len(messages), 30)
        self.assertGreater(len(messages), 1)
        self.assertEqual({tuple(json.loads(line)) for line in self.lines()}, {tuple(KEYS)})
        for message in messages:
            self.assertRegex(message, "No space left on device|no room for the whole line")


if __name__ == "__main__":
    unittest.main()
