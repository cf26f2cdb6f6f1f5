"""dev/exports.py reads version scripts and compares names."""
import unittest

import trees   # first: makes dev/ importable
import exports

MAP = '''/* global: not_this; */
NEAP_0 {
global:
    malloc; free;   # both
    neap_*;
local:
    *;
};
'''


class Exports(unittest.TestCase):
    def test_version_script(self):
        self.assertEqual(exports.map_patterns(MAP), ['malloc', 'free', 'neap_*'])

    def test_names(self):
        patterns = exports.map_patterns(MAP)
        self.assertEqual(exports.compare_names({'malloc', 'free', 'neap_x'}, patterns, 'so'), [])
        self.assertEqual(exports.compare_names({'malloc', 'free', 'span_init'}, patterns, 'so'),
                         ['so: span_init is visible, but not in symbols.map'])
        self.assertEqual(exports.compare_names({'malloc'}, patterns, 'so'),
                         ['so: free is in symbols.map, but not there'])


if __name__ == '__main__':
    unittest.main()
