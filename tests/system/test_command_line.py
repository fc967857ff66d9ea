"""Generated command lines: runi must expect the config.json that the real runc and crun then open.

Each line is given to the real program under strace, with a --root of its own and bundles whose config.json is
not JSON, so that nothing is ever started. Where the program refuses the line before it opens any configuration,
the parser may say what it likes. COMMAND_LINE_PROBE names the probe, COMMAND_LINE_SEED another seed.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = os.environ.get(
    "COMMAND_LINE_PROBE", os.path.join(HERE, "..", "..", "build", "dev", "bin", "command_line_probe"))
SEED = int(os.environ.get("COMMAND_LINE_SEED", "20"))
LINES = int(os.environ.get("COMMAND_LINE_LINES", "400"))

BUNDLES = ["A", "B", "undle", "create", "--bundle", "-f", "=A", "d"]
CONFIGS = ["F", "G", "A/F", "create", "config.json", "./config.json", "A/config.json"]
WORDS = ["A", "B", "create", "run", "state", "--bundle", "-b", "--", "--no-pivot", "-d", "id", "1", "x=y"]
LOG_FILES = ["L", "create.log", "run", "--log"]

# Per dialect and place: flags with a value, flags without. "" is before the verb.
FLAGS = {
    "runc": {
        "": (["--root", "--rootless", "--criu", "--log-format"], ["--debug", "--systemd-cgroup"]),
        "create": (["--console-socket", "--pid-file", "--preserve-fds"], ["--no-pivot", "--no-new-keyring"]),
        "run": (["--console-socket", "--pid-file", "--preserve-fds"],
                ["--no-pivot", "--no-new-keyring", "--detach", "-d", "--keep", "--no-subreaper"]),
        "restore": (["--console-socket", "--image-path", "--work-path", "--manage-cgroups-mode", "--pid-file",
                     "--empty-ns", "--lsm-profile", "--lsm-mount-context"],
                    ["--tcp-established", "--ext-unix-sk", "--shell-job", "--file-locks", "--detach", "-d",
                     "--no-subreaper", "--no-pivot", "--auto-dedup", "--lazy-pages"]),
    },
    "crun": {
        "": (["--root", "--rootless", "--log-format", "--cgroup-manager", "--program-name"],
             ["--debug", "--systemd-cgroup", "--HANG=0"]),
        "create": (["--console-socket", "--pid-file", "--preserve-fds", "--program-name"],
                   ["--no-pivot", "--no-new-keyring", "--no-subreaper", "--HANG=0"]),
        "run": (["--console-socket", "--pid-file", "--preserve-fds", "--program-name"],
                ["--no-pivot", "--no-new-keyring", "--no-subreaper", "--detach", "-d", "--HANG=0"]),
    },
}
# What only newer ones have, or ones built with criu: tried where their --help names it.
NEWER_FLAGS = {
    "runc": {
        "create": (["--pidfd-socket"], []),  # 1.2
        "run": (["--pidfd-socket"], []),
    },
    "crun": {
        "": (["--log-level"], []),
        "run": ([], ["--keep"]),
        "restore": (["--console-socket", "--image-path", "--work-path", "--manage-cgroups-mode", "--pid-file",
                     "--lsm-profile", "--lsm-mount-context"],
                    ["--tcp-established", "--tcp-close", "--ext-unix-sk", "--shell-job", "--file-locks", "--detach",
                     "-d"]),
    },
}
VALUES = {
    "--log-level": ["error", "debug", "create"],
    "--manage-cgroups-mode": ["soft", "ignore", "create"],
    "--preserve-fds": ["0", "1", "create"],
    "--log-format": ["json", "text"],
    "--cgroup-manager": ["cgroupfs", "disabled", "create"],
    "--rootless": ["true", "auto", "create"],
    "--root": ["root", "create", "--log"],
}


def spelled(random_, dialect, name, value):
    """The words of a flag with a value, in one of the ways that the dialect knows."""
    ways = [[name, value], [f"{name}={value}"]]
    letter = name.startswith("--") and {"--bundle": "-b", "--config": "-f"}.get(name)
    if dialect == "runc":
        ways += [[name[1:], value], [f"{name[1:]}={value}"]]
        if letter:
            ways += [[letter, value], [f"{letter}={value}"], [f"-{letter}", value]]
    else:
        short = name[:random_.randint(3, len(name))]
        ways += [[short, value], [f"{short}={value}"]]
        if letter:
            ways += [[letter, value], [f"{letter}{value}"], [f"-d{letter[1]}", value], [name[1:], value]]
    return random_.choice(ways)


def flags_of(program, dialect):
    """FLAGS and those NEWER_FLAGS that the program has."""
    flags = dict(FLAGS[dialect])
    for place, newer in NEWER_FLAGS[dialect].items():
        helped = subprocess.run([program, place, "--help"] if place else [program, "--help"], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False)
        if helped.returncode == 0:
            flags[place] = tuple(known + [flag for flag in more if re.search(rf"{flag}\b", helped.stdout)]
                                 for known, more in zip(flags.get(place, ([], [])), newer))
    return flags


def some_flags(random_, dialect, flags, place, most):
    with_value, booleans = flags[place]
    words = []
    for _ in range(random_.randint(0, most)):
        if random_.random() < 0.5:
            flag = random_.choice(booleans)
            if dialect == "crun" and "=" not in flag and random_.random() < 0.3:
                flag = flag[:random_.randint(3, max(3, len(flag)))]
            elif dialect == "runc" and random_.random() < 0.3:
                flag = random_.choice([flag[1:] if flag.startswith("--") else f"-{flag}", f"{flag}=true", f"{flag}=false"])
            words.append([flag])
        else:
            flag = random_.choice(with_value)
            words.append(spelled(random_, dialect, flag, random_.choice(VALUES.get(flag, WORDS))))
    if place == "" and random_.random() < 0.4:
        words.append(spelled(random_, dialect, "--log", random_.choice(LOG_FILES)))
    return words


def generate(random_, dialect, flags):
    verb = random_.choice([place for place in flags if place])
    before = some_flags(random_, dialect, flags, "", 3)
    random_.shuffle(before)
    after = some_flags(random_, dialect, flags, verb, 3)
    for _ in range(random_.choice([0, 1, 1, 1, 2])):
        bundle = random_.choice(BUNDLES[:2] if random_.random() < 0.5 else BUNDLES + [""])
        after.append(spelled(random_, dialect, "--bundle", bundle))
    if dialect == "crun" and verb != "restore" and random_.random() < 0.3:
        after.append(spelled(random_, dialect, "--config", random_.choice(CONFIGS)))
    random_.shuffle(after)
    container_id = [random_.choice(["id", "create", "A", "-"])]
    at = random_.randint(0, len(after)) if random_.random() < 0.3 else len(after)
    after.insert(at, container_id)
    if at == len(after) - 1 and random_.random() < 0.15:
        after.insert(at, ["--"])
    line = sum(before, []) + (["--"] if random_.random() < 0.05 else []) + [verb] + sum(after, [])
    if random_.random() < 0.1:  # a word too many, too few or unknown
        position = random_.randrange(len(line))
        change = random_.random()
        if change < 0.4:
            del line[position]
        elif change < 0.7:
            line.insert(position, random_.choice(WORDS + ["--help", "--help=false", "-h", "-v", "-"]))
        else:
            line[position:position + 2] = reversed(line[position:position + 2])
    return line


def make_bundles(folder):
    for name in BUNDLES + WORDS:
        if name not in (".", ""):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
    for where in [""] + BUNDLES + WORDS:
        for name in ["config.json", "F", "G"]:
            with open(os.path.join(folder, where, name), "w", encoding="ascii") as file:
                file.write("{")


OPENED = re.compile(r'openat\(AT_FDCWD, "(?P<path>(?:[^"\\]|\\.)*)", (?P<flags>[A-Z_|]+)[^)]*\) += (?P<result>-?\d+)')
CHDIR = re.compile(r'chdir\("(?P<path>(?:[^"\\]|\\.)*)"\) += (?P<result>-?\d+)')


def opened_by(program, line, folder):
    """What the program did: the configuration and the log it opened, each an absolute path or None."""
    trace = os.path.join(folder, "trace")
    subprocess.run(
        ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=openat,chdir", "-e", "signal=none", "-o", trace, program] + line,
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False)
    configuration = log = None
    cwd = folder
    with open(trace, encoding="ascii") as lines:
        for entry in lines:
            moved = CHDIR.search(entry)
            if moved:
                target = os.path.normpath(os.path.join(cwd, moved["path"]))
                if moved["result"] != "0":  # the bundle does not exist, or cannot be one
                    return target, log
                cwd = target
            found = OPENED.search(entry)
            if not found:
                continue
            path = os.path.normpath(os.path.join(cwd, found["path"]))
            if not path.startswith(folder + "/") or path == trace:
                continue
            if "O_APPEND" in found["flags"]:
                log = path
            elif configuration is None and "O_DIRECTORY" not in found["flags"]:
                configuration = path
    return configuration, log


def expected_by(answer, folder):
    """The same, from what runi reads."""
    bundle = os.path.normpath(os.path.join(folder, answer["bundle"]))
    configuration = os.path.join(bundle, "config.json")
    if "config_file" in answer:
        configuration = os.path.normpath(os.path.join(folder, answer["config_file"]))
    log = None
    if answer["log"]:
        log = os.path.normpath(os.path.join(bundle if answer["log_in_bundle"] else folder, answer["log"]))
    return bundle, configuration, log


class CommandLine(unittest.TestCase):
    def setUp(self):
        if not os.access(PROBE, os.X_OK):
            self.skipTest(f"no {PROBE}: build the tests, or name it in COMMAND_LINE_PROBE")
        if not shutil.which("strace"):
            self.skipTest("no strace")

    def probe(self, dialect, lines):
        text = "".join("\t".join([dialect] + line) + "\n" for line in lines)
        done = subprocess.run([PROBE], input=text, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def compare(self, dialect):
        program = shutil.which(dialect, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not program:
            self.skipTest(f"no {dialect}")
        random_ = random.Random(f"{SEED} {dialect}")
        flags = flags_of(program, dialect)
        lines = [generate(random_, dialect, flags) for _ in range(LINES)]
        answers = self.probe(dialect, lines)

        with tempfile.TemporaryDirectory() as scratch:
            scratch = os.path.realpath(scratch)

            def run(number):
                folder = os.path.join(scratch, str(number))
                make_bundles(folder)
                try:
                    return opened_by(program, lines[number], folder), folder
                finally:
                    shutil.rmtree(folder)

            with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
                results = list(pool.map(run, range(len(lines))))

        wrong = []
        accepted = 0
        for line, answer, ((configuration, log), folder) in zip(lines, answers, results):
            if configuration is None:
                continue
            accepted += 1
            bundle, expected, expected_log = expected_by(answer, folder)
            if answer["verb"] == "other":
                wrong.append(f"{line}: read as no start, but {dialect} opened {configuration}")
            elif configuration not in (expected, bundle):  # the latter is missing, or no bundle
                wrong.append(f"{line}: read {expected}, but {dialect} opened {configuration}")
            elif log not in (None, expected_log):  # crun run opens its log only after the configuration
                wrong.append(f"{line}: read the log {expected_log}, but {dialect} opened {log}")
        print(f"{dialect}: seed {SEED}, {len(lines)} lines, {accepted} of them accepted", file=sys.stderr)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertGreater(accepted, len(lines) // 4, "too few lines are accepted to prove anything")

    def test_runc_opens_what_runi_reads(self):
        self.compare("runc")

    def test_crun_opens_what_runi_reads(self):
        self.compare("crun")


if __name__ == "__main__":
    unittest.main()
