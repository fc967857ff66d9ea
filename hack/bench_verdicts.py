"""Whether what was measured keeps its budget."""

import math
import statistics

from bench_shim import median_interval

ENOUGH = 6  # pairs; of fewer not even the whole range holds the true median 19 times of 20


class Verdicts:
    """Rows of what, measured, budget, verdict, about one of those that were measured (`own`). Results are samples by
    name, by what was measured."""

    def __init__(self, results, own):
        self.results, self.own = results, own
        self.rows = []

    def exact(self, what, key, budget, unit):
        """What is the same on every run is MISSED where it is over."""
        value = max(self.results[key][self.own])
        self._add(what, f"{value:,} {unit}", f"{budget:,} {unit}", "pass" if value <= budget else "MISSED")

    def noisy(self, what, measured, budget, interval):
        """What varies. The interval is that of the excess over the budget."""
        low, high = interval
        self._add(what, measured, budget, "pass" if high <= 0 else "over" if low > 0 else "unclear")

    def against(self, what, key, share, others, label, own=None):
        """Beside the best of the others, by pairs. Which is the best, every other sample tells, and the rest how it
        compares: to be chosen for one's luck must not help."""
        if not others:
            return
        samples, own = self.results[key], own or self.own
        best = min(others, key=lambda name: statistics.median(samples[name][::2]))
        excess = [mine - share * other for mine, other in zip(samples[own][1::2], samples[best][1::2])]
        self.noisy(what, f"{statistics.median(samples[own]):.1f} us",
                   f"{share * statistics.median(samples[best]):.1f} us: {label.format(best)}",
                   median_interval(excess) if len(excess) >= ENOUGH else (-math.inf, math.inf))

    def _add(self, what, measured, budget, verdict):
        self.rows.append({"what": what, "measured": measured, "budget": budget, "verdict": verdict})


def share_interval(count, total):
    """Where the true share lies 19 times of 20 (Wilson's interval)."""
    share, z = count / total, 1.96
    middle = share + z * z / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle - reach) / (1 + z * z / total), (middle + reach) / (1 + z * z / total)
