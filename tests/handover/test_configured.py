"""What configuration and annotations change about a start, and what mistakes in them do."""

import json
import os
import shutil
import subprocess
import unittest

from bed.shim import INIT
from start import CREATE, Start
from test_handover import ENVIRONMENT, FAKE, FAKE_STATUS, RUNI


class Misconfigured(Start):
    def settings_text(self, text):
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(text)

    def test_a_broken_configuration_fails_starts_and_nothing_else(self):
        for text, *words in (('{"runtime": "%s", "inject": "sometimes"}' % self.fake, "/inject", '"sometimes"'),
                             ('{"runtime": "%s", "colour": 1}' % self.fake, "/colour", "unknown key"),
                             ('{"runtime": "%s", "annotations": ["all"]}' % self.fake, "/annotations/0", '"all"'),
                             ('{"runtime": "%s", "init": {"signals": ["KILL:0"]}}' % self.fake, "/init/signals/0", '"KILL:0"'),
                             ('{"runtime": "%s" "inject": 1}' % self.fake, "not JSON", "line 1")):
            self.settings_text(text)
            self.assert_failed(self.start(), "configuration " + self.settings, *words)
            self.assertEqual(self.bundle_bytes(), self.config)
            for verb in ("state", "kill", "delete", "exec", "--version"):
                self.assertEqual(self.start(verb, "id")[0], FAKE_STATUS, f"{verb} with {text}")

    def test_each_name_has_a_configuration_of_its_own(self):
        """One that is broken is felt by its own handler alone."""
        sound = os.path.join(os.path.dirname(self.runi), f"{os.path.basename(self.runi)}-too")
        settings = os.path.join(os.path.dirname(self.settings), f"{os.path.basename(sound)}.json")
        os.symlink(RUNI, sound)
        self.addCleanup(os.unlink, sound)
        with open(settings, "w", encoding="utf-8") as file:
            json.dump({"runtime": self.fake, "init": {"graceSeconds": 2}}, file)
        self.addCleanup(os.unlink, settings)
        self.settings_text('{"runtime": "%s", "inject": "sometimes"}' % self.fake)
        self.assert_failed(self.start(), "configuration " + self.settings)
        status, record, _ = self.call(sound, [sound, *CREATE], ENVIRONMENT, None)
        self.assertEqual(status, FAKE_STATUS)
        args = json.loads(record["config"].encode("latin-1"))["process"]["args"]
        self.assertEqual(args[:len(INIT) + 3], [*INIT, "-t", "2", "--"])

    def test_a_configuration_that_is_no_file(self):
        os.unlink(self.settings)
        os.mkdir(self.settings)
        try:
            self.assert_failed(self.start(), "configuration " + self.settings, "not a regular file")
        finally:
            os.rmdir(self.settings)
            self.settings_text("{}")

    def test_runi_is_never_its_own_runtime(self):
        self.configure(runtime=RUNI)
        self.assert_failed(self.start(), RUNI, "is runi itself")
        self.assert_failed(self.start("state", "id"), RUNI, "is runi itself")
        self.configure(runtime=self.runi)
        self.assert_failed(self.start(), "is runi itself")

    def test_a_runtime_that_is_not_there(self):
        self.configure(runtime="/no/such/runtime")
        self.assert_failed(self.start(), "/no/such/runtime", "No such file or directory")
        self.assert_failed(self.start("delete", "id"), "/no/such/runtime")

    def test_comments_are_welcome(self):
        self.settings_text('// whose\n{ "runtime": "%s" /* which */ }' % self.fake)
        self.assertEqual(self.start()[0], FAKE_STATUS)
        self.assertIn(b"runi.dev/injected", self.bundle_bytes())


