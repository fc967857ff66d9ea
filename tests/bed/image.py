"""Images without a registry: one layer, in the archive format that docker, podman and containerd all load."""

import hashlib
import io
import json
import os
import tarfile

from bed import rootfs

NAME = "localhost/bed:1"


def archive(case):
    """Builds the bed's image (busybox and the probe) and returns the archive's path."""
    return pack(case, rootfs.make(case.folder("image")), NAME, {"Cmd": ["sleep", "86400"]})


def pack(case, root, name, config):
    """Builds an image of a root directory and returns the archive's path. config: what the image says of its containers."""
    layer = case.path("layer.tar")
    with tarfile.open(layer, "w") as tar:
        tar.add(root, ".")
    with open(layer, "rb") as file:
        diff_id = hashlib.sha256(file.read()).hexdigest()
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux",
        "created": "2020-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/bin"]} | config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created": "2020-01-01T00:00:00Z", "created_by": "bed"}],
    }).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    path = case.path("image.tar")
    with tarfile.open(path, "w") as tar:
        tar.add(layer, "layer.tar")
        for name, content in ((config_name, config), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    os.remove(layer)
    return path
