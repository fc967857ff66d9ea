#!/usr/bin/python3
"""Lists a file's tests, or runs one of them.

    run.py FILE --list     prints the ids, one a line
    run.py FILE TEST_ID    exits 0 passed, 1 failed, 77 skipped after a line "SKIPPED <id>: <reason>"

As root a test runs in a world of its own (bed/world.py): whatever it leaves behind ends with it.
Under ctest the programs to test are named by RUNI, RUNI_INIT and PROBE.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bed import world  # noqa: E402: found only after the line above

# Outside its world a test only becomes another process, and loads nothing for itself.
if world.entered() or "--list" in sys.argv:
    import importlib.util
    import time
    import unittest

SKIPPED = 77


def load(path):
    name = os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def tests_of(suite):
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from tests_of(entry)
        else:
            yield entry


def id_of(test):
    return f"{type(test).__name__}.{test._testMethodName}"


def run(test, test_id):
    result = unittest.TestResult()
    started = time.monotonic()
    unittest.TestSuite([test]).run(result)  # a suite, for setUpClass and its cleanups
    for _, trace in result.errors + result.failures:
        print(trace, file=sys.stderr)
    if not result.wasSuccessful():
        return 1
    if result.skipped:
        print(f"SKIPPED {test_id}: {result.skipped[0][1]}")
        return SKIPPED
    print(f"passed {test_id} in {time.monotonic() - started:.1f} s")
    return 0


def main(args):
    if len(args) != 2:
        sys.exit(__doc__)
    path, wanted = args
    if wanted != "--list" and world.ENTERED not in os.environ:
        os.closerange(3, 256)  # ctest leaves its own open, and they change under a test that looks at its own
    if wanted != "--list" and not world.entered():
        try:
            world.enter([sys.executable, *sys.orig_argv[1:]])
        except world.Unavailable as reason:
            print(f"SKIPPED {wanted}: needs a world of its own: {reason}")
            return SKIPPED
    tests = {id_of(test): test for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(load(path)))}
    if wanted == "--list":
        print("\n".join(sorted(tests)))
        return 0
    if wanted not in tests:
        sys.exit(f"{path}: no test {wanted}; --list names them")
    return world.attend(lambda: run(tests[wanted], wanted))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
