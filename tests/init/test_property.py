"""Random trees of processes under runi-init, and random signals sent to it meanwhile, against a model of both.

What is random comes from a seed, which is printed. To have a run again, or a longer one:

    RUNI_SEED=<seed>     instead of one that the clock gives
    RUNI_ROUNDS=<trees>  for each PID namespace
"""

import collections
import os
import random
import select
import time
import unittest

import raw
from container import Case, eventually, files_of, needs_root, quiet
from test_reaping import KERNEL_REAPS, OTHER_WAYS, sigchld_is_ignored

TREE = os.path.abspath(os.environ.get("TREE", "build/dev/bin/tree"))
NAMESPACES = 8
ROUNDS = int(os.environ.get("RUNI_ROUNDS", "50"))
MOST_SIGNALS = 20000  # for each namespace: they all find room in the queue (RLIMIT_SIGPENDING)

KILL, CHILD, CONTINUE, STOP = 9, 17, 18, 19
SOFT_STOPS = {20, 21, 22}  # each drops a pending SIGCONT, and is dropped by it
# Never SIGCHLD: one that was sent merges with the application's own. 62 to 64 have a meaning in tree.cc.
NUMBERS = set(range(1, 62)) - {KILL, CHILD, CONTINUE, STOP} - SOFT_STOPS
FIRST_REAL_TIME = 32
MARK = 64


class Sender:
    """Sends PID 1 random signals, and knows which."""

    def __init__(self, chance, pid):
        self.chance = chance
        self.pid = pid
        self.sent = collections.defaultdict(list)  # (code, value) by number, in order
        self.total = 0
        stopping = chance.choice([SOFT_STOPS, {CONTINUE}])
        self.numbers = chance.sample(sorted(NUMBERS | stopping), 20)

    def burst(self):
        for _ in range(self.chance.randrange(1, 16)):
            if self.total == MOST_SIGNALS:
                return
            self.total += 1
            number = self.chance.choice(self.numbers)
            if self.chance.random() < 0.3:
                os.kill(self.pid, number)
                self.sent[number].append((raw.SI_USER, 0))
            else:
                value = self.chance.randrange(-1 << 31, 1 << 31)
                raw.queue(self.pid, number, value)
                self.sent[number].append((raw.SI_QUEUE, value))

    def differences(self, got):
        """Of what the application got, by number, from what it must have got."""
        for number in sorted(set(self.sent) | set(got)):
            sent, seen = self.sent[number], got.get(number, [])
            if number >= FIRST_REAL_TIME:
                if seen != sent:
                    yield f"{number}: sent {len(sent)}, got {len(seen)}, or in another order"
            elif not 1 <= len(seen) <= len(sent):
                yield f"{number}: sent {len(sent)}, got {len(seen)}"
            elif not is_subsequence(seen, sent):
                yield f"{number}: got what was not sent, or in another order"


def is_subsequence(some, of_all):
    rest = iter(of_all)
    return all(one in rest for one in some)


@needs_root
class Trees(Case):
    def check(self, setup, options=(), kernel_reaps=False):
        seed = int(os.environ.get("RUNI_SEED", time.time_ns() % 1_000_000_007))
        print(f"RUNI_SEED={seed}", flush=True)
        trees = processes = signals = 0
        for namespace in range(NAMESPACES):
            chance = random.Random(f"{seed} {namespace}")
            counts = self.check_namespace(chance, setup, options, kernel_reaps)
            trees, processes, signals = trees + counts[0], processes + counts[1], signals + counts[2]
        print(f"{trees} trees, {processes} processes, {signals} signals", flush=True)

    def check_namespace(self, chance, setup, options, kernel_reaps):
        ending, number = chance.choice([("exit", chance.randrange(256)), ("kill", chance.choice([1, 6, 9, 11, 15, 33, 60]))])
        command = [TREE, "rounds", "3", str(chance.getrandbits(63)), str(ROUNDS), ending, str(number)]
        container = self.run_in(*command, setup=setup, options=options, out=True)
        self.assertEqual(container.out.next(), "ready")
        eventually(lambda: os.readlink(f"/proc/{container.pid}/cwd") == "/", "the init at work")
        eventually(lambda: quiet(container.pid), "the init at rest")
        self.assertEqual(sigchld_is_ignored(container.pid), kernel_reaps)
        files = files_of(container.pid)

        sender = Sender(chance, container.pid)
        while not container.out.rest and not select.select([container.out.fd], [], [], chance.uniform(0, 0.003))[0]:
            sender.burst()
        done, *counts = container.out.next().split()
        self.assertEqual(done, "done", counts)
        self.assertEqual(files_of(container.pid), files)
        os.kill(container.pid, MARK)

        got = collections.defaultdict(list)
        while (line := container.out.next()) != "end":
            self.assertNotIn("wrong", line)
            which, code, value = map(int, line.split())
            got[which].append((code, value))
        self.assertEqual(list(sender.differences(got)), [])
        self.assertEqual(container.wait(), number if ending == "exit" else 128 + number)
        return int(counts[0]), int(counts[1]), sender.total

    @unittest.skipUnless(KERNEL_REAPS, "needs Linux 6.15")
    def test_reaped_by_the_kernel(self):
        self.check(None, kernel_reaps=True)

    def test_reaped_by_the_init(self):
        self.check(OTHER_WAYS["no PIDFD_GET_INFO"])

    def test_counted_by_the_init(self):
        self.check(None, options=["-w"])


if __name__ == "__main__":
    unittest.main()
