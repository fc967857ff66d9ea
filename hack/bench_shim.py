"""What runi adds to every call of an OCI runtime: wall time beside the runtime alone, and instructions.

Wall time: the same calls with and without runi in front, in turns within one run; what runi adds is the median of the
differences of neighbours. Instructions: valgrind counts those of runi from its start until it becomes the runtime, which is
a file that the kernel refuses to execute: valgrind reports nothing of a program that becomes another. The environment is
a service's, not yours: glibc reads all of it at its start.
"""

import json
import math
import os
import platform
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

import bench_config

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build/bench")
BUSYBOX = "/bin/busybox"
SKIPPED = 77

sys.path.insert(0, os.path.join(ROOT, "tests"))
from bed import world  # noqa: E402: found only after the line above

SPEC_BYTES = 25_000
CREATE_SHARE, CREATE_INSTRUCTIONS = 0.02, 1_200_000
OTHER_MS, OTHER_INSTRUCTIONS = 0.5, 65_000
PROGRAM_BYTES = 1_900_000
# As the preset has it for a release, but with the names of functions, and so another type of build.
RELEASE = ("-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -DNDEBUG")
BECOME = "runi::become*"
VERBS = ("--version", "create", "state", "start", "delete")
PAIR = ("plain", "runi")

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
               "XDG_RUNTIME_DIR": "/run/user/0", "INVOCATION_ID": "0" * 32, "JOURNAL_STREAM": "8:12345"}

# The shortest life a program can have: what is left of a call's time is runi's own.
NOTHING = """
extern "C" [[noreturn]] void _start() {
#if defined(__x86_64__)
  asm volatile("syscall" : : "a"(231), "D"(0));
#else
  register long number asm("x8") = 94;
  register long status asm("x0") = 0;
  asm volatile("svc 0" : : "r"(number), "r"(status));
#endif
  __builtin_unreachable();
}
"""
# What of runi's own time is the start of any static program of this machine's C library.
BARE = """
#include <unistd.h>
int main(int, char** argv) { execv(RUNTIME, argv); }
"""


class Missing(Exception):
    """The machine lacks something; the text says what."""


def add_to(benches):
    parser = benches.add_parser("shim", help="what runi adds to every call of a runtime", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, metavar="N", help="pairs of calls per row (60)")
    parser.add_argument("--runtime", action="append", metavar="PATH", help="measure in front of this; may be repeated "
                        "(runc and crun, those that are installed)")
    parser.add_argument("--build", metavar="DIR", help="measure the programs of this build, with functions' names "
                        "(a release that is built for it)")
    parser.add_argument("--only-instructions", action="store_true", help="no wall times; needs no root and no runtime")
    parser.add_argument("--json", metavar="FILE", help="write every sample there too")
    parser.set_defaults(run=run)


def run(options):
    if options.rounds < 2:
        sys.exit("hack/bench: --rounds: at least 2")
    try:
        if not shutil.which("valgrind"):
            raise Missing("valgrind")
        built = os.path.abspath(options.build) if options.build else None
        if options.only_instructions:
            return report(options, built or build())
        if os.geteuid() != 0:
            raise Missing("root, for wall times; --only-instructions goes without")
        if not world.entered():
            if not built:
                build()
            world.enter([sys.executable, *sys.orig_argv[1:]])
    except (Missing, world.Unavailable) as reason:
        return skip(reason)
    return world.attend(lambda: in_world(options, built or BUILD))


def in_world(options, built):
    """attend() passes on a status and nothing else."""
    try:
        return report(options, built)
    except Missing as reason:
        return skip(reason)
    except SystemExit as reason:
        print(reason, file=sys.stderr)
    except Exception:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
    return 1


def skip(reason):
    print(f"hack/bench: SKIPPED: needs {reason}", file=sys.stderr)
    return SKIPPED


def configuration_of(built):
    """Where its runi reads configurations."""
    return os.path.join(built, "etc/runi")


