"""Each type in shim/ has a name of its own.

Two types of one name make one program of two halves that disagree: the linker takes the functions of one for both.
"""

import collections
import os
import re
import unittest

SHIM = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "shim")
DEFINITION = re.compile(r"^(?:struct|class|enum class|enum) (\w+)(?: final)?(?: :[^;{]*)? \{", re.MULTILINE)
NAMELESS = re.compile(r"^namespace \{$.*?^\}  // namespace$", re.MULTILINE | re.DOTALL)
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{$", re.MULTILINE)


def types():
    """The names of types that other files can see, each with the files that define it."""
    found = collections.defaultdict(list)
    for top, _, names in os.walk(SHIM):
        for name in names:
            if not name.endswith((".h", ".cc")):
                continue
            path = os.path.join(top, name)
            with open(path, encoding="utf-8") as file:
                text = NAMELESS.sub("", file.read())
            namespace = NAMESPACE.search(text)
            for definition in DEFINITION.finditer(text):
                full = f"{namespace.group(1) if namespace else ''}::{definition.group(1)}"
                found[full].append(os.path.relpath(path, SHIM))
    return found


class Names(unittest.TestCase):
    def test_types_are_found(self):
        self.assertLessEqual({"runi::Error", "runi::json::Value", "runi::Reason", "runi::StartPlan"}, set(types()))

    def test_each_names_one_type(self):
        self.assertEqual({name: files for name, files in types().items() if len(files) > 1}, {})


if __name__ == "__main__":
    unittest.main()
