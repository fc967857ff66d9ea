"""The comparison that most system tests are made of: the same container with and without runi."""

import json
import re

from bed.case import PLAIN, RUNI
from bed.engine import Finished


class Same:
    """Runs the same with and without runi and compares all there is to see."""

    def both(self, args, **options):
        return {which: self.engine.run(which, args, **options) for which in (PLAIN, RUNI)}

    def assert_same(self, args, **options):
        """Equal status, stdout (but for the init's own name in a listing) and stderr (but for a runtime's time).

        Returns the plain run's.
        """
        done = {which: Finished(run.status, run.stdout.replace(b".runi-init\n", b""),
                                re.sub(rb'(?m)^time="[^"]*"', b"", run.stderr))
                for which, run in self.both(args, **options).items()}
        self.assertEqual(done[RUNI], done[PLAIN])
        return done[PLAIN]

    def assert_init(self, expected, **options):
        """Whether PID 1 is an init when run through runi."""
        done = self.engine.run(RUNI, ["probe", "facts"], **options)
        self.assertEqual(done.status, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["pid"] != 1, expected)


class OfABundle(Same):
    """For runtimes that are given a bundle, in which the edit can be seen afterwards."""

    def assert_place(self, place):
        """Where the container that was last run through runi has its init. None: it has none."""
        with open(self.path("bundle/config.json"), encoding="utf-8") as file:
            spec = json.load(file)
        injected = "runi.dev/injected" in spec.get("annotations", {})
        self.assertEqual(spec["process"]["args"][0] if injected else None, place)
