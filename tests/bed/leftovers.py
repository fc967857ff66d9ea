"""What is there now, so that a test can show that nothing was left behind."""

import os

from bed.engine import all_pids, state_of


def snapshot(case, *folders):
    """Processes, mounts, cgroups of the case, and files below the folders. Compare two with assertEqual."""
    return {
        "processes": sorted(_name(pid) for pid in all_pids() if state_of(pid) not in ("", "X")),
        "mounts": sorted(_mounts()),
        "cgroups": sorted(case.cgroups()),
        "files": sorted(name for folder in folders for name in _files(folder)),
    }


def _name(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return f"{pid} {file.read().strip()}"
    except (FileNotFoundError, ProcessLookupError):
        return f"{pid} gone"


def _mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return [" ".join(line.split()[3:6]) for line in file]


def _files(folder):
    yield folder
    for top, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(top, name)
            yield f"{path} {os.lstat(path).st_size if name in files else ''}"
