"""runi under a name of its own, with a configuration of its own."""

import json
import os
import random

from bed.case import built


# What stands in front of a command that gets the init, where nothing else is configured: in words, and as /proc/1/cmdline.
INIT = ("/dev/.runi-init", "-S", "TERM,INT,QUIT")
INIT_IN_FRONT = b"".join(word.encode() + b"\0" for word in (*INIT, "--"))


def install(case, runtime, **configuration):
    """Makes a symlink to runi in front of runtime and returns its path.

    A development build reads <its folder>/../etc/runi/<the name it was called by>.json, so each test can have its
    own. configuration holds keys of that file; init.path is the init under test unless given.
    """
    program = built("RUNI")
    name = f"runi-t-{random.getrandbits(48):012x}"
    settings = {"runtime": runtime, "init": {"path": built("RUNI_INIT")}} | configuration
    folder = os.path.realpath(os.path.join(os.path.dirname(program), "..", "etc", "runi"))
    os.makedirs(folder, exist_ok=True)
    case.runi_configuration = os.path.join(folder, f"{name}.json")
    configure(case, json.dumps(settings))
    case.addCleanup(os.remove, case.runi_configuration)
    os.symlink(program, case.path(name))
    return case.path(name)


def configure(case, text):
    """Replaces the configuration of the runi that install() made last for the case, whatever uses it by now."""
    with open(case.runi_configuration, "w", encoding="utf-8") as output:
        output.write(text)
