"""Root filesystems made on the spot from Debian's static busybox and the probe."""

import os
import shutil
import subprocess
import unittest

from bed.case import built

BUSYBOX = "/bin/busybox"
FOLDERS = ("bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var")


def make(folder, shell=True, leave_out=()):
    """Fills folder with a root filesystem and returns it.

    /bin/probe is always there. Without a shell there is nothing else to execute and no /etc/passwd.
    """
    for name in FOLDERS:
        if name not in leave_out:
            os.makedirs(os.path.join(folder, name), exist_ok=True)
            os.chmod(os.path.join(folder, name), 0o1777 if name == "tmp" else 0o755)
    shutil.copy(built("PROBE"), os.path.join(folder, "bin/probe"))
    if not shell:
        return folder
    if not os.path.exists(BUSYBOX):
        raise unittest.SkipTest(f"needs {BUSYBOX}: not installed")
    shutil.copy(BUSYBOX, os.path.join(folder, "bin/busybox"))
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    if "stty" not in applets or "setsid" not in applets:
        raise unittest.SkipTest(f"needs {BUSYBOX} with stty and setsid: it has other applets")
    for applet in applets:
        if applet != "busybox":
            os.symlink("busybox", os.path.join(folder, "bin", applet))
    _write(folder, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n")
    _write(folder, "etc/group", "root:x:0:\nuser:x:1000:\nextra:x:2000:user\n")
    _write(folder, "bin/not-executable", "no program\n")
    # What a runtime starts, and only the kernel refuses.
    _write(folder, "bin/no-program", "no program\n")
    _write(folder, "bin/no-interpreter", "#!/nowhere/interpreter\n")
    for name in ("bin/no-program", "bin/no-interpreter"):
        os.chmod(os.path.join(folder, name), 0o755)
    return folder


def _write(folder, name, text):
    with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
        file.write(text)
