"""The application's process number: the same at every start, whatever the container runtime has used up before."""

import os
import time
import unittest

from container import Case, needs_root


def use_up(count):
    def setup():
        for _ in range(count):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
    return setup


@needs_root
class Number(Case):
    def number(self, **how):
        container = self.run_in("/bin/sh", "-c", "echo $$", **how)
        self.assertEqual(container.wait(), 0)
        return int(container.output())

    def test_after_a_runtime_without_threads(self):
        self.assertEqual(self.number(), 2)

    def test_after_one_with_some(self):
        self.assertEqual({used: self.number(setup=use_up(used)) for used in range(1, 11)}, {used: 12 for used in range(1, 11)})

    def test_after_one_with_many(self):
        self.assertEqual(self.number(setup=use_up(11)), 24)

    def test_as_another_process_than_the_first_it_is_left_to_chance(self):
        self.assertEqual(self.number(init=["/bin/sh", "-c", '"$@"; exit', "sh", os.environ["RUNI_INIT"], "--"]), 3)

    def test_after_an_entry_point_with_children_of_its_own(self):
        """Some have ended, some end while the application is started."""
        def setup():
            for delay in (0, 0, 0.0002, 0.0005, 0.001):
                if os.fork() == 0:
                    time.sleep(delay)
                    os._exit(0)
        for cpus in ({0}, os.sched_getaffinity(0)):
            for _ in range(10):
                def on_these(cpus=cpus):
                    os.sched_setaffinity(0, cpus)
                    setup()
                container = self.run_in("/bin/sh", "-c", "echo $$", setup=on_these)
                self.assertEqual((container.wait(), container.output()), (0, "12\n"))

    def test_where_the_limit_leaves_room_for_the_application_alone(self):
        join = self.cgroup("pids", max=2)
        for _ in range(20):
            def setup():
                use_up(4)()
                join()
            self.assertEqual(self.number(setup=setup), 12)


if __name__ == "__main__":
    unittest.main()
