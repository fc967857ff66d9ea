"""OCI images of a few files, without a container engine: the same bytes for the same files and time.

A layer is an uncompressed ustar archive, so that its digest is also its diff_id and no compressor has a say in it. What
an archive holds, docker's older manifest.json included, is described in the image-spec (image-layout.md) and in moby's
image/spec/v1.2.md.
"""

import datetime
import hashlib
import io
import json
import tarfile

OCI = "application/vnd.oci.image"
DOCKER_NAME = "io.containerd.image.name"  # containerd's importer names the image by it
REFERENCE = "org.opencontainers.image.ref.name"


def text_time(epoch):
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def json_bytes(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def tar_bytes(files, epoch):
    """An archive of files, {path: (mode, content)}, with the folders that they need; all of it root's."""
    folders = set()
    for path in files:
        parts = path.split("/")[:-1]
        folders |= {"/".join(parts[:depth + 1]) for depth in range(len(parts))}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folders | set(files)):
            entry = tarfile.TarInfo(path)
            entry.mtime = epoch
            if path in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.mode, content = files[path]
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class Archive:
    """An image for one or more architectures, in the making."""

    def __init__(self, name, version, epoch, labels):
        self.name, self.version, self.epoch = name, version, epoch
        self.labels = labels | {"org.opencontainers.image.version": version,
                                "org.opencontainers.image.created": text_time(epoch)}
        self.blobs = {}
        self.manifests = []
        self.docker = []

    def add(self, architecture, files, config):
        """One architecture's files, {path: (mode, content)}, and the configuration of its containers."""
        layer = self._blob(f"{OCI}.layer.v1.tar", tar_bytes(files, self.epoch))
        image = self._blob(f"{OCI}.config.v1+json", json_bytes({
            "architecture": architecture, "os": "linux", "created": text_time(self.epoch),
            "config": config | {"Labels": self.labels},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
            "history": [{"created": text_time(self.epoch), "created_by": "hack/image"}]}))
        manifest = self._blob(f"{OCI}.manifest.v1+json", json_bytes({
            "schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": image, "layers": [layer],
            "annotations": self.labels}))
        self.manifests.append(manifest | {"platform": {"architecture": architecture, "os": "linux"}})
        # A Docker that keeps images in its own store reads only this, and knows no architecture: the second and later
        # ones are loaded under a tag of their own.
        tag = f"{self.name}:{self.version}" + (f"-{architecture}" if self.docker else "")
        self.docker.append({"Config": self._path(image), "RepoTags": [tag], "Layers": [self._path(layer)]})

    def digest(self):
        """Of the index over all architectures: what an image reference may be pinned to."""
        return self._index()["digest"]

    def bytes(self):
        """The whole, as an oci-archive that `docker load` takes as well."""
        index = self._index() | {"annotations": {DOCKER_NAME: f"{self.name}:{self.version}", REFERENCE: self.version}}
        files = {"oci-layout": json_bytes({"imageLayoutVersion": "1.0.0"}),
                 "index.json": json_bytes({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json",
                                           "manifests": [index]}),
                 "manifest.json": json_bytes(self.docker)}
        files |= {f"blobs/sha256/{digest}": content for digest, content in self.blobs.items()}
        return tar_bytes({path: (0o644, content) for path, content in files.items()}, self.epoch)

    def _index(self):
        return self._blob(f"{OCI}.index.v1+json", json_bytes({
            "schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": self.manifests,
            "annotations": self.labels}))

    def _blob(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    @staticmethod
    def _path(descriptor):
        return "blobs/sha256/" + descriptor["digest"].partition(":")[2]
