"""A socket-activated program: the sockets come through the runtime, and it finds itself the one they are for."""

import fcntl
import os
import socket

from bed import image
from bed.bundle import Crun, Oci, Runc
from bed.case import PLAIN, RUNI
from bed.podman import Podman, PodmanCrun
from engines import for_each_engine

# As systemd does it: the sockets are 3 and following, and the one that is executed is named.
ACTIVATE = 'exec 3<&"$1" 4<&"$2"; shift 2; LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"'
FREE = 100  # a descriptor above those that are given a new place


@for_each_engine(Runc, Crun, Podman, PodmanCrun)
class SocketActivation:
    def activate(self, which, args):
        """Runs args with two sockets that a client each waits at. Returns status, output, and the clients' answers."""
        sockets, clients = [], []
        for name in (f"{which}-one", f"{which}-two"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.path(name))
            listener.listen()
            sockets.append(fcntl.fcntl(listener, fcntl.F_DUPFD_CLOEXEC, FREE))
            self.addCleanup(os.close, sockets[-1])
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.path(name))
            client.sendall(name.encode())
            client.settimeout(10)
            clients.append(client)
            self.addCleanup(client.close)
            listener.close()
        done = self.command("bash", "-c", ACTIVATE, "bash", *map(str, sockets), *self.run_argv(which, args),
                            pass_fds=sockets, env=getattr(self.engine, "environment", None))
        self.assertEqual(done.stderr, b"")
        answers = [client.recv(64).decode().replace(which, "it") for client in clients] if done.returncode == 0 else []
        return done.returncode, done.stdout, answers

    def run_argv(self, which, args):
        if not isinstance(self.engine, Oci):
            return self.engine.run_argv(which, "--rm", image.NAME, *args)
        def edit(spec):
            if isinstance(self.engine, Crun):  # which leaves that to its caller, and sets LISTEN_PID
                spec["process"]["env"].append("LISTEN_FDS=2")
        return self.engine.argv(which, "run", "--bundle", self.engine.bundle(args, name=which, edit=edit), f"c-{which}")

    def test_works_as_without(self):
        expected = (0, b"sockets 2\n", ["it-one", "it-two"])
        for which in (PLAIN, RUNI):
            with self.subTest(which):
                self.assertEqual(self.activate(which, ["probe", "listen"]), expected)

    def test_only_pid_1_s_child_is_meant(self):
        """What a shell starts finds, as without an init, that the sockets are not for it."""
        for which in (PLAIN, RUNI):
            with self.subTest(which):
                status, output, _ = self.activate(which, ["sh", "-c", "probe listen; exit $?"])
                self.assertEqual((status, output), (3, b"not for us\n"))

    def test_through_exec_it_is_still_meant(self):
        for which in (PLAIN, RUNI):
            with self.subTest(which):
                self.assertEqual(self.activate(which, ["sh", "-c", "exec probe listen"])[0], 0)
