"""Who may look into process 1, trace it, or take it over: as without an init."""

import os
import signal
import unittest

import raw
from container import Case, eventually, needs_root, quiet, status_of
from test_sandbox import WHO, usual


def without_kill():
    usual()
    raw.drop_bounding(raw.CAP_KILL)


EVERYBODY = {**WHO, "root without CAP_KILL": without_kill}

INTRUDER = os.environ.get("INTRUDER", "")


@needs_root
class Privacy(Case):
    def look(self, who, kind, setup, init=True):
        container = self.recorder("look", who, kind, init=init, setup=setup)
        if init:
            eventually(lambda: status_of(container.pid)["Seccomp"] == "2" and quiet(container.pid), "the init at rest")
        container.signal(signal.SIGUSR1)
        return container.out.next()

    def test_is_as_without_an_init(self):
        answers = set()
        for name, setup in EVERYBODY.items():
            for who in ("same", "without capabilities", "another"):
                if name in ("a user", "root with none") and who == "another":
                    continue  # it could not become one
                with self.subTest(name, who=who):
                    plain = self.look(who, "dumpable", setup, init=None)
                    self.assertEqual(self.look(who, "dumpable", setup), plain)
                    answers.add(plain)
        self.assertGreater(len(answers), 2)  # some may, and some may not

    def test_that_the_application_is_not_dumpable_does_not_concern_it(self):
        """The one difference: the kernel asks process 1, which is not the application."""
        setup = WHO["a user"]
        self.assertEqual(self.look("same", "dumpable", setup), self.look("same", "undumpable", setup))
        self.assertNotEqual(self.look("same", "undumpable", setup), self.look("same", "undumpable", setup, init=None))


@needs_root
@unittest.skipUnless(os.path.exists(INTRUDER), "no intruder was built")
class Takeover(Case):
    TRIES = 25

    def answers(self, *options, setup):
        found = []
        for _ in range(self.TRIES):
            container = self.run_in(INTRUDER, options=options, setup=setup)
            self.assertEqual(container.wait(), 0)
            found.append(container.output().strip())
        return set(found)

    def test_is_not_possible_while_it_starts(self):
        for name in ("root with the usual ones", "root with none", "a user"):
            with self.subTest(name):
                answers = self.answers(setup=WHO[name])
                self.assertNotIn("taken", answers)
                self.assertIn("late", answers)  # so that it did try

    def test_is_never_possible_without_the_sandbox(self):
        for name in ("root with the usual ones", "root with none", "a user"):
            with self.subTest(name):
                self.assertEqual(self.answers("-n", setup=WHO[name]), {"refused"})


if __name__ == "__main__":
    unittest.main()
