"""What an init costs a container: runi-init beside Debian's inits and beside the least that is still an init.

All are measured in one go and in turns, each as PID 1 of a PID namespace of its own, in front of the smallest
application there can be. "floor" is hack/floor.cc: the least time and the smallest file, but not the least memory, for
it gives none back. "-n" is runi-init without its sandbox; "before 6.15" is runi-init as it is on kernels that do not
reap for it (option -w; for orphans, without signalfd, because -w would report each).
"""

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import bench_init_plot
from bench_shim import BUILD, HERE, ROOT, Missing, build, machine, median_interval, percent, skip
from bench_verdicts import Verdicts, share_interval

SIZE_BYTES, RESIDENT_KIB, DIRTY_KIB, WAKEUPS = 10240, 12, 8, 0
MEMCG_OVER_FLOOR_KIB = 9
TIME_OF_FLOOR, TIME_OF_PEERS = 1.25, 0.6
LOST_SHARE = 0.02
STOP_MS = 100

CONTAINERS = 100
ORPHANS, TRACED_ORPHANS = 20_000, 1_000
DELAYS_US = (0, 100, 200, 500, 1000, 2000)
IDLE_S = 5
PEERS = {"tini": "tini", "tini-static": "tini", "dumb-init": "dumb-init", "catatonit": "catatonit"}  # Debian's packages
NONE, FLOOR, RUNI, BARE = "none", "floor", "runi-init", "runi-init -n"
REAPING = "runi-init before 6.15"

FREESTANDING = ("-Os", "-ffreestanding", "-fno-pic", "-fno-pie", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector",
                "-fno-asynchronous-unwind-tables", "-fno-ident", "-nostdlib", "-static", "-s", "-Wl,-z,norelro",
                "-Wl,--build-id=none", f"-Wl,-T,{ROOT}/init/image.lds", f"{ROOT}/init/entry.cc")


def add_to(benches):
    parser = benches.add_parser("init", help="what runi-init costs, and what other inits do", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="how often each is measured (10)")
    parser.add_argument("--json", metavar="FILE", help="write what was measured there too")
    parser.add_argument("--svg", metavar="FILE", help="draw the main rows there")
    parser.set_defaults(run=run)


def run(options):
    if options.rounds < 2:
        sys.exit("hack/bench: --rounds: at least 2")
    if os.geteuid() != 0:
        return skip(Missing("root, for PID namespaces"))
    build("runi-init")
    with tempfile.TemporaryDirectory(prefix="runi-bench-") as scratch:
        bench = Bench(scratch, options.rounds)
        results = bench.measure()
    verdicts = judge(results)
    print_report(bench, results, verdicts)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "missing": bench.missing, "results": results, "verdicts": verdicts}, file,
                      indent=1)
    if options.svg:
        bench_init_plot.write(options.svg, *bars(results))
    return 1 if any(row["verdict"] == "MISSED" for row in verdicts) else 0


