"""What an engine answers over its CRI, and the signal to the process behind its socket: the real containerd.

Servers of the tests' own stand only for what no engine does.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import unittest

from bed.case import Case, PLAIN, RUNI, built
from bed.containerd import Containerd, containerd_of
from bed.cri import Cri

SYSTEMD = """
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.with_systemd]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.with_systemd.options]
        SystemdCgroup = true
"""


class Asking(Case):
    def ask(self, action, *words):
        done = self.command(built("HOST_PROBE"), action, *words)
        return done.returncode, (done.stdout + done.stderr).decode()

    def found(self, action, *words):
        status, text = self.ask(action, *words)
        self.assertEqual(status, 0, text)
        return text.splitlines()


class Engine(Asking):
    def assert_answers(self, series, program):
        containerd = Containerd(self, "k8s.io", more=SYSTEMD, program=program)
        self.assertRegex(self.found("version", containerd.address, "10")[0], rf"^containerd v?{series}\.")
        lines = self.found("status", containerd.address, "10")
        self.assertEqual(lines[0], "ready")
        handlers = {line.split()[1] for line in lines if line.startswith("handler ")}
        self.assertLessEqual({PLAIN, RUNI, "with_systemd"}, handlers)
        self.assertIn("systemd with_systemd", lines)
        self.assertNotIn(f"systemd {RUNI}", lines)
        cri = Cri(self, containerd)
        ready, ended = cri.pod(RUNI)[0], cri.pod(PLAIN)[0]
        cri.runtime.StopPodSandbox(cri.api.PodSandbox(pod_sandbox_id=ended))
        self.assertEqual(sorted(self.found("sandboxes", containerd.address, "10")),
                         sorted([f"{ready} bed/pod1 {RUNI} ready", f"{ended} bed/pod2 {PLAIN} ended"]))

    def test_1_6(self):
        self.assert_answers("1.6", containerd_of("1.6"))

    def test_1_7(self):
        self.assert_answers("1.7", containerd_of("1.7"))

    def test_2(self):
        self.assert_answers("2", containerd_of("2"))

    def test_many_sandboxes_are_more_than_one_frame(self):
        """More than the 64 KiB that may be under way at once."""
        containerd = Containerd(self, "k8s.io")
        cri = Cri(self, containerd)
        for _ in range(3):
            cri.pod(PLAIN, annotations={"long": "x" * 50_000})
        self.assertEqual(len(self.found("sandboxes", containerd.address, "10")), 3)

    def test_an_engine_without_cri(self):
        containerd = Containerd(self, "k8s.io", top='disabled_plugins = ["io.containerd.grpc.v1.cri"]')
        status, text = self.ask("version", containerd.address, "10")
        self.assertEqual(status, 1)
        self.assertRegex(text, f"^{containerd.address}: Version: unknown service .*: is its CRI disabled\\?\n$")

    def test_the_path_of_the_socket_may_be_long(self):
        containerd = Containerd(self, "k8s.io")
        folder = self.folder(*["long" * 20] * 3)
        path = os.path.join(folder, "containerd.sock")
        os.link(containerd.address, path)
        self.assertIn("containerd", self.found("version", path, "10")[0])

    def test_a_signal_ends_the_process_behind_the_socket(self):
        containerd = Containerd(self, "k8s.io")
        self.assertEqual(self.ask("signal", containerd.address, str(int(signal.SIGTERM))), (0, ""))
        containerd.process.wait(10)
        status, text = self.ask("signal", containerd.address, str(int(signal.SIGTERM)))
        self.assertEqual(status, 1)
        self.assertRegex(text, "nobody listens there|No such file")


class Listener(Asking):
    """The socket of something that is no engine."""

    def serve(self, behave):
        """behave(connection) is called for each that connects."""
        path = self.path("fake.sock")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        self.addCleanup(server.close)

        def run():
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                with contextlib.suppress(OSError):  # the client has seen enough
                    behave(connection)

        threading.Thread(target=run, daemon=True).start()
        return path

    def assert_error(self, path, expected, seconds="2"):
        status, text = self.ask("version", path, seconds)
        self.assertEqual(status, 1)
        self.assertEqual(text, f"{path}: {expected}\n")

    def test_no_socket(self):
        self.assert_error(self.path("none"), "connect: No such file or directory")
        self.assert_error(self.path("none", "none"), "connect: No such file or directory")

    def test_nobody_listens(self):
        path = self.path("fake.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            self.assert_error(path, "nobody listens there: is the daemon running?")
            status, text = self.ask("signal", path, "1")
            self.assertEqual((status, text), (1, f"{path}: nobody listens there: is the daemon running?\n"))

    def test_nobody_takes_the_connections(self):
        path = self.path("fake.sock")
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
            server.bind(path)
            server.listen(0)
            first.connect(path)
            self.assert_error(path, "the daemon does not take connections: it hangs, or has not started yet")

    def test_no_answer(self):
        kept = []
        self.assert_error(self.serve(kept.append), "no answer in time", seconds="1")

    def test_another_protocol(self):
        for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 100_000, b"220 mail ESMTP\r\n", bytes(100)):
            path = self.serve(lambda connection, answer=answer: connection.sendall(answer, socket.MSG_NOSIGNAL))
            status, text = self.ask("version", path, "2")
            self.assertEqual(status, 1)
            self.assertEqual(text, f"{path}: what answers does not speak HTTP/2, as an engine's CRI does\n")
            os.remove(path)

    def test_the_connection_is_closed(self):
        def hang_up(connection):
            connection.recv(1 << 16)
            connection.close()

        self.assert_error(self.serve(hang_up), "the daemon closed the connection without an answer")


class Grpc(Asking):
    """A server of gRPC that answers as no engine does that is to be had here."""

    def serve(self, **methods):
        """methods: the bytes of an answer, or what raises, by the package's and the method's name."""
        try:
            import grpc
        except ImportError as missing:
            raise unittest.SkipTest(f"needs python3-grpcio: {missing}") from missing
        from concurrent import futures

        class Handler(grpc.GenericRpcHandler):
            def service(self, details):
                answer = methods.get(details.method.replace("/", "_").replace(".", "_").removeprefix("_runtime_"))
                if answer is None:
                    return None
                return grpc.unary_unary_rpc_method_handler(lambda request, context: answer)

        server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Handler()])
        path = self.path("fake.sock")
        server.add_insecure_port(f"unix:{path}")
        server.start()
        self.addCleanup(server.stop, 0)
        return path

    VERSION = b"\x12\x03old\x1a\x011"

    def test_an_engine_with_v1alpha2_alone(self):
        path = self.serve(v1alpha2_RuntimeService_Version=self.VERSION,
                          v1alpha2_RuntimeService_ListPodSandbox=b"\x0a\x03\x0a\x01a")
        self.assertEqual(self.found("version", path, "5"), ["old 1"])
        self.assertEqual(self.found("sandboxes", path, "5"), ["a /  ready"])

    def test_a_message_that_is_none(self):
        path = self.serve(v1_RuntimeService_Version=self.VERSION, v1_RuntimeService_Status=b"\x0a\x05x")
        self.assertEqual(self.ask("status", path, "5"),
                         (1, f"{path}: Status: not a message of Protocol Buffers\n"))

    def test_an_answer_without_end(self):
        path = self.serve(v1_RuntimeService_Version=self.VERSION, v1_RuntimeService_ListPodSandbox=bytes(17 << 20))
        self.assertEqual(self.ask("sandboxes", path, "10"), (1, f"{path}: the answer is larger than 16 MiB\n"))

    def test_text_that_would_steer_a_terminal(self):
        path = self.serve(v1_RuntimeService_Version=b"\x12\x04\x1b[2J\x1a\x011")
        self.assertEqual(self.found("version", path, "5"), ["\\u001b[2J 1"])


class Namespaces(Asking):
    LISTEN = """
import socket, subprocess, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listens", flush=True)
done = subprocess.run(sys.argv[2:], capture_output=True, text=True)
print(done.stderr, end="")
"""

    def test_a_process_that_is_not_seen_from_here(self):
        path = self.path("fake.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            done = self.command("unshare", "--pid", "--fork", built("HOST_PROBE"), "signal", path, "1")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.decode(), f"^{path}: its process is in a PID namespace that")

    def test_pid_1_is_not_signalled(self):
        path = self.path("fake.sock")
        text = self.succeed("unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", self.LISTEN, path,
                            built("HOST_PROBE"), "signal", path, "9")
        self.assertRegex(text, f"^listens\n{path}: PID 1 holds it for the daemon \\(socket activation\\)")


if __name__ == "__main__":
    unittest.main()
