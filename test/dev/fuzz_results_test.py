"""dev/fuzz_results.py: rows are kept, sums follow from them."""
import pathlib
import unittest

import trees   # first: makes dev/ importable
import fuzz_results
from fuzz_results import Row

FIRST = Row('2026-11-23', 'abc1234', 'random', 600, 2000, 500_000_000, '', 0)
SECOND = Row('2026-11-24', 'def5678', 'libfuzzer', 3600, 1_000_000, 90_000_000, '700 of 900', 2)


class FuzzResults(unittest.TestCase):
    def test_a_document_says_all_about_its_rows(self):
        self.assertEqual(fuzz_results.parse(fuzz_results.render([FIRST, SECOND])), [FIRST, SECOND])

    def test_sums(self):
        self.assertEqual(fuzz_results.sums([FIRST, SECOND, FIRST]), [
            ['random', '2', '0.3', '4,000', '1,000,000,000', '0'],
            ['libfuzzer', '1', '1.0', '1,000,000', '90,000,000', '2'],
            ['all', '3', '1.3', '1,004,000', '1,090,000,000', '2']])

    def test_adding_makes_the_document_and_keeps_what_is_there(self):
        with trees.Tree({}) as root:
            path = pathlib.Path(root, 'fuzz.md')
            fuzz_results.add(path, FIRST)
            fuzz_results.add(path, SECOND)
            self.assertEqual(fuzz_results.parse(path.read_text()), [FIRST, SECOND])

    def test_the_document_in_the_tree_can_be_read_and_is_up_to_date(self):
        text = (trees.ROOT / 'docs/results/fuzz.md').read_text()
        rows = fuzz_results.parse(text)
        self.assertTrue(rows)
        self.assertEqual(fuzz_results.render(rows), text)


if __name__ == '__main__':
    unittest.main()