def build(*targets):
    """A release, but with a configuration folder of its own: the machine's /etc/runi stays out of it."""
    for argv in (["cmake", "--preset", "release", "-B", BUILD, f"-DRUNI_CONFIG_DIR={configuration_of(BUILD)}", *RELEASE],
                 ["cmake", "--build", BUILD, "--target", *(targets or ("runi", "runi-init"))]):
        done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\nhack/bench: {' '.join(argv)}: exit status {done.returncode}")
    return BUILD


def report(options, built):
    with tempfile.TemporaryDirectory(prefix="runi-bench-") as scratch:
        os.chmod(scratch, 0o755)
        bench = Bench(scratch, built)
        counted = [*bench.instructions(), bench.program()]
        timed, alone = ([], []) if options.only_instructions else (bench.wall_times(options), bench.own_times(options))
    print_report(bench, counted, timed, alone)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "config_bytes": len(bench.spec), "counted": counted,
                       "calls": timed, "alone": alone}, file, indent=1)
    return 0 if all(row["counted"] <= row["budget"] for row in counted) else 1


class Bench:
    """The things that are measured, below a scratch folder."""

    def __init__(self, scratch, built):
        self.scratch = scratch
        self.built = built
        self.bundle = self._make_bundle(os.path.join(scratch, "bench"))
        for name in PAIR:
            self._make_bundle(os.path.join(scratch, name))
        self.spec = bench_config.make(SPEC_BYTES, self._source, "/kubepods/burstable/bench")

    # --- instructions

    def instructions(self):
        """Rows of what, counted, budget."""
        refused = os.path.join(self.scratch, "refused")
        with open(refused, "wb") as file:
            file.write(b"\0")
        os.chmod(refused, 0o755)
        runi = self.install("refused", refused)
        self.write_spec(self.bundle)
        # In this order: the first call injects, so the second finds its work done.
        calls = ((f"create, {len(self.spec)} bytes", "create", CREATE_INSTRUCTIONS),
                 ("create, already injected", "create", CREATE_INSTRUCTIONS),
                 ("state", "state", OTHER_INSTRUCTIONS),
                 ("--version", "--version", OTHER_INSTRUCTIONS))
        rows = []
        for what, verb, budget in calls:
            rows.append({"what": what, "counted": self.count(self.words(runi, verb, "bench")), "budget": budget})
            with open(os.path.join(self.bundle, "config.json"), "rb") as file:
                if b"runi.dev/injected" not in file.read():
                    sys.exit("hack/bench: create did not inject: its count would mean nothing")
        return rows

    def count(self, argv):
        profile = os.path.join(self.scratch, "callgrind")
        until_exec = f"{profile}.1"  # the first part: what it counted before the function
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", f"--dump-before={BECOME}", *argv],
            cwd=self.scratch, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if "Exec format error" not in done.stderr or not os.path.exists(until_exec):
            sys.exit(f"hack/bench: {' '.join(argv)} under valgrind: {done.stderr}")
        with open(until_exec, encoding="utf-8") as file:
            counted = int(re.search(r"^totals: (\d+)$", file.read(), re.MULTILINE)[1])
        os.remove(until_exec)
        return counted

    def program(self):
        """The row of the program's size."""
        stripped = os.path.join(self.scratch, "runi-stripped")
        subprocess.run(["strip", "-o", stripped, os.path.join(self.built, "bin/runi")], check=True)
        return {"what": "the program, bytes", "counted": os.path.getsize(stripped), "budget": PROGRAM_BYTES}

    # --- wall time

    def wall_times(self, options):
        """Rows of what, verb, and the samples in ms plain and with runi, each round's in the same place."""
        paths = options.runtime or [path for path in map(shutil.which, ("runc", "crun")) if path]
        if not os.path.exists(BUSYBOX):
            raise Missing(f"{BUSYBOX}, static")
        if not paths:
            raise Missing("an OCI runtime: neither runc nor crun is installed")
        # What a container shares with its pod, held as a pod's sandbox holds it.
        with subprocess.Popen(["unshare", "--ipc", "--uts", "--net", BUSYBOX, "sh", "-c", "echo; exec cat"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sandbox:
            sandbox.stdout.readline()
            rows = []
            for path in paths:
                programs = dict(zip(PAIR, (path, self.install(f"before-{os.path.basename(path)}", path))))
                samples = {verb: {name: [] for name in PAIR} for verb in VERBS}
                for round_number in range(-2, options.rounds):  # two to warm up
                    for verb, name, ms in self.lives(programs, sandbox.pid, reverse=round_number % 2):
                        if round_number >= 0:
                            samples[verb][name].append(ms)
                version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
                rows += [{"what": f"{version.splitlines()[0]}, {verb}", "verb": verb,
                          **{f"{name}_ms": samples[verb][name] for name in PAIR}} for verb in VERBS]
            sandbox.stdin.close()
        return rows

    def lives(self, programs, sandbox, reverse):
        """Two containers from create to delete, side by side. Yields verb, name, and the time of each call in ms."""
        running = {}
        for verb in VERBS:
            for name in reversed(PAIR) if reverse else PAIR:
                if verb == "create":
                    self.write_spec(os.path.join(self.scratch, name), bench_config.make(
                        SPEC_BYTES, self._source, f"/runi-bench-{os.getpid()}-{name}", sandbox))
                if verb == "delete":
                    select.select([running[name]], [], [])  # until it has ended
                    os.close(running[name])
                yield verb, name, self.time(self.words(programs[name], verb, name))
                if verb == "create":
                    with open(os.path.join(self.scratch, name, "pid"), encoding="utf-8") as file:
                        running[name] = os.pidfd_open(int(file.read()))

    def own_times(self, options):
        """As wall_times, of a program that does nothing: the time until runi hands over is all that runi adds."""
        nothing = self.compile("nothing", NOTHING, "-static", "-nostdlib")
        bare = self.compile("bare", BARE, "-static-pie", f'-DRUNTIME="{nothing}"')
        runi = self.install("nothing", nothing)
        rows = []
        for what, verb, program in (("runi", "create", runi), ("runi", "state", runi),
                                    ("instead of runi a C program that only executes it", "state", bare)):
            samples = {name: [] for name in PAIR}
            programs = dict(zip(PAIR, (nothing, program)))
            for round_number in range(-2, 5 * options.rounds):
                for name in reversed(PAIR) if round_number % 2 else PAIR:
                    self.write_spec(os.path.join(self.scratch, name))
                    ms = self.time(self.words(programs[name], verb, name))
                    if round_number >= 0:
                        samples[name].append(ms)
            rows.append({"what": f"a program that does nothing, {verb}" + (f"; {what}" if program == bare else ""),
                         "verb": verb, **{f"{name}_ms": samples[name] for name in PAIR}})
        return rows

    def compile(self, name, source, *flags):
        path = os.path.join(self.scratch, name)
        subprocess.run(["c++", "-O2", *flags, "-x", "c++", "-o", path, "-"], input=source, text=True, check=True)
        return path

    def time(self, argv):
        with open(os.path.join(self.scratch, "output"), "wb") as output:
            files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                     (os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
            began = time.perf_counter_ns()
            pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=files)
            _, status = os.waitpid(pid, 0)
            ended = time.perf_counter_ns()
        if status != 0:
            with open(os.path.join(self.scratch, "output"), encoding="utf-8") as output:
                sys.exit(f"hack/bench: {' '.join(argv)}: wait status {status}: {output.read()}")
        return (ended - began) / 1e6

    # --- what both need

    def words(self, program, verb, name):
        """As containerd calls a runtime."""
        if verb == "--version":
            return [program, verb]
        bundle = os.path.join(self.scratch, name)
        start = ["--bundle", bundle, "--pid-file", os.path.join(bundle, "pid")] if verb == "create" else []
        return [program, "--root", os.path.join(self.scratch, "state"), "--log", os.path.join(self.scratch, "log.json"),
                "--log-format", "json", verb, *start, name]

    def install(self, name, runtime):
        """runi under a name of its own, with a configuration that names the runtime. Returns its path."""
        os.makedirs(configuration_of(self.built), exist_ok=True)
        with open(os.path.join(configuration_of(self.built), f"bench-{name}.json"), "w", encoding="utf-8") as file:
            json.dump({"runtime": runtime}, file)
        path = os.path.join(self.scratch, f"bench-{name}")
        os.symlink(os.path.join(self.built, "bin/runi"), path)
        return path

    def write_spec(self, bundle, spec=None):
        with open(os.path.join(bundle, "config.json"), "wb") as file:
            file.write(spec or self.spec)

    def _source(self, destination):
        """What stands in for a volume: an empty file or folder, by what Kubernetes mounts there."""
        path = os.path.join(self.scratch, "volumes", destination.strip("/").replace("/", "-"))
        if destination in ("/dev/termination-log", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb"):
                pass
        else:
            os.makedirs(path, exist_ok=True)
        return path

    @staticmethod
    def _make_bundle(path):
        for name in ("bin", "dev", "etc", "proc", "run", "sys", "tmp", "var"):
            os.makedirs(os.path.join(path, "rootfs", name))
        if os.path.exists(BUSYBOX):
            shutil.copy(BUSYBOX, os.path.join(path, "rootfs/bin/busybox"))
        return path


def median_interval(values):
    """The interval that holds the true median 19 times of 20, whatever the distribution: order statistics."""
    ordered, count = sorted(values), len(values)
    reach = math.ceil(0.98 * math.sqrt(count))
    return ordered[max(0, count // 2 - reach)], ordered[min(count - 1, (count - 1) // 2 + reach)]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}"


def percent(values, share):
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def print_report(bench, counted, timed, alone):
    print(f"{machine()}; config.json of {len(bench.spec)} bytes\n")
    print("| runi, instructions | counted | budget | |\n|---|--:|--:|---|")
    for row in counted:
        verdict = "pass" if row["counted"] <= row["budget"] else "MISSED"
        print(f"| {row['what']} | {row['counted']:,} | {row['budget']:,} | {verdict} |")
    if not timed:
        return
    print("\n| wall time, ms | alone: median (p10–p90) | with runi: median (p10–p90) "
          "| added: median (95 % interval) | ratio | budget | |\n|---|--:|--:|--:|--:|--:|---|")
    for row in timed:
        print_times(row, CREATE_SHARE * statistics.median(row["plain_ms"]) if row["verb"] == "create" else OTHER_MS)
    create_ms = min(statistics.median(row["plain_ms"]) for row in timed if row["verb"] == "create")
    for row in alone:
        print_times(row, CREATE_SHARE * create_ms if row["verb"] == "create" else OTHER_MS)
    print("\nA wall time is over its budget where the whole interval is, and unclear where only a part is.")


def print_times(row, budget):
    plain, runi = row["plain_ms"], row["runi_ms"]
    added = [after - before for before, after in zip(plain, runi)]
    low, high = median_interval(added)
    verdict = "pass" if high <= budget else "over" if low > budget else "unclear"
    cells = [f"{statistics.median(values):.2f} ({percent(values, 10):.2f}–{percent(values, 90):.2f})"
             for values in (plain, runi)]
    ratio = statistics.median(after / before for before, after in zip(plain, runi))
    print(f"| {row['what']} | {' | '.join(cells)} | {statistics.median(added):.2f} ({low:.2f} to {high:.2f}) "
          f"| {ratio:.3f} | {budget:.2f} | {verdict} |")
