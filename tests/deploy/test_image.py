"""The image that hack/image makes: what is in it, that engines take it, and that it is the same every time."""

import fcntl
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import tomllib
import unittest

from bed.case import Case, built, need
from bed.docker import Docker
from bed.containerd import Containerd
from bed.podman import Podman

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
IMAGE = os.path.join(SOURCE, "hack/image")
ARM64 = os.path.join(SOURCE, "build/release-arm64")
NAME = "registry.example.com/runi"
FILES = {"usr/local/sbin/runictl": "RUNICTL", "usr/local/sbin/runi": "RUNI",
         "usr/local/libexec/runi/runi-init": "RUNI_INIT"}
EPOCH = 1700000000


def build_folder():
    return os.path.dirname(os.path.dirname(built("RUNI")))


def architecture():
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


def need_arm64():
    """The build folder of programs for arm64. Skips the test where there is none."""
    for name in ("runictl", "runi", "runi-init"):
        if not os.path.exists(os.path.join(ARM64, "bin", name)):
            raise unittest.SkipTest(f"needs {ARM64}/bin/{name}: hack/sysroot and hack/image make it")
    return ARM64


def make(folder, *options, builds=None, **environment):
    """Runs hack/image. Returns the finished process."""
    builds = builds or {architecture(): build_folder()}
    return subprocess.run(
        [IMAGE, *(f"--build={platform}={path}" for platform, path in builds.items()), "--output", folder, *options],
        check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)} | environment)


class Archive:
    """An OCI archive, read by its own description."""

    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.files = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}
        (self.reference,) = self.json("index.json")["manifests"]
        self.manifests = {each["platform"]["architecture"]: self.blob(each)
                          for each in self.blob(self.reference)["manifests"]}

    def json(self, name):
        return json.loads(self.files[name])

    def bytes_of(self, descriptor):
        content = self.files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
        assert len(content) == descriptor["size"]
        assert hashlib.sha256(content).hexdigest() == descriptor["digest"].removeprefix("sha256:")
        return content

    def blob(self, descriptor):
        return json.loads(self.bytes_of(descriptor))

    def layer(self, platform):
        (descriptor,) = self.manifests[platform]["layers"]
        return tarfile.open(fileobj=io.BytesIO(self.bytes_of(descriptor)))


class Made(Case):
    """The image of the programs under test, made once for all tests that want the same."""

    def setUp(self):
        super().setUp()
        self.version = self.succeed(built("RUNICTL"), "--version").split()[-1]
        self.output = self.kept()
        self.archive_path = os.path.join(self.output, f"runi-{self.version}.tar")

    def builds(self):
        return {architecture(): build_folder()}

    def make(self, folder, **environment):
        done = make(folder, "--talos", "--sysext", builds=self.builds(), **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def kept(self):
        """A folder with what hack/image makes of the present programs, which tests only read."""
        need("mksquashfs")
        sources = [os.path.join(SOURCE, top, name) for top in ("hack", "deploy/talos")
                   for name in os.listdir(os.path.join(SOURCE, top)) if top != "hack" or name.startswith("image")]
        sources = [path for path in sources if os.path.isfile(path)]
        programs = [os.path.join(folder, "bin", os.path.basename(path)) for folder in self.builds().values()
                    for path in FILES]
        state = [(path, status.st_mtime_ns, status.st_size) for path in sorted(sources + programs)
                 for status in [os.stat(path)]]
        digest = hashlib.sha256(repr(state).encode()).hexdigest()
        folder = os.path.join(build_folder(), "image-test", "-".join(self.builds()))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "of"), "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if file.read() != digest:
                file.truncate(0)
                self.make(folder)
                file.write(digest)
        return folder

    def archive(self):
        return Archive(self.archive_path)


