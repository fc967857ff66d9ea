#!/usr/bin/python3
"""Prints what the installed runc and crun make of each file in hostile/, as the rows of README.md's table.

Each file becomes the config.json of a bundle with a busybox root, and `run` is tried: what it prints shows which
of two rivals a runtime takes. Needs root. All of it happens in a mount namespace of its own: some of these files ask
for none, and their mounts would stay behind. crun 1.8 wants no cgroup2 that lacks controllers.
"""

import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CRUN = "umount /sys/fs/cgroup/unified 2>/dev/null; exec crun \"$@\""
RUNTIMES = {"runc": ["unshare", "-m", "runc"], "crun": ["unshare", "-m", "sh", "-c", CRUN, "crun"]}
NOISE = [
    (re.compile(r'time="[^"]*" level=(error|warning) msg="(.*)"$'), r"\2"),
    (re.compile(r"^\d{4}-\d\d-\d\dT\S+: "), ""),
    (re.compile(r"cannot parse the data: "), ""),
    (re.compile(r"run(c create|c run)? failed: "), ""),
]


def make_root(bundle):
    binaries = os.path.join(bundle, "rootfs", "bin")
    for name in ["bin", "proc", "tmp", "dev", "sys"]:
        os.makedirs(os.path.join(bundle, "rootfs", name))
    shutil.copy(shutil.which("busybox"), os.path.join(binaries, "busybox"))
    for applet in ["sh", "echo", "cat", "grep"]:
        os.symlink("busybox", os.path.join(binaries, applet))


def outcome(runtime, path, scratch):
    shutil.copy(path, os.path.join(scratch, "config.json"))
    container = f"hostile-{os.getpid()}"
    command = RUNTIMES[runtime] + ["--root", os.path.join(scratch, runtime)]
    done = subprocess.run(command + ["run", "--bundle", scratch, container], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=30, check=False)
    subprocess.run(command + ["delete", "--force", container], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode == 0:
        printed = ascii(done.stdout.decode("utf-8", "surrogateescape").rstrip("\n"))[1:-1]
        return f"runs, prints `{printed}`"
    if done.returncode < 0:
        return f"dies of signal {-done.returncode}"
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
    text = next((line for line in lines if "level=error" in line), lines[0])
    for pattern, replacement in NOISE:
        text = pattern.sub(replacement, text)
    text = ascii(text.replace('\\"', '"').replace("|", "\\|").replace(scratch, "BUNDLE"))[1:-1].replace("\\'", "'")
    return f"exit {done.returncode}: {text[:150]}"


def main():
    with tempfile.TemporaryDirectory() as scratch:
        make_root(scratch)
        for name in sorted(os.listdir(os.path.join(HERE, "hostile"))):
            path = os.path.join(HERE, "hostile", name)
            print(f"| {name[:-len('.json')]} | {outcome('runc', path, scratch)} | {outcome('crun', path, scratch)} |")


if __name__ == "__main__":
    main()
