"""test/real/driver: what it takes for the same, what for proof, and what it shows."""
import pathlib
import sys
import types
import unittest

import trees   # first: makes dev/ importable

sys.path.insert(0, str(trees.ROOT / 'test/real'))
from driver import compare, entry, proof, report, sources, trial

NEAP, LIBC, PROGRAM = '/x/libneap.so.0', '/lib/libc.so.6', '/usr/bin/prog'


def binding(user, target, symbol):
    return (f"  77:\tbinding file {user} [0] to {target} [0]:"
            f" normal symbol `{symbol}' [GLIBC_2.2.5]\n")


class Compare(unittest.TestCase):
    def differences(self, libc, neap):
        """The complaints about two sets of results, given as name to text."""
        files = {f'libc/{name}': text for name, text in libc.items()}
        files |= {f'neap/{name}': text for name, text in neap.items()}
        with trees.Tree(files) as root:
            for side in ('libc', 'neap'):
                (root / side).mkdir(exist_ok=True)
            return list(compare.differences(root / 'libc', root / 'neap'))

    def test_same_results_are_the_same(self):
        self.assertEqual(self.differences({'a': 'x\n', 'b': ''}, {'a': 'x\n', 'b': ''}), [])

    def test_nothing_is_not_the_same(self):
        self.assertEqual(self.differences({}, {}),
                         ['libc left no results: nothing was compared'])

    def test_a_result_of_one_side_only(self):
        self.assertEqual(self.differences({'a': 'x', 'b': 'y'}, {'a': 'x'}),
                         ['b: a result under libc only'])
        self.assertEqual(self.differences({'a': 'x'}, {'a': 'x', 'b': 'y'}),
                         ['b: a result under neap only'])

    def test_a_test_with_another_outcome(self):
        self.assertEqual(self.differences({'a': '1: passed\n2: passed\n'},
                                          {'a': '1: passed\n2: failed\n'}),
                         ['a: libc: 2: passed', 'a: neap: 2: failed'])

    def test_a_test_that_did_not_run(self):
        self.assertEqual(self.differences({'a': '1: passed\n2: passed\n'}, {'a': '1: passed\n'}),
                         ['a: libc: 2: passed'])

    def test_order_and_repeats(self):
        self.assertEqual(self.differences({'a': '1\n2\n'}, {'a': '2\n1\n'}),
                         ['a: line 1: libc: 1', 'a: line 1: neap: 2'])
        self.assertEqual(self.differences({'a': '1\n1\n'}, {'a': '1\n'}),
                         ['a: line 2: libc: 1', 'a: line 2: neap: (none)'])
        self.assertEqual(self.differences({'a': '1\n'}, {'a': '1'}),
                         ['a: only the ends of lines differ'])

    def test_bytes(self):
        found = self.differences({'a': '\0abc'}, {'a': '\0abdx'})
        self.assertEqual(found, ['a: first difference at byte 3; 1 bytes differ; 4 bytes under'
                                 ' libc, 5 under neap'])
        self.assertIn('first difference at byte 4', self.differences({'a': '\0abc'},
                                                                     {'a': '\0abcd'})[0])


class Proof(unittest.TestCase):
    def prove(self, text, library=NEAP):
        side = types.SimpleNamespace(library=library and pathlib.Path(library))
        text = f'  77:\tinitialize program: {PROGRAM}\n' + text
        real = proof.processes_of
        proof.processes_of = lambda command, side: [proof.Process(text)]
        try:
            return proof.prove(['prog'], side)
        finally:
            proof.processes_of = real

    def assert_refused(self, text, library=NEAP):
        with self.assertRaises(proof.Failure):
            self.prove(text, library)

    def test_bound_to_the_library(self):
        self.assertEqual(self.prove(binding(PROGRAM, NEAP, 'malloc') + binding(LIBC, NEAP, 'free')),
                         [PROGRAM])

    def test_not_bound_to_the_library(self):
        self.assert_refused(binding(PROGRAM, LIBC, 'malloc'))
        self.assert_refused(binding(PROGRAM, NEAP, 'malloc') + binding(LIBC, LIBC, 'realloc'))

    def test_a_malloc_of_the_programs_own(self):
        self.assert_refused(binding(PROGRAM, NEAP, 'free') + binding(LIBC, PROGRAM, 'malloc'))

    def test_an_entry_of_the_program_that_leads_to_the_library(self):
        self.prove(binding(LIBC, PROGRAM, 'free') + binding(PROGRAM, PROGRAM, 'free')
                   + binding(PROGRAM, NEAP, 'free') + binding(PROGRAM, NEAP, 'malloc'))

    def test_nothing_asks_for_malloc(self):
        self.assert_refused('')
        self.assert_refused(binding(PROGRAM, NEAP, 'free'))

    def test_libcs_side_without_the_library(self):
        self.prove(binding(PROGRAM, LIBC, 'malloc'), library=None)
        self.assert_refused(binding(PROGRAM, NEAP, 'malloc'), library=None)


class Report(unittest.TestCase):
    def outcome(self, complaints=(), missing=(), neap_cpu=1.0):
        done = trial.Outcome(types.SimpleNamespace(name='p', about='p: works'))
        done.complaints, done.missing = list(complaints), list(missing)
        side = {'summary': '3 sums', 'version': 'p 1', 'seconds': 1.0, 'cpu_seconds': 1.0,
                'peak_kib': 90 * 1024, 'proven': []}
        if not missing:
            done.libc, done.neap = side, side | {'cpu_seconds': neap_cpu}
        return done

    def test_lines(self):
        self.assertTrue(report.line_of(self.outcome()).startswith('ok   p '))
        self.assertTrue(report.line_of(self.outcome(['differs'])).startswith('FAIL p '))
        self.assertIn('not here: gdb', report.line_of(self.outcome(missing=['gdb'])))

    def test_what_takes_much_longer_is_noted(self):
        self.assertNotIn('NOTE', report.line_of(self.outcome(neap_cpu=1.4)))
        self.assertIn('2.00 x CPU time', report.line_of(self.outcome(neap_cpu=2.0)))

    def test_the_table_counts(self):
        text = report.text([self.outcome(), self.outcome(['x']), self.outcome(missing=['y'])], 'c')
        self.assertIn('| programs | 1 passed, 1 failed, 1 not here |', text)
        self.assertEqual(text.count('| p: works |'), 3)
        self.assertIn('**no**', text)


class Entries(unittest.TestCase):
    def test_all_can_be_read(self):
        for name in entry.all_names():
            one = entry.Entry(name)
            self.assertIn(':', one.about, name)
            self.assertTrue(one.version, name)

    def test_what_is_missing_is_said(self):
        one = entry.Entry('perl-suite')
        with trees.Tree({}) as root:
            self.assertIn('source of perl', one.missing(sources.Sources(root)))
        with trees.Tree({'perl_5.36.0.orig.tar.xz': ''}) as root:
            self.assertNotIn('source of perl', one.missing(sources.Sources(root)))


if __name__ == '__main__':
    unittest.main()