class Content(Made):
    def test_the_programs_and_nothing_else(self):
        with self.archive().layer(architecture()) as layer:
            files = {entry.name: entry for entry in layer if not entry.isdir()}
            self.assertEqual(set(files), set(FILES))
            for path, variable in FILES.items():
                self.assertEqual(stat.S_IMODE(files[path].mode), 0o755)
                with open(built(variable), "rb") as program:
                    self.assertEqual(layer.extractfile(path).read(), program.read())

    def test_all_of_it_is_root_s(self):
        with self.archive().layer(architecture()) as layer:
            for entry in layer:
                self.assertEqual((entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime), (0, 0, "", "", EPOCH))

    def test_digests_are_of_what_is_there(self):
        archive = self.archive()
        manifest = archive.manifests[architecture()]
        config = archive.blob(manifest["config"])
        self.assertEqual(config["rootfs"]["diff_ids"], [layer["digest"] for layer in manifest["layers"]])
        self.assertEqual((config["architecture"], config["os"]), (architecture(), "linux"))
        # The one that hack/image prints.
        self.assertEqual(self.make(self.folder("again")).stdout.split()[-1], archive.reference["digest"])

    def test_it_starts_runictl(self):
        archive = self.archive()
        config = archive.blob(archive.manifests[architecture()]["config"])["config"]
        self.assertEqual(config["Entrypoint"], ["/usr/local/sbin/runictl"])
        self.assertNotIn("User", config)

    def test_unpacked_it_runs(self):
        root = self.folder("root")
        with self.archive().layer(architecture()) as layer:
            layer.extractall(root)
        self.assertIn(self.version, self.succeed("chroot", root, "/usr/local/sbin/runictl", "--version"))
        self.assertIn(self.version, self.succeed("chroot", root, "/usr/local/libexec/runi/runi-init", "--version"))
        # runi and the init are where runictl finds them.
        explained = self.command("chroot", root, "/usr/local/sbin/runictl", "explain", "-", "--json",
                                 input=b'{"ociVersion":"1.0.2"}')
        self.assertIn("/usr/local/libexec/runi/runi-init", (explained.stdout + explained.stderr).decode())


