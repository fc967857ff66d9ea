"""runictl explain finds a container by what people call it, and says of one that runs what it has."""

import json
import os

from bed.case import PLAIN, RUNI, built, until
from bed.cri import Cri
from bed.docker import Docker
from bed.podman import Podman
from look import FAILED, Look


class Find(Look):
    def explain(self, word):
        done = self.runictl("explain", "--json", word)
        self.assertEqual(done.stderr, b"")
        answer = json.loads(done.stdout)
        self.assertIn(done.returncode, (0, 1), answer)
        return answer

    def assert_found(self, words, bundle, outcome):
        for word in words:
            with self.subTest(word):
                answer = self.explain(word)
                self.assertEqual((answer["specification"], answer["outcome"]), (bundle, outcome))

    def assert_missing(self, word, words):
        done = self.runictl("explain", word)
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
        self.assertIn(words, done.stderr.decode())
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_pods(self):
        cri = Cri(self)
        one = cri.container(cri.pod(RUNI), ["sleep", "1000"])
        other = cri.container(cri.pod(PLAIN), ["sleep", "1000"])
        folder = os.path.dirname(os.path.dirname(self.explain(one)["specification"]))
        self.assert_found([one, one[:12], "bed/pod1/c"], os.path.join(folder, one, "config.json"), "injected")
        self.assert_found([other, "bed/pod2/c"], os.path.join(folder, other, "config.json"), "init")
        self.assertRegex(self.runictl("explain", "bed/pod1/c").stdout.decode(),
                         rf"(?m)^container +bed/pod1/c \(containerd, {one}\)\n")
        self.assert_missing("bed/pod3/c", "no container bed/pod3/c")

    def test_more_than_one(self):
        """Of seventeen ids two begin with the same digit, whatever they are."""
        cri = Cri(self)
        pod = cri.pod(PLAIN)
        ids = [pod[0]]
        while len({identity[0] for identity in ids}) == len(ids):
            ids.append(cri.container(pod, ["sleep", "1000"], name=f"c{len(ids)}"))
        self.assert_missing(ids[-1][0], "say more")
        done = self.runictl("explain", ids[-1][0])
        self.assertIn(f"containerd, {ids[-1]})", done.stderr.decode())

    def test_a_pod_with_one_pid_namespace(self):
        """Its containers are PID 1 of nothing, so scan does not list them."""
        cri = Cri(self)
        container = cri.container(cri.pod(RUNI, pid="POD"), ["sleep", "1000"], pid="POD")
        answer = self.explain("bed/pod1/c")
        self.assertEqual((answer["outcome"], answer["reason"]), ("plain", "shared-pid"))
        self.assertIn(f"/{container}/config.json", answer["specification"])

    def test_podman(self):
        started = Podman(self).start(RUNI, ["sleep", "1000"], flags=["--name", "web"])
        answer = self.explain("web")
        self.assertEqual(answer["outcome"], "injected")
        self.assert_found([started.id, started.id[:12]], answer["specification"], "injected")

    def test_docker(self):
        started = Docker(self).start(PLAIN, ["sleep", "1000"], flags=["--name", "web"])
        answer = self.explain("web")
        self.assertEqual(answer["outcome"], "init")
        self.assertIn(f"/{started.id}/config.json", answer["specification"])

    def test_as_nobody(self):
        done = self.runictl("explain", "web", user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"run this as root", done.stderr)


class Versions(Look):
    def test_of_inits(self):
        pid = self.namespace(built("RUNI_INIT"), "--", "sleep", "1000")
        version = self.succeed(built("RUNI_INIT"), "--version").split()[2]
        self.assertEqual(self.ps()[pid]["init"]["version"], version)
        self.assertRegex(self.runictl("ps").stdout.decode(), rf"(?m) VERSION .*\n.* {version} ")

    def test_in_a_pod(self):
        cri = Cri(self)
        cri.container(cri.pod(RUNI), ["sleep", "1000"])
        (seen,) = until(self.ps, "the container").values()
        self.assertEqual(seen["init"]["version"], self.succeed(built("RUNI_INIT"), "--version").split()[2])
