"""The same programs as hosts with a read-only root take them: system extensions, of Talos and of systemd."""

import os
import subprocess
import sys
import tempfile

from image_oci import Archive

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../deploy")
# As ConditionArchitecture= in systemd.unit(5) spells them, which os-release files of extensions go by.
SYSTEMD_NAMES = {"amd64": "x86-64", "arm64": "arm64"}


def talos(options, programs, labels):
    """An OCI archive: manifest.yaml, and the files below rootfs/, in the folders that Talos lets extensions have."""
    archive = Archive(f"{options.name}-talos", options.version, options.epoch, labels)
    with open(os.path.join(DEPLOY, "talos/manifest.yaml"), encoding="utf-8") as file:
        manifest = file.read().replace("VERSION", options.version)
    with open(os.path.join(DEPLOY, "talos/20-runi.part"), "rb") as file:
        part = file.read()
    for platform, contents in programs.items():
        archive.add(platform, {
            "manifest.yaml": (0o644, manifest.encode()),
            "rootfs/etc/cri/conf.d/20-runi.part": (0o644, part),
            "rootfs/usr/local/sbin/runi": (0o755, contents["runi"]),
            "rootfs/usr/local/sbin/runictl": (0o755, contents["runictl"]),
            "rootfs/usr/local/libexec/runi/runi-init": (0o755, contents["runi-init"]),
        }, {})
    return archive.bytes()


def sysext(options, platform, contents):
    """A squashfs image. It has to be called runi.raw, as its extension-release file is.

    Programs are in usr/bin, not in usr/sbin: where that is a link to usr/bin, a folder of the extension's would take
    its place, and the host's programs would be gone.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "root")
        release = f"ID=_any\nARCHITECTURE={SYSTEMD_NAMES[platform]}\n"
        for path, mode, content in (
                ("usr/lib/extension-release.d/extension-release.runi", 0o644, release.encode()),
                ("usr/bin/runi", 0o755, contents["runi"]),
                ("usr/bin/runictl", 0o755, contents["runictl"]),
                ("usr/libexec/runi/runi-init", 0o755, contents["runi-init"])):
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "wb") as file:
                file.write(content)
            os.chmod(os.path.join(root, path), mode)
        for top, folders, _ in os.walk(root):
            for name in folders:
                os.chmod(os.path.join(top, name), 0o755)
        os.chmod(root, 0o755)
        image = os.path.join(folder, "runi.raw")
        environment = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        command = ["mksquashfs", root, image, "-noappend", "-all-root", "-no-xattrs", "-no-progress", "-quiet",
                   "-mkfs-time", str(options.epoch), "-all-time", str(options.epoch)]
        try:
            done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
        except FileNotFoundError:
            sys.exit("hack/image: --sysext: no mksquashfs; it is in Debian's squashfs-tools")
        if done.returncode != 0:
            sys.exit(f"hack/image: mksquashfs: {done.stderr.strip()}")
        with open(image, "rb") as file:
            return file.read()
