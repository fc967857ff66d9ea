"""What is in the image, as an SPDX 2.3 document: the programs, and the packages whose code is linked into them.

Nothing of that is a list kept by hand. Ninja knows which headers went into a program's objects, and the linker writes
down which archives it read; dpkg, or for another architecture the sysroot's own list, knows whose files these are.
"""

import hashlib
import os
import re
import subprocess

from image_oci import json_bytes, text_time

LICENCE = "Apache-2.0"
GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"
# Debian's package without its architecture and version suffixes: its licence, from its debian/copyright.
LICENCES = {
    "libc": "LGPL-2.1-or-later",
    "libcli": "BSD-3-Clause",
    "libdbus": "AFL-2.1 OR GPL-2.0-or-later",
    "libfmt": "MIT",
    "libgcc": GCC,
    "libnghttp": "MIT",
    "libseccomp": "LGPL-2.1-only",
    "libspdlog": "MIT",
    "libstdc++": GCC,
    "libtomlplusplus": "MIT",
    "nlohmann-json": "MIT",
}
# Only names and numbers of the kernel's interface, no code.
DECLARATIONS = {"linux-libc": "GPL-2.0-only WITH Linux-syscall-note"}
# Programs with libraries in them, and where they are built. runi-init has none (init/CMakeLists.txt).
LINKED = {"runi": "shim/runi", "runictl": "shim/runictl"}


class Unknown(Exception):
    """What was linked cannot be told."""


def stem_of(package):
    """libstdc++-12-dev-arm64-cross -> libstdc++, libc6-dev -> libc."""
    return re.sub(r"[\d.]*(-[\d.]+)?(-dev)?(-\w+-cross)?$", "", package)


def files_of(build, program):
    """Paths of all headers and archives outside the project that are in the program."""
    source = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
    build = os.path.realpath(build)
    link = LINKED.get(program)
    inputs = []
    if link is not None:
        inputs = _dependencies(os.path.join(build, link, f"{program}.link.d"))
    folders = [f"{link or 'init'}/CMakeFiles/{program}.dir/"]
    found = set()
    for path in inputs:
        path = os.path.realpath(os.path.join(build, path))
        if not path.startswith(build + "/"):
            found.add(path)
        elif path.endswith(".a"):
            target = os.path.basename(path)[len("lib"):-len(".a")]
            folders.append(f"{os.path.relpath(os.path.dirname(path), build)}/CMakeFiles/{target}.dir/")
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    ours = False
    for line in listing.splitlines():
        if line and not line.startswith(" "):
            ours = line.startswith(tuple(folders))
        elif ours and line:
            found.add(os.path.realpath(os.path.join(build, line.strip())))
    found = {path for path in found if not path.startswith((source + "/", build + "/", "/tmp/"))}
    if not found:
        raise Unknown(f"{build}: neither headers nor archives of {program} are known: build it with Ninja, without "
                      "`ninja -t clean`")
    return found


def _dependencies(path):
    """The right side of a Makefile's rule, the first one of the file."""
    try:
        with open(path, encoding="utf-8") as file:
            rule = file.read().replace("\\\n", " ").split("\n")[0]
    except FileNotFoundError:
        raise Unknown(f"{path}: the linker has not written it: link the program again") from None
    return rule.partition(":")[2].split()


def packages_of(paths, sysroot=None):
    """{package: version} of Debian's packages that the files belong to."""
    owners, versions = {}, {}
    if sysroot is not None and os.path.exists(os.path.join(sysroot, "files")):
        with open(os.path.join(sysroot, "files"), encoding="utf-8") as file:
            for line in file:
                package, version, path = line.rstrip("\n").split("\t")
                owners[os.path.realpath(sysroot + path)] = package
                versions[package] = version
    rest = sorted(path for path in paths if path not in owners)
    for start in range(0, len(rest), 200):
        done = subprocess.run(["dpkg", "-S", *rest[start:start + 200]], check=False, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            names, _, path = line.rpartition(": ")
            owners[path] = names.split(", ")[0].split(":")[0]
    missing = [path for path in paths if path not in owners]
    if missing:
        raise Unknown(f"{min(missing)}: is in a program, and in no package that dpkg knows")
    found = {owners[path] for path in paths}
    installed = sorted(found - set(versions))
    if installed:
        listing = subprocess.run(["dpkg-query", "--show", "--showformat", "${Package}\t${Version}\n", *installed],
                                 check=True, capture_output=True, text=True).stdout
        versions |= dict(line.split("\t") for line in listing.splitlines())
    return {package: versions[package] for package in found}


def document(name, version, epoch, programs, libraries, digest):
    """programs: {(architecture, path in the image): content}; libraries: {(architecture, path): {package: version}}."""
    packages = [_package("image", name, version, LICENCE, f"pkg:oci/runi@{digest}")]
    relationships = [_relation("DOCUMENT", "DESCRIBES", "image")]
    files, known = [], set()
    for (architecture, path), content in sorted(programs.items()):
        file_id = f"{architecture}-{os.path.basename(path)}"
        files.append({
            "SPDXID": f"SPDXRef-{file_id}", "fileName": f"./{path}", "comment": architecture,
            "checksums": [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
                          {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()}],
            "fileTypes": ["BINARY"], "licenseConcluded": LICENCE, "licenseInfoInFiles": [LICENCE],
            "copyrightText": "NOASSERTION"})
        relationships.append(_relation("image", "CONTAINS", file_id))
        for package, its_version in sorted(libraries.get((architecture, path), {}).items()):
            package_id = re.sub(r"[^A-Za-z0-9.]+", "-", f"{architecture}-{package}".replace("+", "p"))
            stem = stem_of(package)
            licence = LICENCES.get(stem) or DECLARATIONS.get(stem)
            if licence is None:
                raise Unknown(f"{package}: is in {path}, and hack/image_spdx.py does not know its licence")
            if package_id not in known:
                known.add(package_id)
                locator = f"pkg:deb/debian/{package}@{its_version}?arch={architecture}".replace("+", "%2B")
                packages.append(_package(package_id, package, its_version, licence, locator))
            is_linked = stem in LICENCES and os.path.basename(path) in LINKED
            relationships.append(_relation(file_id, "STATIC_LINK", package_id) if is_linked else
                                 _relation(package_id, "BUILD_DEPENDENCY_OF", file_id))
    return json_bytes({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"runi-{version}",
        "documentNamespace": f"https://runi.dev/spdx/runi-{version}-{digest.partition(':')[2]}",
        "creationInfo": {"created": text_time(epoch), "creators": [f"Tool: hack/image-{version}"]},
        "packages": packages, "files": files, "relationships": relationships}) + b"\n"


def _package(package_id, name, version, licence, locator):
    return {"SPDXID": f"SPDXRef-{package_id}", "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": locator}]}


def _relation(one, how, other):
    return {"spdxElementId": f"SPDXRef-{one}", "relationshipType": how, "relatedSpdxElement": f"SPDXRef-{other}"}
