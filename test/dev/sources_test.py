"""dev/sources.py writes the lists of the meson.build files and notices when they are stale."""
import unittest

import trees   # first: makes dev/ importable
import sources

EMPTY = 'before\n' + sources.BEGIN + sources.END + 'after\n'
FILES = {
    'src/meson.build': EMPTY, 'tools/meson.build': EMPTY, 'test/meson.build': EMPTY,
    'bench/meson.build': EMPTY, 'bench/grow.c': '', 'bench/support/clock.c': '',
    'src/base/bits.c': '', 'src/base/bits.h': '', 'src/os/vm_linux.c': '', 'src/api/libc.c': '',
    'src/api/pageheap_api.c': '',
    'include/neap/pageheap.h': '', 'tools/main.c': '', 'tools/run.c': '',
    'test/support/vm_fake.c': '', 'test/support/model.c': '',
    'test/unit/base/bits_test.c': '', 'test/model/page_set_test.c': '',
    'test/system/vm_linux_test.c': '', 'test/threads/lock_test.c': '', 'test/unit/base/notes.c': '',
    'test/tools/run_test.c': '',
}


class Sources(unittest.TestCase):
    def wanted(self, build_file):
        with trees.Tree(FILES) as root:
            return sources.wanted_text(root, build_file)

    def test_library(self):
        text = self.wanted('src/meson.build')
        self.assertTrue(text.startswith('before\n') and text.endswith('after\n'))
        self.assertIn("core_sources = files(\n  'api/pageheap_api.c',\n  'base/bits.c',\n)\n", text)
        self.assertIn("vm_linux_sources = files('os/vm_linux.c')\n", text)
        self.assertIn("malloc_sources = files('api/libc.c')\n", text)

    def test_tools_and_headers(self):
        text = self.wanted('tools/meson.build')
        self.assertIn("tool_sources = files('run.c')\n", text)
        self.assertIn("tool_main = files('main.c')\n", text)
        self.assertIn("public_headers = files('../include/neap/pageheap.h')\n", text)

    def test_tests(self):
        text = self.wanted('test/meson.build')
        fake, _, real = text.partition('real_tests')
        self.assertIn("'base.bits': files('unit/base/bits_test.c')", fake)
        self.assertIn("'model.page_set': files('model/page_set_test.c')", fake)
        self.assertIn("'system.vm_linux': files('system/vm_linux_test.c')", real)
        self.assertIn("'threads.lock': files('threads/lock_test.c')", real)
        self.assertIn("support_sources = files('support/model.c')", fake)
        self.assertIn("fake_sources = files('support/vm_fake.c')", fake)
        self.assertNotIn('notes', text)

    def test_tests_of_the_program(self):
        _, _, tools = self.wanted('test/meson.build').partition('tool_tests')
        self.assertIn("'tools.run': files('tools/run_test.c')", tools)

    def test_benchmarks(self):
        text = self.wanted('bench/meson.build')
        self.assertIn("bench_programs = {\n  'grow': files('grow.c'),\n}\n", text)
        self.assertIn("bench_support = files('support/clock.c')\n", text)

    def test_stale_lists_are_noticed(self):
        with trees.Tree(FILES) as root:
            self.assertEqual(len(sources.stale_files(root)), 4)
            for path in sources.LISTS:
                (root / path).write_text(sources.wanted_text(root, path))
            self.assertEqual(sources.stale_files(root), [])
            (root / 'src/base/bits.c').unlink()
            self.assertEqual(sources.stale_files(root), ['src/meson.build'])

    def test_markers_are_needed(self):
        with trees.Tree(FILES | {'src/meson.build': 'x\n'}) as root:
            self.assertRaises(SystemExit, sources.wanted_text, root, 'src/meson.build')


if __name__ == '__main__':
    unittest.main()
