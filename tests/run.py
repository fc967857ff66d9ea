#!/usr/bin/python3
"""Lists a file's tests, or runs one of them.

    run.py FILE --list     prints the ids, one a line
    run.py FILE TEST_ID    exits 0 passed, 1 failed, 77 skipped after a line "SKIPPED <id>: <reason>"
"""

import importlib.util
import os
import sys
import unittest

sys.dont_write_bytecode = True

SKIPPED = 77


def load(path):
    name = os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
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


def main(args):
    if len(args) != 2:
        sys.exit(__doc__)
    path, wanted = args
    tests = {id_of(test): test for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(load(path)))}
    if wanted == "--list":
        print("\n".join(sorted(tests)))
        return 0
    if wanted not in tests:
        sys.exit(f"{path}: no test {wanted}; --list names them")
    result = unittest.TestResult()
    unittest.TestSuite([tests[wanted]]).run(result)
    for _, trace in result.errors + result.failures:
        print(trace, file=sys.stderr)
    if not result.wasSuccessful():
        return 1
    if result.skipped:
        print(f"SKIPPED {wanted}: {result.skipped[0][1]}")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
