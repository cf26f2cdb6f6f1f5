"""Each rule of dev/tidy.py finds what it is for, and leaves alone what it is not for."""
import unittest

import trees   # first: makes dev/ importable
import c_source
import tidy


def source(text, path='src/span/span.c'):
    return c_source.Source(path, text)


class Rules(unittest.TestCase):
    def assert_finds(self, rule, *sources, n=1, says=''):
        found = list(rule(list(sources)))
        self.assertEqual(len(found), n, found)
        self.assertTrue(all(says in complaint for _, _, complaint in found), found)

    def assert_clean(self, rule, *sources):
        self.assertEqual(list(rule(list(sources))), [])

    def test_lines_of_a_file(self):
        self.assert_clean(tidy.file_sizes, source('x\n' * 800))
        self.assert_finds(tidy.file_sizes, source('x\n' * 801), says='801 lines')

    def test_columns_of_a_line(self):
        self.assert_clean(tidy.file_sizes, source('─' * 100))   # columns, not bytes
        self.assert_finds(tidy.file_sizes, source('─' * 101), says='101 columns')

    def test_tabs(self):
        self.assert_finds(tidy.file_sizes, source('\tint x;\n'), says='a tab')

    def test_lines_of_a_function(self):
        body = 'int f(void)\n{\n' + '    x();\n' * 67 + '}\n'
        self.assert_clean(tidy.function_sizes, source(body))
        self.assert_finds(tidy.function_sizes, source(body.replace('{', '{\n')), says='71 lines')

    def test_long_tables_are_not_functions(self):
        self.assert_clean(tidy.function_sizes,
                          source('static int t[] = {\n' + '    f(1),\n' * 99 + '};\n'),
                          source('struct CAPABILITY("x") s {\n' + 'int a;\n' * 99 + '};\n'))

    def test_parameters(self):
        five = 'int f(int a, int b, int (*c)(int, int), int d, int e) REQUIRES(x);\n'
        self.assert_clean(tidy.function_sizes, source(five))
        self.assert_clean(tidy.function_sizes, source('int f(void);\n'))
        self.assert_finds(tidy.function_sizes, source(five.replace('int e', 'int e, int g')),
                          says='6 parameters')

    def test_forbidden_words(self):
        for text in ('int free_block;', '// the next chunk', 'struct Slab x;', 'bins();',
                     'int BUCKET_MAX;', '/* a\nregion */', '#define EXTENT 1'):
            self.assert_finds(tidy.forbidden_words, source(text))

    def test_words_that_only_look_forbidden(self):
        for text in ('// blocked, blocking, binary', 'pthread_sigmask(SIG_BLOCK);', '"/usr/bin"',
                     'int combined;'):
            self.assert_clean(tidy.forbidden_words, source(text))

    def test_open_ends(self):
        self.assert_finds(tidy.open_ends, source('// TODO later'), source('/* FIXME */'), n=2)
        self.assert_clean(tidy.open_ends, source('int x;   // to do is to be'))

    def test_ordered_accesses_name_a_partner(self):
        for call in ('load_acquire(&x)', 'store_release(&x, 1)', 'exchange_acquire(&x, 1)',
                     'cas_acquire(&x, &y, 1)', 'add_acq_rel(&x, 1)'):
            self.assert_finds(tidy.memory_orders, source(f'    {call};\n'), says='pairs with')
            self.assert_clean(tidy.memory_orders, source(f'    {call};   // pairs with: f\n'))
            self.assert_clean(tidy.memory_orders, source(f'    // under the lock\n    {call};\n'))

    def test_a_comment_reaches_three_lines_down_and_not_further(self):
        text = '// pairs with: f\n' + 'int a;\n' * 2 + 'store_release(&x, 1);\n'
        self.assert_clean(tidy.memory_orders, source(text))
        self.assert_finds(tidy.memory_orders, source(text.replace('int a;\n', 'int a;\nint b;\n')))

    def test_a_comment_may_stand_at_the_end_of_the_statement(self):
        self.assert_clean(tidy.memory_orders,
                          source('while (exchange_acquire(&x, 1) !=\n    2)   // pairs with: f\n'))
        self.assert_finds(tidy.memory_orders,
                          source('store_release(&x, 1);\nint a;   // pairs with: f\n'))

    def test_relaxed_accesses_say_which_of_three(self):
        self.assert_finds(tidy.memory_orders, source('add_relaxed(&x, 1);   // fast\n'))
        for word in ('counter', 'hint: may be old', 'owner'):
            self.assert_clean(tidy.memory_orders, source(f'add_relaxed(&x, 1);   // {word}\n'))

    def test_atomic_h_declares_the_orders(self):
        self.assert_clean(tidy.memory_orders,
                          source('#define load_acquire(x) (x)\n', 'src/base/atomic.h'))

    def test_partners_exist(self):
        self.assert_clean(tidy.partners_exist, source('// pairs with: f, g\nint f(int g);'))
        self.assert_finds(tidy.partners_exist, source('// pairs with: f, h\nint f(int g);'),
                          says='pairs with h')

    def test_invariants_are_checked(self):
        header = source('// Invariants:\n//   P1  a\n//       is not B2\n//   P2  b\n',
                        'src/span/span.h')
        both = 'bool span_verify(int x)\n{\n    f();   // P1\n    return g();   // P2\n}\n'
        self.assert_clean(tidy.invariants, header, source(both))
        self.assert_finds(tidy.invariants, header, source(both.replace('// P1', '')),
                          says='P1 is checked in no')
        self.assert_finds(tidy.invariants, header, source(both.replace('// P1', '// P1, P3')),
                          says='P3 is checked, but')
        self.assert_finds(tidy.invariants, header, source(both.replace('_verify', '_look')), n=2)
        self.assert_finds(tidy.invariants, header, source(both, 'src/front/span.c'), n=2)

    def test_invariants_have_one_meaning(self):
        text = '// Invariants:\n//   P1  a\n'
        check = 'bool span_verify(int x)\n{\n    f();   // P1\n}\n'
        self.assert_finds(tidy.invariants, source(text, 'src/span/a.h'),
                          source(text, 'src/span/b.h'), source(check), says='declared twice')

    def test_files_without_a_test(self):
        span = source('int x;\n')
        cases = [('test/unit/span/span_test.c', ''), ('test/model/m_test.c', '#include "span/span.h"'),
                 ('test/system/s_test.c', '// all of span/span.c')]
        for path, text in cases:
            self.assertEqual(list(tidy.untested([span], [source(text, path)])), [])
        found = list(tidy.untested([span], [source('span', 'test/unit/span/other_test.c')]))
        self.assertEqual(len(found), 1)

    def test_headers_and_listed_files_need_no_test(self):
        listed = [source('', path) for path in tidy.WITHOUT_TEST]
        self.assertEqual(list(tidy.untested([source('', 'src/span/span.h')] + listed, [])), [])

    def test_all_rules_are_applied(self):
        bad = {'src/span/span.c': '\tint block;   // TODO\nint f(int a, int b, int c, int d, '
                                  'int e, int g);\nint x = load_acquire(&y);\n'
                                  '// pairs with: nobody_at_all\n',
               'src/span/span.h': '// Invariants:\n//   P1  a\n'}
        with trees.Tree(bad) as root:
            text = '\n'.join(tidy.check(root))
        for part in ('a tab', 'block', 'TODO', '6 parameters', 'ordered access',
                     'nobody_at_all', 'P1', 'no test mentions'):
            self.assertIn(part, text)


if __name__ == '__main__':
    unittest.main()
