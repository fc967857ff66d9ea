"""A command that does not start is the same error, told by the same program at the same moment, as without runi."""

import os
import re
import shutil

from bed.bundle import Crun, Oci, Runc
from bed.case import PLAIN, RUNI
from bed.containerd import Ctr
from bed.cri import Cri
from bed.podman import Podman
from engines import ALL, for_each_engine

MISSING = (["no-such-command"], ["/no/such/command", "x"], ["./no-such-command"], ["not-executable"],
           ["/bin/not-executable"], ["/bin"], ["bin"])


def without_names(text, engine=None):
    """Identifiers, process ids and times are others for each container."""
    if isinstance(engine, Podman):  # names the runtime, and knows by its name whether it logs JSON
        for path in engine.paths.values():
            text = text.replace(path.encode(), b"RUNTIME")
        text = re.sub(rb'time="\S+" level=error msg="(.*)"(?=: OCI)', lambda line: line[1].replace(b'\\"', b'"'), text)
    text = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", b"TIME", text)
    return re.sub(rb"\b[0-9a-f]{12,}\b|(?<=pod)\d+|/proc/\d+", b"ID", text)


@for_each_engine(*ALL)
class MissingCommand:
    def refusal(self, which, args, **options):
        """(status, what the engine's user reads) of a container that does not start."""
        if not isinstance(self.engine, Cri):
            if isinstance(self.engine, Ctr):
                options["name"] = f"c-{which}"
            done = self.engine.run(which, args, **options)
            stderr = done.stderr.replace(f"c-{which}".encode(), b"c")
            return done.status, done.stdout, without_names(stderr, self.engine)
        import grpc  # not before Cri has skipped the test where it is missing
        container = self.engine.create(self.engine.pod(which), args, **options)
        with self.assertRaises(grpc.RpcError) as raised:
            self.engine.runtime.StartContainer(self.engine.api.Container(container_id=container))
        status = self.engine.status(container).status
        return (status.exit_code, status.reason, without_names(status.message.encode()),
                without_names(raised.exception.details().encode()))

    def test_what_cannot_be_executed_is_plain_s_own_error(self):
        # One command, where each takes an engine some seconds.
        for args in MISSING if isinstance(self.engine, Oci) else MISSING[:1] + MISSING[4:5]:
            with self.subTest(args=args):
                plain = self.refusal(PLAIN, args)
                self.assertNotEqual(plain[0], 0)
                if isinstance(self.engine, Cri):
                    self.assertEqual(plain[:2], (128, "StartError"))
                self.assertEqual(self.refusal(RUNI, args), plain)


@for_each_engine(Runc, Crun)
class Paths:
    def same(self, args, env, cwd="/", uid=0, capabilities=None):
        def edit(spec):
            spec["process"].update(env=env, cwd=cwd, user={"uid": uid, "gid": uid})
            if capabilities is not None:
                spec["process"]["capabilities"] = {kind: capabilities for kind in ("bounding", "effective", "permitted")}
        with self.subTest(args=args, env=env, cwd=cwd, uid=uid, capabilities=capabilities):
            answers = [self.engine.run(which, args, edit=edit) for which in (PLAIN, RUNI)]
            plain, runi = ((one.status, one.stdout, without_names(one.stderr)) for one in answers)
            self.assertEqual(runi, plain)
            return plain[0]

    def test_path_is_read_as_the_runtime_reads_it(self):
        os.symlink("/bin/sh", self.path("rootfs", "sh"))
        seen = set()
        for env in ([], ["PATH="], ["PATH=:/bin"], ["PATH=/bin:"], ["PATH=bin"], ["PATH=/nowhere:bin:/bin"], ["PATH=."],
                    ["PATH=/nowhere", "PATH=/bin"], ["PATH=/bin", "PATH=/nowhere"], ["PATH=/bin/sh:/bin"]):
            for cwd in ("/", "/bin", "/tmp"):
                for name in ("sh", "bin/sh", "./sh"):
                    seen.add(self.same([name, "-c", "echo started"], env, cwd) == 0)
        self.assertEqual(seen, {True, False})

    def test_who_may_not_execute_is_told_by_the_runtime(self):
        for name, mode in (("owner", 0o700), ("nobody", 0o600), ("others", 0o001), ("all", 0o755)):
            path = os.path.join(self.folder("rootfs", name), "true")
            shutil.copy(self.path("rootfs", "bin", "busybox"), path)
            os.chmod(path, mode)
        os.mkdir(self.path("rootfs", "closed"), 0o700)
        os.symlink("/bin/true", self.path("rootfs", "closed", "true"))
        seen = set()
        for folder in ("owner", "nobody", "others", "all", "closed"):
            for uid, capabilities in ((0, []), (0, ["CAP_DAC_OVERRIDE"]), (1000, []), (1000, ["CAP_DAC_OVERRIDE"])):
                seen.add(self.same([f"/{folder}/true"], ["PATH=/bin"], uid=uid, capabilities=capabilities) == 0)
        self.assertEqual(seen, {True, False})
