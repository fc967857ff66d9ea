"""A start in front of the fake runtime, and what can be said of how it ended."""

import json
import os

from test_handover import ENVIRONMENT, FAKE_STATUS, HandOver

CREATE = ["create", "--bundle", "bundle", "id"]


class Start(HandOver):
    def configure(self, **settings):
        with open(self.settings, "w", encoding="utf-8") as file:
            json.dump({"runtime": self.fake, **settings}, file)

    def start(self, *args, prepare=None):
        """Runs a start; returns its status, the fake's account (None if it was not reached), and stderr."""
        status, record, _ = self.call(self.runi, [self.runi, *(args or CREATE)], ENVIRONMENT, prepare)
        self.assertEqual(self.output(1), b"", "stdout belongs to the runtime")
        return status, record, self.output(2).decode()

    def bundle_bytes(self):
        with open(os.path.join(self.bundle, "config.json"), "rb") as file:
            return file.read()

    def edited_bytes(self):
        self.write_config()
        self.start()
        edited = self.bundle_bytes()
        self.write_config()
        self.assertNotEqual(edited, self.config)
        return edited

    def assert_passed_on(self, result):
        """The runtime was reached and the bundle is as it was."""
        status, record, stderr = result
        self.assertEqual((status, stderr), (FAKE_STATUS, ""))
        self.assert_untouched(record, CREATE)
        self.assertEqual(os.listdir(self.bundle), ["config.json"])

    def assert_failed(self, result, *words):
        status, record, stderr = result
        self.assertEqual(status, 1, stderr)
        self.assertIsNone(record, "the runtime was reached")
        self.assertTrue(stderr.startswith("runi: ") and stderr.count("\n") == 1, stderr)
        for word in words:
            self.assertIn(word, stderr)
