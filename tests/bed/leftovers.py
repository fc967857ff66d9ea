"""What is there now, so that a test can show that nothing was left behind."""

import os

from bed.engine import all_pids, state_of


def snapshot(case, *folders):
    """Processes, mounts, cgroups of the case, and what is below the folders."""
    return {
        "processes": {_name(pid) for pid in all_pids() if state_of(pid) not in ("", "X")},
        "mounts": set(_mounts()),
        # With a file that only the kernel makes: in the place of a missing hierarchy crun makes plain folders.
        "cgroups": {folder for folder in case.cgroups()
                    if {"cgroup.clone_children", "cgroup.controllers"} & set(os.listdir(folder))},
        "files": {name for folder in folders for name in _files(folder)},
    }


def difference(before, after):
    """What two snapshots disagree about, by kind: {} when nothing was left behind, nor taken away."""
    return {f"{kind} {what}": sorted(names) for kind in before
            for what, names in (("new", after[kind] - before[kind]), ("gone", before[kind] - after[kind])) if names}


def _name(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return f"{pid} {file.read().strip()}"
    except (FileNotFoundError, ProcessLookupError):
        return f"{pid} gone"


def _mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return [" ".join(line.split()[:1] + line.split()[3:6]) for line in file]


def _files(folder):
    yield folder
    for top, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(top, name)
            yield f"{path} {os.lstat(path).st_size if name in files else ''}"
