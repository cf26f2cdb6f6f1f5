"""dev/counts.py: no failure, crash or silence counts as a success."""
import unittest

import trees   # first: makes dev/ importable
import counts

GOOD = '''[==========] Running 3 test(s).
[ RUN      ] a
[       OK ] a
[ RUN      ] b
[  SKIPPED ] b
[ RUN      ] c
text of c without a newline[       OK ] c
[==========] 3 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] b
'''


class Counts(unittest.TestCase):
    def assert_counts(self, result, passed, failed):
        self.assertEqual((result.passed, result.failed), (passed, failed), result.note)

    def test_cmocka_passes_and_skips(self):
        self.assert_counts(counts.count_cmocka(0, GOOD), 2, 0)

    def test_cmocka_failure(self):
        self.assert_counts(counts.count_cmocka(1, GOOD.replace('[       OK ] a', '[  FAILED  ] a')),
                           1, 1)

    def test_output_shows_what_did_not_pass(self):
        shown = counts.count_cmocka(1, GOOD).output
        self.assertNotIn('] a', shown)
        self.assertIn('SKIPPED ] b', shown)
        self.assertIn('text of c', shown)

    def test_cmocka_crash_fails_what_did_not_run(self):
        self.assert_counts(counts.count_cmocka(-6, GOOD.partition('[ RUN      ] b')[0]), 1, 2)

    def test_cmocka_two_groups(self):
        self.assert_counts(counts.count_cmocka(0, GOOD + GOOD), 4, 0)

    def test_exit_status_counts_even_if_all_passed(self):
        self.assert_counts(counts.count_cmocka(-11, GOOD), 2, 1)

    def test_silence_is_a_failure(self):
        self.assert_counts(counts.count_cmocka(0, ''), 0, 1)
        self.assert_counts(counts.count_unittest(0, 'Ran 0 tests in 0.0s\n\nOK\n'), 0, 1)
        self.assert_counts(counts.count_unittest(1, 'no such file'), 0, 1)

    def test_unittest(self):
        self.assert_counts(counts.count_unittest(0, 'Ran 5 tests in 0.1s\n\nOK\n'), 5, 0)
        self.assert_counts(counts.count_unittest(
            1, 'Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n'), 2, 3)

    def test_summary(self):
        self.assert_counts(counts.count_summary(0, 'ok a\n9 passed, 0 failed\n'), 9, 0)
        self.assert_counts(counts.count_summary(1, 'FAIL b\n9 passed, 2 failed\n'), 9, 2)
        self.assert_counts(counts.count_summary(1, '9 passed, 0 failed\n'), 9, 1)
        self.assert_counts(counts.count_summary(0, '0 passed, 0 failed\n'), 0, 1)
        self.assert_counts(counts.count_summary(0, '9 passed, 0 failed\nand more\n'), 0, 1)

    def test_gates_and_scripts(self):
        self.assert_counts(counts.count_one(0, ''), 1, 0)
        self.assert_counts(counts.count_one(1, 'x'), 0, 1)
        self.assert_counts(counts.count_one(77, 'no redis'), 0, 0)
        self.assertEqual(counts.count_one(77, 'no redis').note, 'skipped: no redis')


if __name__ == '__main__':
    unittest.main()
