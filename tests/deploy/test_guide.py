"""What the guides in deploy/ say: their numbers, and where their links lead."""

import os
import re
import subprocess
import unittest

from bed import manifests

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def read(*names):
    with open(os.path.join(SOURCE, *names), encoding="utf-8") as file:
        return file.read()


class Guide(unittest.TestCase):
    def test_numbers_are_those_of_hack_fleet(self):
        manifests.reader()
        folder = os.path.dirname(manifests.kubectl())
        done = subprocess.run([os.path.join(SOURCE, "hack/fleet")], check=True, capture_output=True, text=True,
                              env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"})
        table = done.stdout.partition("\n\n")[2].strip()
        self.assertGreater(len(table.splitlines()), 10)
        self.assertIn(table, read("deploy/kubernetes/README.md"))

    def test_without_a_label_it_is_less(self):
        manifests.reader()
        manifests.kubectl()
        done = subprocess.run([os.path.join(SOURCE, "hack/fleet"), "--overlay",
                               os.path.join(SOURCE, "deploy/kubernetes/overlays/no-label")],
                              check=True, capture_output=True, text=True)
        total = re.search(r"\| all \| (\d+) \|", done.stdout).group(1)
        self.assertIn("Afterwards 0 requests per hour", done.stdout)
        self.assertIn(f"With `no-label` a node's installation is {total} requests, and nothing comes afterwards.",
                      read("deploy/kubernetes/README.md"))

    def test_each_overlay_is_listed(self):
        guide = read("deploy/kubernetes/README.md")
        for overlay in manifests.overlays():
            self.assertIn(f"`{overlay}`", guide)

    def test_the_installer_says_what_is_quoted(self):
        table = read("deploy/kubernetes/README.md").partition("What the installer says")[2].partition("**The escape")[0]
        quoted = [text for row in table.splitlines() if row.startswith("| `") for text in
                  re.findall(r"`([^`]+)`", row.split("|")[1])]
        self.assertGreater(len(quoted), 15)
        folder = os.path.join(SOURCE, "shim/runictl")
        if not os.path.exists(os.path.join(folder, "install.cc")):
            self.skipTest("needs runictl's command install: it has none")
        sources = ""
        for top, _, names in os.walk(folder):
            for name in sorted(names):
                if name.endswith(".cc"):
                    # Strings that are written on several lines are one.
                    sources += re.sub(r'"\s+"', "", read(os.path.join(top, name)))
        missing = [text for text in quoted if text not in sources]
        self.assertEqual(missing, [])

    def test_links_lead_somewhere(self):
        for top, _, names in os.walk(os.path.join(SOURCE, "deploy")):
            for name in names:
                if name.endswith(".md"):
                    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(os.path.join(top, name))):
                        self.assertTrue(os.path.exists(os.path.join(top, target)), f"{top}/{name}: {target}")


if __name__ == "__main__":
    unittest.main()
