"""dev/mutate makes the small mistakes that it should, and no others."""
import importlib.machinery
import importlib.util
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
loader = importlib.machinery.SourceFileLoader('mutate', str(ROOT / 'dev/mutate'))
mutate = importlib.util.module_from_spec(importlib.util.spec_from_loader('mutate', loader))
loader.exec_module(mutate)


def made_of(line):
    return {mutant.strip() for mutant in mutate.mutations_of_line(line)}


class MutateTest(unittest.TestCase):
    def test_operators(self):
        self.assertEqual(made_of('    return a < b;'), {'return a <= b;', 'return a >= b;'})
        self.assertEqual(made_of('    return a && b;'), {'return a || b;'})
        self.assertEqual(made_of('    return true;'), {'return false;'})

    def test_numbers(self):
        self.assertEqual(made_of('    return 5u;'), {'return 4u;', 'return 6u;'})
        self.assertEqual(made_of('    return a64;'), set())

    def test_conditions_are_turned_round(self):
        self.assertIn('if (!(is_ready)) {', made_of('    if (is_ready) {'))
        self.assertIn('while (!(f(a))) {', made_of('    while (f(a)) {'))

    def test_statements_are_left_out(self):
        self.assertIn('', made_of('    lock_release(&list->lock);'))
        self.assertIn('', made_of('    span->n_free -= n;'))
        self.assertIn('', made_of('    list->n++;'))
        self.assertNotIn('', made_of('    size_t n = length(list);'))
        self.assertNotIn('', made_of('    return f(x);'))

    def test_what_stays_as_it_is(self):
        for line in ('    DCHECK(a < b);', '// a < b', '#define A 1', '    CHECK_EQ(a, 1);',
                     '        return "P1 a page is in two places";'):
            self.assertEqual(made_of(line), set(), line)

    def test_only_bodies_of_functions(self):
        text = '#define A 1\nstatic size_t n = 5;\nvoid f(void)\n{\n    g(1 + n);\n}\nint m = 3;\n'
        self.assertEqual({mutant.line for mutant in mutate.mutants_of(text)}, {5})

    def test_comments_at_the_end_are_no_code(self):
        self.assertEqual(made_of('    x();   // a < b'), {''})

    def test_the_order_is_always_the_same(self):
        text = (ROOT / 'src/span/span.c').read_text()
        first, second = mutate.mutants_of(text), mutate.mutants_of(text)
        self.assertEqual([str(mutant) for mutant in first], [str(mutant) for mutant in second])
        self.assertGreater(len(first), 100)

    def test_files_and_tests_exist(self):
        for path, tests in mutate.TARGETS.items():
            self.assertTrue((ROOT / path).exists(), path)
            for test in tests:
                name = test.partition('.')[2] + '_test.c'
                self.assertTrue(list((ROOT / 'test').rglob(name)), test)


if __name__ == '__main__':
    unittest.main()
