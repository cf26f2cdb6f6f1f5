"""dev/documents.py: what stands in backticks must exist."""
import unittest

import trees   # first: makes dev/ importable
import documents

FILES = {
    'Makefile': 'check: all\n',
    'README.md': '',
    'src/os/vm.h': 'int vm_use(int);\n// vm_gone()\n',
    'include/neap/pageheap.h': '',
    'test/unit/os/vm_test.c': '',
}


class Documents(unittest.TestCase):
    def complaints(self, text, path='README.md'):
        with trees.Tree(FILES | {path: text}) as root:
            return documents.check(root)

    def test_what_exists(self):
        for word in ('src/os/vm.h', 'os/vm.h', 'vm.h', 'src/os', 'os/', 'neap/pageheap.h',
                     'vm_use()', 'make check', 'make check CC=clang', 'test/unit/*/vm_test.c'):
            with self.subTest(word=word):
                self.assertEqual(self.complaints(f'a `{word}` b'), [])

    def test_what_does_not(self):
        for word in ('src/os/mv.h', 'os/mv.h', 'mv.h', 'src/so', 'so/', 'vm_usee()', 'vm_gone()',
                     'make chekc', 'docs/x.md', 'cat src/os/mv.h'):
            with self.subTest(word=word):
                found = self.complaints(f'\na `{word}` b')
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith('README.md:2: '), found)

    def test_what_is_not_ours(self):
        for word in ('/proc/self/maps', './server', 'build/neap', '<file>.c', 'and/or', 'a.svg',
                     '<malloc.h>', '--json', 'x + y'):
            with self.subTest(word=word):
                self.assertEqual(self.complaints(f'a `{word}` b'), [])

    def test_fenced_text_is_left_alone(self):
        self.assertEqual(self.complaints('```\n`mv.h`\n```\n'), [])
        self.assertEqual(len(self.complaints('```\n```\n`mv.h`\n')), 1)

    def test_all_documents_are_read(self):
        for path in ('ARCHITECTURE.md', 'HACKING.md', 'docs/notes.md'):
            with self.subTest(path=path):
                self.assertEqual(len(self.complaints('`mv.h`', path)), 1)


if __name__ == '__main__':
    unittest.main()