class Reproducible(Made):
    def test_byte_for_byte(self):
        again = self.folder("again")
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        self.make(again, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")
        names = sorted(os.path.relpath(os.path.join(top, name), again)
                       for top, _, files in os.walk(again) for name in files)
        self.assertEqual(len(names), 4)
        for name in names:
            with open(os.path.join(self.output, name), "rb") as one, open(os.path.join(again, name), "rb") as other:
                self.assertTrue(one.read() == other.read(), name)

    def test_times_are_those_of_the_source(self):
        """Another time gives another image: the test above would not see a time that nobody reads."""
        again = self.folder("again")
        self.make(again, SOURCE_DATE_EPOCH=str(EPOCH + 1))
        with open(self.archive_path, "rb") as one, \
             open(os.path.join(again, os.path.basename(self.archive_path)), "rb") as other:
            self.assertFalse(one.read() == other.read())


class Engines(Made):
    def test_podman(self):
        podman = Podman(self)
        podman.ask("load", "--quiet", "--input", self.archive_path)
        self.assertIn(self.version, self.run_in(podman))

    def test_docker(self):
        docker = Docker(self)
        docker.ask("load", "--quiet", "--input", self.archive_path)
        self.assertIn(self.version, self.run_in(docker))

    def run_in(self, engine):
        done = self.command(*engine.run_argv("plain", "--rm", f"{NAME}:{self.version}", "--version"),
                            env=engine.environment)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def test_containerd(self):
        containerd = Containerd(self, "bed")
        image = f"{NAME}:{self.version}"
        said = self.succeed(*containerd.ctr("images", "import", self.archive_path))
        self.assertIn(image, said)
        said = self.succeed(*containerd.ctr("run", "--rm", "--runtime", "io.containerd.runc.v2", "--cgroup",
                                            f"{self.cgroup}/c", image, "c", "/usr/local/sbin/runictl", "--version"))
        self.assertIn(self.version, said)

    def test_skopeo(self):
        skopeo = need("skopeo")
        inspected = json.loads(self.succeed(skopeo, "inspect", f"oci-archive:{self.archive_path}"))
        self.assertEqual(inspected["Architecture"], architecture())
        copy = self.path("copy.tar")
        self.succeed(skopeo, "copy", "--all", "--preserve-digests", f"oci-archive:{self.archive_path}",
                     f"oci-archive:{copy}")
        self.assertEqual(Archive(copy).manifests, self.archive().manifests)


class List(Made):
    """The SPDX document."""

    def document(self):
        with open(os.path.join(self.output, f"runi-{self.version}.spdx.json"), encoding="utf-8") as file:
            return json.load(file)

    def linked(self, name):
        """{package: version} that a program is said to be linked with."""
        document = self.document()
        packages = {package["SPDXID"]: package for package in document["packages"]}
        linked = [packages[relation["relatedSpdxElement"]] for relation in document["relationships"]
                  if relation["relationshipType"] == "STATIC_LINK"
                  and relation["spdxElementId"] == f"SPDXRef-{architecture()}-{name}"]
        return {package["name"]: package["versionInfo"] for package in linked}

    def test_it_has_what_the_format_asks_for(self):
        document = self.document()
        self.assertEqual((document["spdxVersion"], document["dataLicense"], document["SPDXID"]),
                         ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
        self.assertEqual(document["creationInfo"]["created"], "2023-11-14T22:13:20Z")
        ids = ["SPDXRef-DOCUMENT"] + [each["SPDXID"] for each in document["packages"] + document["files"]]
        self.assertEqual(len(ids), len(set(ids)))
        for each in ids:
            self.assertRegex(each, r"^SPDXRef-[A-Za-z0-9.-]+$")
        for relation in document["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, set(ids))
        for package in document["packages"]:
            self.assertLessEqual({"name", "versionInfo", "downloadLocation", "licenseDeclared"}, set(package))

    def test_files_are_the_image_s(self):
        sums = {each["fileName"]: {one["algorithm"]: one["checksumValue"] for one in each["checksums"]}
                for each in self.document()["files"]}
        with self.archive().layer(architecture()) as layer:
            for path in FILES:
                content = layer.extractfile(path).read()
                self.assertEqual(sums[f"./{path}"], {"SHA1": hashlib.sha1(content).hexdigest(),
                                                     "SHA256": hashlib.sha256(content).hexdigest()})

    def test_libraries_have_dpkg_s_versions(self):
        linked = self.linked("runi")
        self.assertLessEqual({"libc6-dev", "libseccomp-dev", "libspdlog-dev", "libfmt-dev", "nlohmann-json3-dev"},
                             set(linked))
        self.assertNotIn("libcli11-dev", linked)
        self.assertLessEqual({"libcli11-dev", "libtomlplusplus-dev"}, set(self.linked("runictl")))
        for package, version in (linked | self.linked("runictl")).items():
            self.assertEqual(version, self.succeed("dpkg-query", "--show", "--showformat", "${Version}", package))

    def test_the_init_has_no_library(self):
        self.assertEqual(self.linked("runi-init"), {})


class Refused(unittest.TestCase):
    def test_programs_for_another_machine(self):
        other = {"amd64": "arm64", "arm64": "amd64"}[architecture()]
        with tempfile.TemporaryDirectory() as folder:
            done = make(folder, builds={other: build_folder()})
            self.assertEqual((done.returncode, os.listdir(folder)), (1, []))
        self.assertIn(f"/bin/runictl: is not a program for {other}", done.stderr)

    def test_a_platform_without_libraries(self):
        """It is not left out silently."""
        if architecture() != "amd64":
            self.skipTest("needs an amd64 machine")
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.path.join(SOURCE, "CMakeLists.txt"), os.path.join(folder, "CMakeLists.txt"))
            os.mkdir(os.path.join(folder, "hack"))
            for name in os.listdir(os.path.join(SOURCE, "hack")):
                if name.startswith("image"):
                    with open(os.path.join(SOURCE, "hack", name), encoding="utf-8") as source, \
                         open(os.path.join(folder, "hack", name), "w", encoding="utf-8") as copy:
                        copy.write(source.read())
            done = subprocess.run(["/usr/bin/python3", os.path.join(folder, "hack/image")], check=False,
                                  capture_output=True, text=True,
                                  env=os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)})
        self.assertEqual(done.returncode, 1)
        self.assertIn("run hack/sysroot, or make the image for this machine alone: hack/image --platform amd64",
                      done.stderr)


