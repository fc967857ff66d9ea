"""CRI-O, which RUNI_CRIO names, with pinns beside it or in PATH."""

import os
import shutil
import unittest

from bed import image
from bed.case import need

CONFIGURATION = """
[crio]
root = "{scratch}/storage"
runroot = "{scratch}/runroot"
storage_driver = "vfs"
log_dir = "{scratch}/pods"
version_file = "{scratch}/version"
clean_shutdown_file = "{scratch}/clean"
[crio.api]
listen = "{address}"
stream_port = "0"
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
selinux = false
apparmor_profile = "unconfined"
pinns_path = "{pinns}"
container_exits_dir = "{scratch}/exits"
container_attach_socket_dir = "{scratch}/attach"
namespaces_dir = "{scratch}/namespaces"
[crio.image]
pause_image = "{image}"
pause_command = ""
signature_policy = "{scratch}/policy.json"
[crio.network]
network_dir = "{scratch}/cni"
plugin_dirs = ["{scratch}/cni"]
"""


def crio():
    """The path of a CRI-O. Skips the test where there is none."""
    program = os.environ.get("RUNI_CRIO")
    if not program:
        raise unittest.SkipTest("needs RUNI_CRIO: the program of a CRI-O")
    return program


def prepare(case, program, address):
    """Writes /etc/crio/crio.conf, and gives the storage that it names the bed's image."""
    podman = need("podman")
    with open(case.path("policy.json"), "w", encoding="utf-8") as file:
        file.write('{"default": [{"type": "insecureAcceptAnything"}]}')
    case.folder("cni")
    beside = os.path.join(os.path.dirname(program), "pinns")
    os.makedirs("/etc/crio", exist_ok=True)
    with open("/etc/crio/crio.conf", "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(scratch=case.scratch, address=address, image=image.NAME,
                                        pinns=beside if os.path.exists(beside) else shutil.which("pinns") or ""))
    case.succeed(podman, "--root", case.path("storage"), "--runroot", case.path("runroot"), "--storage-driver", "vfs",
                 "load", "--quiet", "--input", image.archive(case), env=os.environ | {"HOME": case.folder("home")})
