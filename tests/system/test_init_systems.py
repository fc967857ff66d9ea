"""busybox's init, which refuses to be anything but PID 1, boots wherever it does without runi."""

import os

from bed.bundle import Crun, Runc
from bed.case import PLAIN, RUNI, until
from engines import for_each_engine

WAYS = (["/sbin/init"], ["busybox", "init"], ["/entrypoint", "/sbin/init"], ["sh", "-c", "exec /sbin/init"],
        ["sh", "-c", "cd / && PATH=/sbin exec init"])


@for_each_engine(Runc, Crun)
class Boots:
    def write(self, name, text):
        with open(self.path("rootfs", name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path("rootfs", name), 0o755)

    def test_behind_a_wrapper_too(self):
        os.makedirs(self.path("rootfs", "sbin"), exist_ok=True)
        os.symlink("/bin/busybox", self.path("rootfs", "sbin", "init"))
        # An inittab without devices: init's own output is the container's.
        self.write("etc/inittab", "::sysinit:/bin/booted\n")
        self.write("bin/booted", "#!/bin/sh\necho booted by $PPID >/tmp/booted\n")
        self.write("entrypoint", '#!/bin/sh\nexec "$@"\n')
        booted = self.path("rootfs", "tmp", "booted")
        for args in WAYS:
            for which in (PLAIN, RUNI):
                with self.subTest(args=args, which=which):
                    container = self.engine.start(which, args)
                    until(lambda: os.path.exists(booted) and os.path.getsize(booted), "the init system to boot")
                    with open(booted, encoding="utf-8") as file:
                        self.assertEqual(file.read(), "booted by 1\n")
                    container.kill("KILL")
                    container.wait()
                    os.remove(booted)
