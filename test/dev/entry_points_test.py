"""test/fuzz/entry_points.def: the fuzzer calls every function that the library exports."""
import re
import unittest

import trees   # first: makes dev/ importable
import exports

# What the fuzzer leaves out, and why.
LEFT_OUT = {
    'malloc_info': 'prints',
    'malloc_stats': 'prints',
    'neap_block_describe': 'looks; test/programs/heaps.c',
    'neap_check': 'looks; test/programs/audit.c',
    'neap_is_active': 'looks; test/programs/stats_api.c',
    'neap_limit_counted': 'looks; test/programs/limits.c',
    'neap_limit_get': 'looks; test/programs/limits.c',
    'neap_check': 'an audit of the books; test/programs/audit.c',
    'neap_limit_set': 'changes what is refused; test/programs/limits.c, with threads and contents',
    'neap_metric_count': 'looks; test/programs/stats_api.c',
    'neap_metric_describe': 'looks; test/programs/stats_api.c',
    'neap_metric_read': 'looks; test/programs/stats_api.c',
    'neap_pressure_register': 'calls back; test/programs/limits.c',
    'neap_pressure_unregister': 'calls back; test/programs/limits.c',
    'neap_stats_print': 'prints; test/programs/stats_api.c',
    'neap_stats_read': 'looks; test/programs/stats_api.c',
    'neap_version': 'looks; test/programs/stats_api.c',
}
HEAPS = 'neap_heap_'   # first-class heaps: test/programs/heaps.c


def entry_points():
    text = (trees.ROOT / 'test/fuzz/entry_points.def').read_text()
    return re.findall(r'^ENTRY\([^,]+, (\w+), (\w+),', text, re.M)


def exported():
    names = exports.map_patterns(exports.SYMBOLS_MAP.read_text())
    return {name for name in names
            if not name.startswith(('neap_pageheap_', HEAPS))}


class EntryPoints(unittest.TestCase):
    def test_every_exported_function_is_fuzzed(self):
        self.assertEqual({symbol for _, symbol in entry_points()}, exported() - LEFT_OUT.keys())

    def test_every_entry_point_is_called(self):
        code = '\n'.join((trees.ROOT / 'test/fuzz' / name).read_text()
                         for name in ('actions.c', 'books.c'))
        for field, _ in entry_points():
            with self.subTest(field=field):
                self.assertRegex(code, rf'\b(e|entry)->{field}\(')


if __name__ == '__main__':
    unittest.main()
