"""systemd as PID 1 of a namespace of its own, with the units of one test and no others.

It is the machine's own program on the machine's own files, which it sees read-only.
"""

import contextlib
import os
import re
import signal
import subprocess
import unittest

from bed.case import need, until

PROGRAM = "/lib/systemd/systemd"
CGROUPS = "/sys/fs/cgroup"
LAST_WITH_VERSION_1 = 257  # of cgroups

# Everything that systemd would change of the machine is read-only or its own before it starts.
ENTRANCE = r"""
set -e
mount --bind / {scratch}/root && mount -o remount,bind,ro {scratch}/root
for place in /dev /run {scratch}; do mount --rbind "$place" "{scratch}/root$place"; done
mount -t proc proc {scratch}/root/proc
mount --bind {scratch}/root/proc/sys {scratch}/root/proc/sys && mount -o remount,bind,ro {scratch}/root/proc/sys
mount -t sysfs -o ro sysfs {scratch}/root/sys
{cgroups}
cd {scratch}/root && pivot_root . mnt && umount -l /mnt
exec env -i container=bed PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH={units} SYSTEMD_GENERATOR_PATH={units} \
  SYSTEMD_PROC_CMDLINE=systemd.legacy_systemd_cgroup_controller=1 \
  {program} --system --unit=bed.target --log-target=console --show-status=no
"""
VERSION_1 = """mount -t tmpfs tmpfs {scratch}/root/sys/fs/cgroup && mkdir {scratch}/root/sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup {scratch}/root/sys/fs/cgroup/systemd"""
VERSION_2 = "mount -t cgroup2 cgroup2 {scratch}/root/sys/fs/cgroup"


class Systemd:
    """units: the text of each, by name; a service has no dependencies but those that it names."""

    def __init__(self, case, units=None):
        if not os.access(PROGRAM, os.X_OK):
            raise unittest.SkipTest(f"needs {PROGRAM}: not installed")
        need("pivot_root")
        self.socket = "/run/systemd/private"
        self.case = case
        self.units = folder = case.folder("units")
        for name, text in {"bed.target": "[Unit]\nDefaultDependencies=no\n", **(units or {})}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        case.folder("root")
        cgroups = self._cgroups(case).format(scratch=case.scratch)
        script = ENTRANCE.format(scratch=case.scratch, cgroups=cgroups, units=folder, program=PROGRAM)
        self.process = case.daemon(
            ["sh", "-c", 'for folder in $0; do echo 0 >"$folder/cgroup.procs" || exit; done; exec "$@"',
             " ".join(self.folders), "unshare", "--mount", "--propagation", "private", "--pid", "--fork",
             "--kill-child=KILL", "--uts", "--ipc", "--net", "--cgroup", "sh", "-c", script], case.path("systemd.log"))
        until(lambda: self._listens(case), "systemd's private socket")
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="utf-8") as file:
            self.pid = file.read().split()[0]
        case.addCleanup(self._kill)

    def _kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.pid), signal.SIGKILL)
        self.process.wait(10)  # and so for all in its namespace

    def argv(self, *words):
        """words, to be run where systemd sees who speaks to it, as it wants to."""
        return ["nsenter", "--target", self.pid, "--pid", *words]

    def start(self, name, text):
        """Starts a unit more."""
        with open(os.path.join(self.units, name), "w", encoding="utf-8") as file:
            file.write(text)
        for words in (["daemon-reload"], ["start", name]):
            self.case.succeed(*self.argv("systemctl", *words))

    def _listens(self, case):
        if self.process.poll() is not None:
            with open(case.path("systemd.log"), encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"systemd ended: {log.read()}")
        return os.path.exists(self.socket)

    def _cgroups(self, case):
        """How systemd's hierarchies are mounted. In self.folders are those in which it begins, one in each."""
        if os.path.exists(f"{CGROUPS}/cgroup.controllers"):
            tops, script = [CGROUPS], VERSION_2
        elif os.path.isdir(f"{CGROUPS}/systemd"):
            version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
            if int(re.match(r"systemd (\d+)", version)[1]) > LAST_WITH_VERSION_1:
                raise unittest.SkipTest("needs cgroups of version 2: this systemd knows no others")
            tops = [f"{CGROUPS}/{name}" for name in os.listdir(CGROUPS)]
            tops, script = [top for top in tops if os.path.exists(f"{top}/cgroup.procs")], VERSION_1
        else:
            raise unittest.SkipTest("needs a cgroup hierarchy for systemd: found none")
        self.folders = [top + case.cgroup for top in tops]
        for top, folder in zip(tops, self.folders):
            os.makedirs(folder, exist_ok=True)
            for limit in ("cpuset.cpus", "cpuset.mems"):  # empty in a new one, which then takes no process
                if os.path.exists(f"{top}/{limit}"):
                    with open(f"{top}/{limit}", encoding="utf-8") as file:
                        allowed = file.read()
                    with open(f"{folder}/{limit}", "w", encoding="utf-8") as file:
                        file.write(allowed)
        return script
