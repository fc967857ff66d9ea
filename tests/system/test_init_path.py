"""runi-init in the place of the engines' own init: dockerd's init-path and podman's init_path, with `run --init`."""

import json
import re
import signal
import time

from bed.case import PLAIN, Case, built
from bed.docker import Docker
from bed.podman import Podman, PodmanCrun

SOON_S = 5  # the engines themselves wait 10 s before they use SIGKILL


class DockerWithInit(Docker):
    def _configuration(self):
        path = self.case.path("daemon.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"init-path": built("RUNI_INIT")}, file)
        return path


def podman_with_init(engine):
    class PodmanWithInit(engine):
        def __init__(self, case):
            super().__init__(case)
            path = case.path("containers.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'[containers]\ninit_path = "{built("RUNI_INIT")}"\n')
            self.environment["CONTAINERS_CONF"] = path
    return PodmanWithInit


class Tests:
    """What holds for each."""

    def test_pid_1_is_runi_init(self):
        done = self.engine.run(PLAIN, ["sh", "-c", "cmp /proc/1/exe /mnt && echo same; exit 7"],
                               flags=["--init", "--volume", f"{built('RUNI_INIT')}:/mnt:ro"])
        self.assertEqual(done.status, 7, done.stderr)
        self.assertEqual(done.stdout, b"same\n")

    def test_statuses(self):
        for script, status in (("exit 0", 0), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143)):
            with self.subTest(script):
                self.assertEqual(self.engine.run(PLAIN, ["sh", "-c", script], flags=["--init"]).status, status)
        self.assertEqual(self.engine.run(PLAIN, ["no-such-program"], flags=["--init"]).status, 127)

    def test_stops_at_once(self):
        started = self.engine.start(PLAIN, ["sleep", "86400"], flags=["--init"])
        started.await_process("sleep")
        began = time.monotonic()
        self.engine.ask("stop", started.id)
        self.assertLess(time.monotonic() - began, SOON_S)
        self.assertEqual(started.wait(), 128 + signal.SIGTERM)

    def test_orphans_are_reaped(self):
        done = self.engine.run(PLAIN, ["probe", "orphans", "50", "500"], flags=["--init"])
        self.assertEqual((done.status, json.loads(done.stdout)["zombies"]), (0, 0), done.stdout)


class DockerInitPath(Tests, Case):
    def setUp(self):
        super().setUp()
        self.engine = DockerWithInit(self)

    def test_version_is_understood(self):
        """dockerd compares it with what it was built for, and shows its commit."""
        version = self.succeed(built("RUNI_INIT"), "--version")
        commit = re.fullmatch(r"tini version [\d.]+ - git\.(\S+)\n", version)[1]
        self.assertEqual(json.loads(self.engine.ask("info", "--format", "{{json .InitCommit}}"))["ID"], commit)
        self.assertEqual(self.engine.ask("info", "--format", "{{.InitBinary}}"), built("RUNI_INIT"))
        with open(self.path("dockerd.log"), encoding="utf-8") as log:
            text = log.read()
        for complaint in ("unknown output format", "failed to retrieve", "failed to parse"):
            self.assertNotIn(complaint, text)


class PodmanInitPath(Tests, Case):
    def setUp(self):
        super().setUp()
        self.engine = podman_with_init(Podman)(self)


class PodmanCrunInitPath(Tests, Case):
    def setUp(self):
        super().setUp()
        self.engine = podman_with_init(PodmanCrun)(self)
