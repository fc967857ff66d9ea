"""Test beds: the real runtimes and engines, each private to one test. One module per thing.

A bed takes the running test case, starts only what it needs below the case's scratch folder, and stops it
through the case's cleanups. What the machine lacks raises unittest.SkipTest("needs X: ...").
"""
