"""A start with a log of runi's own."""

import json
import os

from start import Start
from test_handover import FAKE_STATUS

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
KEYS = ["time", "level", "pid", "msg", "container_id", "namespace", "pod", "container", "decision", "detail", "runtime",
        "elapsed_us"]
POD = {"io.kubernetes.cri.sandbox-namespace": "default", "io.kubernetes.cri.sandbox-name": "web-1",
       "io.kubernetes.cri.container-name": "app"}
CRIO_POD = {"io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.name": "web-1",
            "io.kubernetes.container.name": "app"}


class Logged(Start):
    """self.log is the file of the sink "file", and a missing init the reason for a warning."""

    def setUp(self):
        super().setUp()
        self.log = os.path.join(self.folder, "runi.log")
        self.no_init = {"path": os.path.join(self.folder, "no-init")}

    def to_file(self, level="info", format="json", file=None, **settings):  # pylint: disable=redefined-builtin
        self.configure(log={"level": level, "sink": "file", "file": file or self.log, "format": format}, **settings)

    def lines(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="ascii") as file:
            text = file.read()
        self.assertTrue(text == "" or text.endswith("\n"), text[-200:])
        return text.splitlines()

    def only_line(self):
        self.assertEqual(len(self.lines()), 1, self.lines())
        return json.loads(self.lines()[0])

    def edit(self, change):
        config = json.loads(self.config)
        change(config)
        with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)

    def annotate(self, annotations):
        self.edit(lambda config: config.update(annotations=annotations))

    def assert_starts(self, *args, prepare=None):
        status, record, stderr = self.start(*args, prepare=prepare)
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        self.assertIsNotNone(record)
        return record
