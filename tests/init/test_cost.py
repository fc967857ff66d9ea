"""What runi-init takes of memory, and the size of its file."""

import os
import struct
import unittest

from container import INIT, INIT_ARM64, Case, eventually, needs_root, read_file


@needs_root
class Cost(Case):
    def test_memory_at_rest(self):
        for _ in range(8):  # where the kernel puts the stack is chance
            container = self.run_in("/bin/sleep", "1000")
            container.application()
            eventually(lambda: self.fits(container.pid), "an init at rest of 12 KiB, 8 of them its own")

    @staticmethod
    def fits(pid):
        lines = read_file(f"/proc/{pid}/smaps_rollup").decode().splitlines()[1:]
        sizes = {name: int(kilobytes) for name, kilobytes, _ in map(str.split, lines)}
        return sizes["Rss:"] <= 12 and sizes["Anonymous:"] <= 8

    def test_file(self):
        image = read_file(INIT)
        self.assertLessEqual(len(image), 10240)
        self.assert_one_segment(image)

    @unittest.skipUnless(os.path.exists(INIT_ARM64), "no arm64 runi-init was built")
    def test_file_for_arm64(self):
        image = read_file(INIT_ARM64)
        self.assertLessEqual(len(image), 11264)
        self.assert_one_segment(image)

    def assert_one_segment(self, image):
        """Only code to load, nothing writable, no interpreter; and the build id's note."""
        offset, = struct.unpack_from("Q", image, 32)
        size, count = struct.unpack_from("HH", image, 54)
        headers = [struct.unpack_from("II", image, offset + size * i) for i in range(count)]
        PT_LOAD, PT_NOTE, PT_GNU_STACK, READ, WRITE, EXECUTE = 1, 4, 0x6474E551, 4, 2, 1
        self.assertEqual(headers, [(PT_LOAD, READ | EXECUTE), (PT_NOTE, READ), (PT_GNU_STACK, READ | WRITE)])


if __name__ == "__main__":
    unittest.main()
