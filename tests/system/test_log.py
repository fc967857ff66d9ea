"""What real engines' containers look like in runi's log, and what the time in it is worth."""

import json
import time

from bed import shim
from bed.bundle import Crun, Runc
from bed.case import RUNI
from bed.containerd import Ctr
from bed.cri import Cri
from bed.podman import Podman
from engines import for_each_engine


@for_each_engine(Runc, Crun, Podman, Ctr, Cri)
class Log:
    def test_one_line_for_each_start(self):
        with open(self.runi_configuration, encoding="utf-8") as file:
            settings = json.load(file)
        log = self.path("runi.log")
        settings["log"] = {"level": "info", "sink": "file", "file": log, "format": "json"}
        shim.configure(self, json.dumps(settings))
        began = time.monotonic()
        self.assertEqual(self.engine.run(RUNI, ["true"]).status, 0)
        wall_us = (time.monotonic() - began) * 1e6
        with open(log, encoding="ascii") as file:
            lines = [json.loads(line) for line in file]
        if isinstance(self.engine, Cri):  # the pod's sandbox is a container, too
            sandbox = lines.pop(0)
            self.assertEqual(sandbox["decision"], "sandbox")
            self.assertNotIn("container", sandbox)
        line, = lines
        self.assertEqual((line["level"], line["msg"], line["decision"]), ("info", "starts with an init", "inject"))
        self.assertEqual(line["runtime"], settings["runtime"])
        self.assertTrue(20 < line["elapsed_us"] < wall_us, f"{line} in {wall_us:.0f} us")
        if isinstance(self.engine, Cri):
            self.assertEqual((line["namespace"], line["pod"]), (sandbox["namespace"], sandbox["pod"]))
            self.assertTrue(line["container"])
        else:
            self.assertNotIn("pod", line)
        print(f"{type(self.engine).__name__}: {line['elapsed_us']} us of {wall_us:.0f}")
