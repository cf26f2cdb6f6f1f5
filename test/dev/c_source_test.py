"""dev/c_source.py tells code from comments and strings, and finds functions."""
import unittest

import trees   # first: makes dev/ importable
import c_source


def source(text):
    return c_source.Source('src/x.c', text)


class TakingApart(unittest.TestCase):
    def test_comments_and_strings_are_not_code(self):
        s = source('a("// b"); // c "d\n/* e\n*/ f(\'"\', "\\"g");\n')
        self.assertEqual([line.split() for line in s.code_lines[:3]],
                         [['a(', ');'], [], ['f(', ',', ');']])
        self.assertEqual([line.strip() for line in s.comment_lines[:3]], ['// c "d', '/* e', '*/'])

    def test_columns_and_lines_stay(self):
        text = '#define A "//" \\\n    b   // c\nint d; /* e\nf */ int g;\n'
        s = source(text)
        for lines in (s.code_lines, s.comment_lines):
            self.assertEqual([len(line) for line in lines], [len(line) for line in s.lines])
        self.assertIn('"//"', s.code_lines[0])
        self.assertEqual(s.comment_lines[1].strip(), '// c')

    def test_includes(self):
        s = source('#include "os/vm.h"\n// #include "not/this.h"\n#  include <errno.h>   // x\n')
        self.assertEqual(list(s.includes()), [(1, '"os/vm.h"'), (3, '<errno.h>')])

    def test_functions(self):
        s = source('#if X\nNODISCARD bool f(int a)\n    REQUIRES(a->b);\n#endif\n'
                   'static int t[] = {g(1)};\n'
                   'NO_LOCK int h(void)\n{\n    if (x) {\n        k(1, 2);\n    }\n}\n'
                   'struct A { int (*m)(int); };\ntypedef int (*n)(int);\n')
        self.assertEqual([(f.name, f.n_parameters, f.first_line, f.last_line, f.is_definition)
                          for f in s.functions()],
                         [('f', 1, 2, 2, False), ('h', 0, 6, 11, True)])


if __name__ == '__main__':
    unittest.main()
