"""deploy/kubernetes as `kubectl kustomize` renders it.

RUNI_KUBECTL may name a kubectl; otherwise it is the one in PATH. Components came to kubectl with 1.21.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import unittest

from bed.case import built, need

DEPLOY = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/kubernetes"))


def reader():
    """Debian's python3-yaml. Skips the test where it is missing."""
    try:
        import yaml
    except ImportError as missing:
        raise unittest.SkipTest(f"needs python3-yaml: {missing}") from missing
    return yaml


def kubectl():
    """Path of a kubectl that knows components. Skips the test where there is none."""
    program = os.environ.get("RUNI_KUBECTL") or need("kubectl")
    done = subprocess.run([program, "version", "--client", "--output=json"], check=False, capture_output=True)
    version = json.loads(done.stdout or "{}").get("clientVersion", {})
    if (int(version.get("major", 0)), int(version.get("minor", "0").rstrip("+"))) < (1, 21):
        raise unittest.SkipTest(f"needs kubectl 1.21 or later: {program} is {version.get('gitVersion', 'none')}; "
                                "RUNI_KUBECTL may name another")
    return program


def overlays():
    return sorted(os.listdir(os.path.join(DEPLOY, "overlays")))


def render(folder):
    """The objects of a kustomization below deploy/kubernetes, or anywhere."""
    done = subprocess.run([kubectl(), "kustomize", os.path.join(DEPLOY, folder)], check=False, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"{folder}: {done.stderr.decode()}")
    return list(reader().safe_load_all(done.stdout))


def all_overlays():
    """{name: objects} of each overlay. Rendered once for all tests, and again when a file has changed."""
    digest = hashlib.sha256(kubectl().encode())
    for top, folders, names in os.walk(DEPLOY):
        folders.sort()
        for name in sorted(names):
            with open(os.path.join(top, name), "rb") as file:
                digest.update(os.path.join(top, name).encode() + file.read())
    path = os.path.join(os.path.dirname(os.path.dirname(built("RUNI"))), "manifests.json")
    with open(path, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        kept = json.loads(file.read() or "{}")
        if kept.get("digest") != digest.hexdigest():
            kept = {"digest": digest.hexdigest(), "overlays": {name: render(f"overlays/{name}") for name in overlays()}}
            file.truncate(0)
            file.write(json.dumps(kept))
    return kept["overlays"]


def read(*names):
    """The objects of a file below deploy/kubernetes."""
    with open(os.path.join(DEPLOY, *names), encoding="utf-8") as file:
        return list(reader().safe_load_all(file))


def of_kind(objects, kind):
    return [each for each in objects if each["kind"] == kind]


def pod_of(objects):
    """The specification of the installer's pod."""
    (daemonset,) = of_kind(objects, "DaemonSet")
    return daemonset["spec"]["template"]["spec"]


def containers_of(pod):
    return pod["initContainers"] + pod["containers"]