class Configured(Start):
    def arguments_of(self, **settings):
        self.write_config()
        self.configure(**settings)
        status, record, stderr = self.start()
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        return json.loads(record["config"].encode("latin-1"))["process"]["args"]

    def test_inject(self):
        plain = json.loads(self.config)["process"]["args"]
        self.assertEqual(self.arguments_of(inject="never"), plain)
        self.assertEqual(self.arguments_of(inject="annotated"), plain)
        self.assertEqual(self.arguments_of(inject="always"), [*INIT, "--", *plain])

    def test_skip_commands(self):
        plain = json.loads(self.config)["process"]["args"]
        self.assertEqual(self.arguments_of(skipCommands=[plain[0]]), plain)
        self.assertEqual(self.arguments_of(skipCommands=["other"]), [*INIT, "--", *plain])

    def test_forward(self):
        self.assertEqual(self.arguments_of(init={"forward": "group"})[:len(INIT) + 2], [*INIT, "-g", "--"])

    def test_tuning(self):
        self.assertEqual(self.arguments_of(init={"signals": ["TERM:QUIT", "HUP:0"], "expectExit": [143], "graceSeconds": 5})[:len(INIT) + 9],
                         [*INIT, "-r", "TERM:QUIT", "-r", "HUP:0", "-e", "143", "-t", "5", "--"])

    def test_shared_pid(self):
        config = json.loads(self.config)
        config["linux"]["namespaces"] = [entry for entry in config["linux"]["namespaces"] if entry["type"] != "pid"]
        with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.configure()
        self.start()
        self.assertNotIn(b"runi.dev", self.bundle_bytes())
        self.configure(sharedPid="subreaper")
        self.start()
        self.assertEqual(json.loads(self.bundle_bytes())["process"]["args"][:3], ["/dev/.runi-init", "-s", "--"])

    def test_init_path(self):
        init = os.path.join(os.path.realpath(self.folder), 'an "init" of its own')
        shutil.copy(os.path.join(os.path.dirname(RUNI), "runi-init"), init)
        os.chmod(init, 0o755)
        self.configure(init={"path": init})
        self.start()
        self.assertEqual(json.loads(self.bundle_bytes())["mounts"][-1]["source"], init)

    def test_an_init_behind_a_link(self):
        """The mount names the file itself, so that a bundle keeps its version when the link moves on."""
        init = os.path.realpath(shutil.copy(os.path.join(os.path.dirname(RUNI), "runi-init"),
                                            os.path.join(self.folder, "init-1")))
        os.symlink("init-1", os.path.join(self.folder, "init"))
        self.configure(init={"path": os.path.join(self.folder, "init")})
        self.start()
        self.assertEqual(json.loads(self.bundle_bytes())["mounts"][-1]["source"], init)

    def test_an_init_that_cannot_serve(self):
        init = os.path.join(self.folder, "init")
        for make, word in ((lambda: None, "No such file"),
                           (lambda: shutil.copy("/bin/sh", init), "dynamic loader"),
                           (lambda: os.chmod(init, 0o700), "not readable and executable by all"),
                           (lambda: os.chmod(init, 0o777), "writable by users other")):
            make()
            self.configure(init={"path": init})
            self.assert_passed_on(self.start())
            self.configure(init={"path": init}, onFailure="fail")
            self.assert_failed(self.start(), init, word)

    def test_an_init_where_nothing_may_be_executed(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: mounts a file system")
        place = os.path.join(self.folder, "noexec")
        os.mkdir(place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", place], check=True)
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        init = shutil.copy(os.path.join(os.path.dirname(RUNI), "runi-init"), place)
        os.chmod(init, 0o755)
        self.configure(init={"path": init}, onFailure="fail")
        self.assert_failed(self.start(), init, "noexec")


class Annotated(Start):
    def annotate(self, **annotations):
        config = json.loads(self.config)
        config["annotations"] = {"io.kubernetes.cri.container-name": "app"} | annotations
        self.config = json.dumps(config).encode()
        with open(os.path.join(self.bundle, "config.json"), "wb") as file:
            file.write(self.config)

    def assert_options(self, result, *options):
        status, record, stderr = result
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        args = json.loads(record["config"].encode("latin-1"))["process"]["args"]
        self.assertEqual(tuple(args[:len(INIT) + len(options) + 1]), (*INIT, *options, "--"))

    def test_what_does_not_count_is_ignored(self):
        self.configure(init={"graceSeconds": 3})
        self.annotate(**{"runi.dev/grace": "soon", "runi.dev/signals": "TERM:QUIT", "app.runi.dev/colour": "red"})
        self.assert_options(self.start(), "-r", "TERM:QUIT", "-t", "3")

    def test_what_does_not_count_is_refused_where_that_is_wished(self):
        self.configure(onFailure="fail")
        self.annotate(**{"runi.dev/grace": "soon", "app.runi.dev/colour": "red"})
        self.assert_failed(self.start(), "config.json: annotation", 'annotation "runi.dev/grace": expected whole seconds, 0 to 86400, '
                           'found "soon"; annotation "app.runi.dev/colour": unknown key')
        self.assertEqual(self.bundle_bytes(), self.config)
        self.assertEqual(self.start("delete", "id")[0], FAKE_STATUS)

    def test_the_annotation_of_another_container_is_nothing_to_refuse(self):
        self.configure(onFailure="fail")
        self.annotate(**{"other.runi.dev/grace": "soon", "app.runi.dev/grace": "7"})
        self.assert_options(self.start(), "-t", "7")

    def test_only_what_the_configuration_allows(self):
        self.annotate(**{"runi.dev/init": "false", "runi.dev/grace": "7"})
        self.configure(annotations=["grace"])
        self.assert_options(self.start(), "-t", "7")
        self.annotate(**{"runi.dev/init": "false", "runi.dev/grace": "7"})
        self.configure(annotations=[], onFailure="fail")
        self.assert_failed(self.start(), "runi.dev/init", "does not let pods set it", "runi.dev/grace")

    def test_a_container_can_ask_for_the_init(self):
        self.configure(inject="annotated")
        self.annotate(**{"app.runi.dev/init": "true"})
        self.assert_options(self.start())
        self.annotate(**{"other.runi.dev/init": "true"})
        self.assert_passed_on(self.start())


class Elsewhere(Start):
    """A copy of runi in a folder of its own, which has no configuration in the first directory."""

    def setUp(self):
        super().setUp()
        os.unlink(self.settings)
        self.addCleanup(lambda: open(self.settings, "w", encoding="utf-8").close())  # as the next clean-up expects
        self.prefix = os.path.join(self.folder, "prefix")
        os.makedirs(os.path.join(self.prefix, "bin"))
        os.makedirs(os.path.join(self.prefix, "etc", "runi"))
        shutil.copy(RUNI, os.path.join(self.prefix, "bin", "runi"))
        os.unlink(self.runi)
        os.symlink(os.path.join(self.prefix, "bin", "runi"), self.runi)
        self.first = self.settings
        self.handler = os.path.basename(self.settings)

    def use(self, directory, name, **settings):
        self.settings = os.path.join(directory, name)
        self.configure(inject="never", **settings)

    def test_the_configuration_may_be_beside_the_program(self):
        there = os.path.join(self.prefix, "etc", "runi")
        self.use(there, "config.json")
        self.assert_passed_on(self.start())
        self.use(there, self.handler)
        os.unlink(os.path.join(there, "config.json"))
        self.assert_passed_on(self.start())
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write('{"inject": 7}')
        self.assert_failed(self.start(), f"configuration {there}/{self.handler}: /inject")
        # The first directory's comes before.
        self.use(os.path.dirname(self.first), self.handler)
        self.assert_passed_on(self.start())

    def test_a_runtime_that_nobody_names_is_looked_for_in_path_last(self):
        """Where the system has one, that is taken: so without its directories, in a root directory without them."""
        if os.geteuid() != 0:
            self.skipTest("needs root: to hide the system's runtimes")
        hidden = [path for folder in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/usr/libexec/crio")
                  for path in (f"{folder}/runc", f"{folder}/crun") if os.path.exists(path)]
        folders = {}
        for name in ("runc", "crun"):
            folders[name] = os.path.join(self.folder, f"has-{name}")
            os.mkdir(folders[name])
            shutil.copy(FAKE, os.path.join(folders[name], name))

        def start(path, hide=True):
            script = "".join(f"mount --bind /dev/null {each}; " for each in hidden if hide)
            done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                   script + 'export PATH="$1"; shift; exec "$@"', "sh", path, self.runi, "state", "id"],
                                  check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            return done.returncode, done.stderr

        with open(os.path.join(self.prefix, "etc", "runi", "config.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        self.assertIn("no OCI runtime found", start("/nonexistent")[1])
        self.assertEqual(start(folders["crun"])[0], FAKE_STATUS)
        self.assertEqual(start(f"/nonexistent:{folders['crun']}:{folders['runc']}")[0], FAKE_STATUS)
        # Only absolute elements, and never runi itself.
        self.assertIn("no OCI runtime found", start(os.path.relpath(folders["runc"]))[1])
        os.unlink(os.path.join(folders["runc"], "runc"))
        os.symlink(os.path.join(self.prefix, "bin", "runi"), os.path.join(folders["runc"], "runc"))
        self.assertIn("no OCI runtime found", start(folders["runc"])[1])
        if hidden:
            self.assertNotEqual(start(folders["crun"], hide=False)[0], FAKE_STATUS)


if __name__ == "__main__":
    unittest.main()
