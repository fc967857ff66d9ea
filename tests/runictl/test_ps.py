"""runictl ps: the containers that run under runi-init."""

import os
import signal

from bed.bundle import Runc
from bed.case import PLAIN, RUNI, built, until
from bed.cri import Cri
from bed.docker import Docker
from bed.engine import comm_of, signals_of
from bed.podman import Podman
from bed.shim import INIT
from look import NOBODY, Look, children_of


class Ps(Look):
    def await_init(self, pid):
        """Until the application is executed, which comes after all that the init does for itself. Returns its pid."""
        return until(lambda: next((child for child in children_of(pid) if comm_of(child) == "sleep"), None), "the application")

    def start(self, *options):
        pid = self.namespace(built("RUNI_INIT"), *options, "--", "sleep", "1000")
        return pid, self.await_init(pid)

    def test_none(self):
        self.namespace("sleep", "1000")
        self.assertEqual(self.ps(), {})
        self.assertEqual(self.runictl("ps").stdout, b"No container under runi-init.\n")

    def test_facts(self):
        pid, application = self.start()
        until(lambda: comm_of(application) == "sleep", "the application")
        (container,) = self.ps().values()
        self.assertEqual(container["pid"], pid)
        self.assertEqual(container["application"], {"pid": application, "number": 2, "process": "sleep"})
        init = container["init"]
        kernel = signal.SIGCHLD in signals_of(pid, "SigIgn")
        self.assertEqual(init["reaping"], "kernel" if kernel else "init")
        self.assertEqual((init["forward"], init["subreaper"], init["graceSeconds"], init["shield"], init["options"]),
                         ("child", False, None, False, []))
        self.assertEqual(init["sandbox"], {"seccomp": True, "noNewPrivileges": True})
        until(lambda: self.memory_of(pid) == self.ps()[pid]["init"]["memoryKib"], "the memory of an init at rest")

    @staticmethod
    def memory_of(pid):
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            rollup = {line.split(":")[0]: int(line.split()[1]) for line in list(file)[1:]}
        return {"rss": rollup["Rss"], "pss": rollup["Pss"], "privateDirty": rollup["Private_Dirty"]}

    def test_options(self):
        pid, _ = self.start("-gn", "-t", "10", "-r", "TERM:QUIT")
        init = self.ps()[pid]["init"]
        self.assertEqual(init["options"], ["-gn", "-t", "10", "-r", "TERM:QUIT"])
        self.assertEqual((init["forward"], init["graceSeconds"]), ("group", 10))
        self.assertEqual(init["sandbox"]["seccomp"], False)
        self.assertIn("-gn -t 10 -r TERM:QUIT", self.runictl("ps").stdout.decode())

    def test_reaping_by_itself(self):
        """-w reports orphans, which the kernel would not."""
        pid, _ = self.start("-w")
        self.assertEqual(self.ps()[pid]["init"]["reaping"], "init")

    def test_adopted_orphans_are_not_the_application(self):
        pid = self.namespace(built("RUNI_INIT"), "--", "sh", "-c", "(sleep 1000 &); exec sleep 1001")
        until(lambda: len(children_of(pid)) == 2, "an orphan")
        application = self.ps()[pid]["application"]["pid"]
        until(lambda: comm_of(application) == "sleep", "the application")
        with open(f"/proc/{application}/cmdline", "rb") as file:
            self.assertEqual(file.read(), b"sleep\x001001\0")

    def test_as_a_subreaper(self):
        pid = self.namespace("sh", "-c", f"{built('RUNI_INIT')} -s -- sleep 1000; :")
        init = until(lambda: next(iter(children_of(pid)), None), "the init")
        self.await_init(init)
        container = self.ps()[init]
        self.assertEqual((container["init"]["subreaper"], container["application"]["process"]), (True, "sleep"))

    def test_as_nobody(self):
        pid, application = self.start()
        container = self.ps(**NOBODY)[pid]
        self.assertEqual((container["complete"], container["init"]["memoryKib"]["pss"]), (False, None))
        self.assertEqual(container["application"]["pid"], application)

    def test_runc(self):
        started = Runc(self).start(RUNI, ["sleep", "1000"])
        container = until(lambda: self.ps().get(started.pid), "the init")  # runc does not wait for its exec
        self.assertEqual((container["engine"], container["id"]), ("runc", "c"))
        self.assertEqual(container["arguments"], [*INIT, "--", "sleep", "1000"])

    def test_pods(self):
        cri = Cri(self)
        container = cri.container(cri.pod(RUNI), ["sleep", "1000"])
        cri.container(cri.pod(PLAIN), ["sleep", "1000"])
        (seen,) = until(self.ps, "the container").values()
        self.assertEqual((seen["id"], seen["podNamespace"], seen["pod"], seen["name"]), (container, "bed", "pod1", "c"))

    def test_podman(self):
        started = Podman(self).start(RUNI, ["sleep", "1000"], flags=["--name", "web"])
        self.assertEqual(until(lambda: self.ps().get(started.pid), "the init")["name"], "web")

    def test_in_the_place_of_dockers_own(self):
        class WithInit(Docker):
            def _configuration(self):
                path = self.case.path("daemon.json")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f'{{"init-path": "{built("RUNI_INIT")}"}}')
                return path
        started = WithInit(self).start(PLAIN, ["sleep", "1000"], flags=["--init", "--name", "web"])
        self.assertEqual(until(lambda: self.ps().get(started.pid), "the init")["name"], "web")
        self.assertEqual(self.scan()[started.pid]["init"], "runi-init, called docker-init")