class Arm64(Made):
    def setUp(self):
        need_arm64()
        super().setUp()

    def builds(self):
        return {"amd64": build_folder(), "arm64": ARM64} if architecture() == "amd64" else {"arm64": build_folder()}

    def test_one_index_has_both(self):
        self.assertEqual(set(self.archive().manifests), set(self.builds()))

    def test_the_programs_run(self):
        emulator, root, bundle = need("qemu-aarch64-static"), self.folder("root"), self.folder("bundle")
        with self.archive().layer("arm64") as layer:
            layer.extractall(root)
        runictl, runi, init = (os.path.join(root, path) for path in FILES)
        for program in (runictl, init):
            self.assertIn(self.version, self.succeed(emulator, program, "--version"))
        # runictl reads the bundle and tries the init, which is for the machine that runictl is for.
        self.succeed(need("runc"), "spec", "--bundle", bundle)
        os.makedirs(os.path.join(bundle, "rootfs/bin"))
        shutil.copy(need("busybox"), os.path.join(bundle, "rootfs/bin/sh"))
        self.assertIn("The container gets the init", self.succeed(emulator, runictl, "explain", "--bundle", bundle))
        # runi becomes the runtime.
        self.assertEqual(self.succeed(emulator, runi, "--version"), self.succeed(need("runc"), "--version"))

    def test_podman_takes_the_one_that_is_asked_for(self):
        podman = Podman(self)
        for platform in self.builds():
            podman.ask("pull", "--quiet", "--arch", platform, f"oci-archive:{self.archive_path}")
            image = podman.ask("images", "--quiet").split()[0]
            self.assertEqual(podman.ask("image", "inspect", "--format", "{{.Architecture}}", image), platform)
            podman.ask("rmi", "--all", "--force")

    def test_libraries_of_the_sysroot_are_listed(self):
        with open(os.path.join(self.output, f"runi-{self.version}.spdx.json"), encoding="utf-8") as file:
            packages = {package["SPDXID"] for package in json.load(file)["packages"]}
        self.assertIn("SPDXRef-arm64-libseccomp-dev", packages)


class Layouts(Made):
    def test_talos(self):
        """Only folders that Talos lets extensions have (its pkg/machinery/extensions), and the manifest beside them."""
        archive = Archive(os.path.join(self.output, f"runi-{self.version}-talos.tar"))
        with archive.layer(architecture()) as layer:
            files = {entry.name for entry in layer if not entry.isdir()}
            self.assertEqual(files, {"manifest.yaml", "rootfs/etc/cri/conf.d/20-runi.part"} |
                             {f"rootfs/{path}" for path in FILES})
            manifest = layer.extractfile("manifest.yaml").read().decode()
            part = layer.extractfile("rootfs/etc/cri/conf.d/20-runi.part").read().decode()
        self.assertRegex(manifest, r"(?m)^version: v1alpha1$")
        self.assertRegex(manifest, rf'(?m)^  version: "{self.version}"$')
        handlers = tomllib.loads(part)["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]
        self.assertIn("rootfs" + handlers["runi"]["options"]["BinaryName"], files)

    def test_sysext(self):
        """As systemd-sysext(8) has it: below usr alone, and a release file that has the image's name."""
        root = self.path("unpacked")
        self.succeed(need("unsquashfs"), "-quiet", "-no-progress", "-dest", root,
                     os.path.join(self.output, f"sysext-{architecture()}/runi.raw"))
        files = {os.path.relpath(os.path.join(top, name), root) for top, _, names in os.walk(root) for name in names}
        release = "usr/lib/extension-release.d/extension-release.runi"
        self.assertEqual(files, {release, "usr/bin/runi", "usr/bin/runictl", "usr/libexec/runi/runi-init"})
        with open(os.path.join(root, release), encoding="utf-8") as file:
            self.assertEqual(file.read().splitlines(),
                             ["ID=_any", f"ARCHITECTURE={'x86-64' if architecture() == 'amd64' else 'arm64'}"])
        for path in files - {release}:
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(root, path)).st_mode), 0o755)
        self.assertIn(self.version, self.succeed("chroot", root, "/usr/bin/runictl", "--version"))


if __name__ == "__main__":
    unittest.main()