class Bench:
    """The inits and the ways to measure them. Results are samples by init, by what was measured."""

    def __init__(self, scratch, rounds):
        self.scratch, self.rounds = scratch, rounds
        self.tool = self._compile("bench_init", "-O2", "-static")
        self.app = self._compile("bench_init_app", *FREESTANDING)
        runi = os.path.join(BUILD, "bin/runi-init")
        self.files = {FLOOR: self._compile("floor", *FREESTANDING), RUNI: runi, BARE: runi, REAPING: runi}
        self.inits = {FLOOR: [self.files[FLOOR]], RUNI: [runi, "--"], BARE: [runi, "-n", "--"],
                      REAPING: [runi, "-w", "--"]}
        self.missing = []
        for name, package in PEERS.items():
            path = shutil.which(name)
            if path:
                self.files[name] = path
                self.inits[name] = [path, "--"]
            else:
                self.missing.append(f"{name} (Debian's package {package})")
        for name in self.missing:
            print(f"hack/bench: MISSING, and not compared: {name}", file=sys.stderr)

    def measure(self):
        results = {"file size, bytes": {name: [os.path.getsize(path)] for name, path in self.files.items()}}
        for part in (self.lives, self.idle, self.charged, self.signals, self.lost, self.orphans, self.calls,
                     self.stops):
            began = time.monotonic()
            results.update(part())
            print(f"hack/bench: {part.__name__}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        return results

    def lives(self):
        """Microseconds that `init -- true` takes beyond `true`, by pairs of neighbours."""
        names = [NONE, *self.inits]
        commands = self._join([self._in_front(name, self.app) for name in names])
        samples = {name: [] for name in names}
        for _ in range(self.rounds):
            for line in self._lines("lives", "100", *commands):
                for name, ns in zip(names, line):
                    samples[name].append((ns - line[0]) / 1e3 if name != NONE else ns / 1e3)
        return {"alone, us": {NONE: samples.pop(NONE)}, "start and exit, us": samples}

    def idle(self):
        """Memory of PID 1 once the application runs, and how often PID 1 ran in some seconds."""
        memory = {what: {name: [] for name in self.inits} for what in ("Rss", "Private_Dirty", "VmPTE")}
        wakeups = {name: [] for name in self.inits}
        for last in (False, False, True):
            holders = {name: Holder(self, 1, "-", name) for name in self.inits}
            time.sleep(0.3)
            for name, holder in holders.items():
                for what, file in (("Rss", "smaps_rollup"), ("Private_Dirty", "smaps_rollup"), ("VmPTE", "status")):
                    memory[what][name].append(holder.read(file, what))
            if last:
                before = {name: holder.switches() for name, holder in holders.items()}
                time.sleep(IDLE_S)
                for name, holder in holders.items():
                    wakeups[name].append(holder.switches() - before[name])
            for holder in holders.values():
                holder.end()
        return {"resident, KiB": memory["Rss"], "private dirty, KiB": memory["Private_Dirty"],
                "page tables, KiB": memory["VmPTE"], "wake-ups": wakeups}

    def charged(self):
        """KiB that the memory controller charges for a container beyond one without an init."""
        group = MemoryGroup.find()
        if group is None:
            print("hack/bench: SKIPPED: memory per container: needs the memory controller", file=sys.stderr)
            return {}
        total, kernel = ({name: [] for name in self.inits} for _ in range(2))
        for _ in range(3):
            none = self._charge(group, NONE)
            for name in self.inits:
                with_init = self._charge(group, name)
                for samples, after, before in zip((total, kernel), with_init, none):
                    samples[name].append((after - before) / CONTAINERS / 1024)
        return {"charged, KiB": total, "charged, kernel, KiB": kernel}

    def _charge(self, group, name):
        Holder(self, 1, "-", name).end()  # its file is in the page cache, on nobody's account
        path = group.make()
        try:
            holder = Holder(self, CONTAINERS, os.path.join(path, "cgroup.procs"), name)
            time.sleep(0.1)
            usage = group.usage(path)
            holder.end()
        finally:
            group.remove(path)
        return usage

    def signals(self):
        """Microseconds until the application has a signal that was sent to PID 1: of each block the median and p99."""
        names = [NONE, *self.inits]
        stamps = os.path.join(self.scratch, "stamps")
        halves, tails = ({name: [] for name in names} for _ in range(2))
        for number in range(2 * self.rounds):
            for name in reversed(names) if number // 2 % 2 else names:
                us = [line[0] / 1e3 for line in self._lines("signals", stamps, "250",
                                                            *self._in_front(name, self.tool, "stamp", stamps))]
                halves[name].append(statistics.median(us))
                tails[name].append(percent(us, 99))
        return {"signal, p50, us": halves, "signal, p99, us": tails}

    def lost(self):
        """SIGTERMs that did nothing, and how many were sent: at once, and at all delays together."""
        at_once, in_all = ({name: [0, 0] for name in self.inits} for _ in range(2))
        for _ in range(self.rounds):
            for delay in DELAYS_US:
                for name in self.inits:
                    tries = 2 if name in PEERS else 10  # one that is lost takes its time
                    lost = self._lines("lost", str(delay), str(tries), *self._in_front(name, self.app, "stay"))[0][0]
                    for counts in (in_all, at_once)[:1 if delay else 2]:
                        counts[name][0] += lost
                        counts[name][1] += tries
        return {"lost at once": at_once, "lost": in_all}

    def orphans(self):
        """Milliseconds until so many dead orphans are gone; microseconds of PID 1's CPU time for each."""
        drain, cpu = ({name: [] for name in self.inits} for _ in range(2))
        for _ in range(math.ceil(self.rounds / 2) + 1):
            for name in self.inits:
                drained_ns, cpu_ns = self._lines("orphans", *self._breeder(name, ORPHANS))[0]
                drain[name].append(drained_ns / 1e6)
                cpu[name].append(cpu_ns / 1e3 / ORPHANS)
        return {"drain, ms": drain, "CPU per orphan, us": cpu}

    def calls(self):
        """PID 1's system calls for each orphan."""
        calls = {}
        for name in self.inits:
            some, none = (self._lines("calls", *self._breeder(name, count))[0][0] for count in (TRACED_ORPHANS, 0))
            calls[name] = [(some - none) / TRACED_ORPHANS]
        return {"calls per orphan": calls}

    def stops(self):
        """Milliseconds from SIGTERM, to an application that has no handler, until PID 1 is gone."""
        commands = self._join([self._in_front(name, self.app, "stay") for name in self.inits])
        lines = self._lines("stops", str(3 * self.rounds), *commands)
        return {"stop, ms": {name: [ns / 1e6 for ns in column] for name, column in zip(self.inits, zip(*lines))}}

    def _in_front(self, name, *command):
        return [*self.inits.get(name, []), *command]

    def _breeder(self, name, count):
        init = [self.tool, "without-signalfd", *self.inits[RUNI]] if name == REAPING else self.inits[name]
        return [*init, self.tool, "breed", str(count)]

    @staticmethod
    def _join(commands):
        return [word for command in commands for word in (",", *command)][1:]

    def _lines(self, *words):
        """The numbers that the tool prints, by lines."""
        done = subprocess.run([self.tool, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)
        if done.returncode != 0:
            sys.exit(f"hack/bench: {' '.join(words)}: exit status {done.returncode}: {done.stderr}")
        return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]

    @staticmethod
    def _compile(name, *flags):
        path = os.path.join(BUILD, "bin", name)
        subprocess.run(["c++", "-std=c++20", *flags, os.path.join(HERE, f"{name}.cc"), "-o", path], check=True)
        return path


class Holder:
    """Containers that are kept until end()."""

    def __init__(self, bench, count, group, name):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [bench.tool, "hold", str(count), group, *bench._in_front(name, bench.app, "stay")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pids = self.process.stdout.readline().split()
        if len(self.pids) != count:
            sys.exit(f"hack/bench: {name}: did not start {count} containers")

    def read(self, file, key):
        with open(f"/proc/{self.pids[0]}/{file}", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))

    def switches(self):
        return self.read("status", "voluntary_ctxt_switches")

    def end(self):
        self.process.communicate()


class MemoryGroup:
    """Where the memory controller is, of either version."""

    def __init__(self, root, files):
        self.root, self.files = root, files

    @classmethod
    def find(cls):
        with open("/proc/mounts", encoding="utf-8") as mounts:
            for _, path, kind, options, *_ in map(str.split, mounts):
                if kind == "cgroup" and "memory" in options.split(","):
                    return cls(path, ("memory.usage_in_bytes", "memory.kmem.usage_in_bytes"))
                control = os.path.join(path, "cgroup.subtree_control")
                if kind == "cgroup2" and os.path.exists(control):
                    with open(control, encoding="utf-8") as file:
                        if "memory" in file.read().split():
                            return cls(path, ("memory.current", "memory.stat"))
        return None

    def make(self):
        path = os.path.join(self.root, f"runi-bench-{os.getpid()}")
        os.mkdir(path)
        return path

    def usage(self, path):
        """All bytes, and the kernel's."""
        contents = []
        for name in self.files:
            with open(os.path.join(path, name), encoding="utf-8") as file:
                contents.append(file.read().split())
        kernel = contents[1]
        return int(contents[0][0]), int(kernel[kernel.index("kernel") + 1] if "kernel" in kernel else kernel[0])

    @staticmethod
    def remove(path):
        for attempt in range(100):
            try:
                return os.rmdir(path)
            except OSError:  # its processes are not quite gone
                if attempt == 99:
                    raise
                time.sleep(0.02)
        return None


# --- verdicts


def judge(results):
    """Rows of what, measured, budget, verdict."""
    verdicts = Verdicts(results, RUNI)
    verdicts.exact("file size", "file size, bytes", SIZE_BYTES, "bytes")
    verdicts.exact("resident memory, idle", "resident, KiB", RESIDENT_KIB, "KiB")
    verdicts.exact("private dirty memory, idle", "private dirty, KiB", DIRTY_KIB, "KiB")
    verdicts.exact(f"wake-ups in {IDLE_S} s, idle", "wake-ups", WAKEUPS, "")
    if "charged, KiB" in results:
        judge_charged(verdicts, results["charged, KiB"])
    judge_times(verdicts, [name for name in PEERS if name in results["stop, ms"]])
    return verdicts.rows


def judge_charged(verdicts, charged):
    sandbox = statistics.median(charged[RUNI]) - statistics.median(charged[BARE])
    floor = statistics.median(charged[FLOOR])
    excess = [mine - MEMCG_OVER_FLOOR_KIB - other for mine, other in zip(charged[BARE], charged[FLOOR])]
    verdicts.noisy("memory charged for a container, without the sandbox",
                   f"{statistics.median(charged[BARE]):.0f} KiB (the sandbox: {sandbox:+.0f})",
                   f"{floor + MEMCG_OVER_FLOOR_KIB:.0f} KiB: the floor's and {MEMCG_OVER_FLOOR_KIB}",
                   (min(excess), max(excess)))


def judge_times(verdicts, peers):
    results = verdicts.results
    verdicts.against("start and exit, without the sandbox", "start and exit, us", TIME_OF_FLOOR, [FLOOR],
                     f"{TIME_OF_FLOOR} of the {{}}'s", BARE)
    verdicts.against("start and exit", "start and exit, us", TIME_OF_PEERS, peers, f"{TIME_OF_PEERS} of {{}}'s")
    verdicts.against("signal latency, p50", "signal, p50, us", 1, peers, "{}'s")
    verdicts.against("signal latency, p99", "signal, p99, us", 1, peers, "{}'s")
    lost, sent = results["lost"][RUNI]
    verdicts.noisy("SIGTERMs lost early", f"{lost} of {sent}", f"{LOST_SHARE:.0%}",
                   [bound - LOST_SHARE for bound in share_interval(lost, sent)])
    calls, cpu = results["calls per orphan"][RUNI][0], results["CPU per orphan, us"]
    if calls == 0:
        verdicts.noisy("CPU time for an orphan, the kernel reaping",
                       f"{statistics.median(cpu[RUNI]):.3f} us, 0 system calls", "0", (min(cpu[RUNI]), max(cpu[RUNI])))
    verdicts.against("CPU time for an orphan, reaping itself", "CPU per orphan, us", 1, peers, "{}'s", REAPING)
    stops = results["stop, ms"][RUNI]
    verdicts.noisy("stopping an application without a handler", f"{statistics.median(stops):.2f} ms", f"{STOP_MS} ms",
                   [bound - STOP_MS for bound in median_interval(stops)])


# --- report

# The words, the key, and how many digits after the point; None for a share.
ROWS = (("file size, bytes", "file size, bytes", 0),
        ("resident memory, KiB", "resident, KiB", 0),
        ("private dirty memory, KiB", "private dirty, KiB", 0),
        ("page tables, KiB", "page tables, KiB", 0),
        ("memory charged for a container, KiB", "charged, KiB", 0),
        ("of that the kernel's, KiB", "charged, kernel, KiB", 0),
        ("start and exit, added to `true`, us", "start and exit, us", 0),
        ("signal until the application has it, p50, us", "signal, p50, us", 1),
        ("the same, p99, us", "signal, p99, us", 0),
        ("SIGTERM lost, sent at once after exec", "lost at once", None),
        (f"the same, {DELAYS_US[0]} to {DELAYS_US[-1]:,} us after", "lost", None),
        (f"{ORPHANS:,} dead orphans gone, ms", "drain, ms", 0),
        ("CPU time of PID 1 for an orphan, us", "CPU per orphan, us", 2),
        ("system calls of PID 1 for an orphan", "calls per orphan", 2),
        (f"wake-ups in {IDLE_S} s, idle", "wake-ups", 0),
        ("SIGTERM, no handler, until PID 1 is gone, ms", "stop, ms", 2))


def print_report(bench, results, verdicts):
    names = list(bench.inits)
    print(f"{machine()}{versions()}; medians, and in brackets where 8 of 10 lie\n")
    print(f"| | {' | '.join(names)} |\n|---|{'--:|' * len(names)}")
    for what, key, digits in ROWS:
        if key in results:
            print(f"| {what} | {' | '.join(cell(results[key].get(name), digits) for name in names)} |")
    alone = statistics.median(results["alone, us"][NONE])
    halves, tails = (statistics.median(results[f"signal, {key}, us"][NONE]) for key in ("p50", "p99"))
    print(f"\nWithout an init `true` takes {alone:.0f} us, and a signal {halves:.1f} us (p99 {tails:.0f}).")
    for name in bench.missing:
        print(f"**Missing: {name}.**")
    print("\n| budget of runi-init | measured | budget | |\n|---|--:|--:|---|")
    for row in verdicts:
        print(f"| {row['what']} | {row['measured'].strip()} | {row['budget'].strip()} | {row['verdict']} |")
    print("\nWhat varies is over its budget where the whole interval is, and unclear where only a part is.")


def versions():
    """Of the packages that are compared, where dpkg knows."""
    if not shutil.which("dpkg-query"):
        return ""
    packages = sorted(set(PEERS.values()))
    done = subprocess.run(["dpkg-query", "--show", "--showformat", "${Package} ${Version}, ", *packages],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return f"; {done.stdout.rstrip(', ')}" if done.stdout else ""


def cell(samples, digits):
    if samples is None:
        return ""
    if digits is None:
        return f"{samples[0] / samples[1]:.1%}"
    texts = [f"{value:,.{digits}f}" for value in (statistics.median(samples), min(samples), max(samples))]
    if len(set(texts)) == 1:
        return texts[0]
    low, high = (percent(samples, share) for share in (10, 90))
    return f"{texts[0]} ({low:,.{digits}f}–{high:,.{digits}f})"


def bars(results):
    """What to draw: the title, and panels of heading, unit, and values by name."""
    panels = []
    for heading, key, unit in (("Resident memory", "resident, KiB", "KiB"),
                               ("Memory charged for a container, user and kernel", "charged, KiB", "KiB"),
                               ("Start and exit, added to the application's", "start and exit, us", "us"),
                               ("File size", "file size, bytes", "bytes")):
        if key in results:
            left_out = (REAPING, BARE) if key == "file size, bytes" else (REAPING,)
            values = {name: statistics.median(samples) for name, samples in results[key].items()
                      if name not in left_out}
            panels.append((heading, unit, values))
    return "What an init costs a container", RUNI, panels
