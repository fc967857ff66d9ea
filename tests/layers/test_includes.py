"""Which folder of shim/ may use which: what its files include."""

import collections
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHIM = os.path.join(ROOT, "shim")

# What a folder may use besides itself, lower ones first: folders of shim/, or headers elsewhere in the project.
# init/kernel.h makes system calls; the init's other headers that are named here make none.
PURE = ("init/options.h", "init/pidfd_info.h", "init/signals.h")
MAY_USE = {
    "core": PURE,
    "system": ("core", *PURE),
    "runi": ("core", "system"),
    "runictl/engines": ("core", *PURE),
    "runictl/containers": ("core", *PURE),
    "runictl/installation": ("core", "runictl/engines", *PURE),
    "runictl/show": ("core", "runictl/engines", "runictl/containers", *PURE),
    "runictl/machine": ("core", "system", "runictl/engines", "runictl/containers", "runictl/installation", "runictl/show",
                        *PURE),
    "runictl/host": ("core", "system", "runictl/engines", "runictl/containers", "runictl/installation", "runictl/machine",
                     *PURE),
    "runictl": ("core", "system", "runictl/engines", "runictl/containers", "runictl/installation", "runictl/show",
                "runictl/machine", "runictl/host"),
}


def includes():
    """For each folder the headers of this project that its files include, and by which files."""
    found = {}
    for top, _, names in os.walk(SHIM):
        files = [name for name in names if name.endswith((".h", ".cc"))]
        if not files:
            continue
        of_folder = found[os.path.relpath(top, SHIM)] = collections.defaultdict(list)
        for name in files:
            with open(os.path.join(top, name), encoding="utf-8") as file:
                text = file.read()
            for opening, header in re.findall(r'^\s*#\s*include\s*(["<])([^">]+)[">]', text, re.MULTILINE):
                if opening == '"' or any(os.path.exists(os.path.join(base, header)) for base in (SHIM, ROOT)):
                    of_folder[header].append(name)
    return found


class Includes(unittest.TestCase):
    def test_each_folder_has_its_place(self):
        self.assertEqual(sorted(includes()), sorted(MAY_USE))

    def test_a_folder_uses_those_that_it_may(self):
        wrong = [f"shim/{folder}: {', '.join(sorted(files))}: may not include {header}"
                 for folder, headers in includes().items() for header, files in headers.items()
                 if not {header, os.path.dirname(header)} & {folder, *MAY_USE.get(folder, ())}]
        self.assertEqual(wrong, [], "\n" + "\n".join(sorted(wrong)))

    def test_no_folder_is_used_by_one_that_it_uses(self):
        """The table is an order: each row names only folders of the rows before."""
        for place, (folder, used) in enumerate(MAY_USE.items()):
            with self.subTest(folder):
                self.assertLessEqual(set(used) - set(PURE), set(list(MAY_USE)[:place]))


if __name__ == "__main__":
    unittest.main()
