"""dev/layers.py finds each way to break the line of folders, and nothing in a sound tree."""
import unittest

import trees   # first: makes dev/ importable
import layers

ARCHITECTURE = '''# Architecture
## Folders
### `base`
Bits.
- may use: nobody
- may be used by: `os`
  `span` `api`
- face: every header
### `os`
- may use: `base`
- may be used by: `span`
- face: `os/vm.h`
### `span`
- may use: `base` `os`
- may be used by: `api`
- face: `span/span.h`
### `api`
- may use: `base` `span`
- may be used by: programs
- face: nothing in src; see `include/neap/`
## Words
- may use: `nonsense`
'''

SOUND = {
    'ARCHITECTURE.md': ARCHITECTURE,
    'src/base/atomic.h': '#include <stdatomic.h>\n#define ATOMIC(t) _Atomic(t)\n',
    'src/base/check.c': 'void f(void)\n{\n    write(2, x, 1);\n    abort();\n}\n',
    'src/os/vm.h': '#include "base/atomic.h"\n',
    'src/os/private.h': '',
    'src/os/host_linux.c': 'char *a = environ[0];\n',
    'src/os/vm_linux.c': '#include "os/vm.h"\n#include "os/private.h"\n#include <errno.h>\n'
                         'int a = mmap(0) && errno == 2 && syscall(1);   // malloc()\n',
    'src/span/span.h': '#include "os/vm.h"\n',
    'src/span/span.c': 'int a = list->free(x) + set.open(y) + span_free(z) + f("printf(");\n',
    'src/api/libc.c': '#include "span/span.h"\n#include "neap/pageheap.h"\n'
                      'void *malloc(int n)\n{\n    errno = 1;\n}\n',
    'include/neap/pageheap.h': '',
    'tools/neap.c': '#include "own.h"\n#include "neap/pageheap.h"\n#include <stdio.h>\n',
    'tools/own.h': '',
    'bench/grow.c': '#include "os/vm.h"\n#include "base/atomic.h"\n#include "vm_fake.h"\n',
    'test/support/vm_fake.h': '',
    'test/x_test.c': '#include "os/private.h"\n',
}


class Layers(unittest.TestCase):
    def complaints(self, **changes):
        """Of the sound tree with some files added or replaced."""
        with trees.Tree(SOUND | changes) as root:
            return layers.check(root)

    def assert_finds(self, path, text, *parts):
        found = self.complaints(**{path: SOUND.get(path, '') + text})
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def assert_document(self, old, new, *parts):
        found = self.complaints(**{'ARCHITECTURE.md': ARCHITECTURE.replace(old, new)})
        for part in parts:
            self.assertTrue(any(part in complaint for complaint in found), (part, found))

    def test_a_sound_tree(self):
        self.assertEqual(self.complaints(), [])

    def test_no_document(self):
        with trees.Tree({'src/base/x.c': ''}) as root:
            self.assertEqual(layers.check(root), ['ARCHITECTURE.md is missing'])

    def test_the_folders_are_those_of_the_document(self):
        self.assert_finds('src/front/x.c', '', 'no section "### `front`"')
        self.assert_document('### `api`', '### `apis`', '`apis` is not in src/', '"### `api`"')
        self.assert_document('### `api`', '### `os`', '`os` has two sections')

    def test_the_folders_form_a_line(self):
        self.assert_document('- may use: `base`\n', '- may use: `base` `span`\n',
                             '`os` may use `span`, which does not stand before it')

    def test_both_sides_say_the_same(self):
        self.assert_document('- may be used by: `span`', '- may be used by: nobody',
                             '`span` may use `os`, but `os` does not say so')
        self.assert_document('  `span` `api`', '  `span`', '`api` may use `base`, but')
        self.assert_document('- may be used by: `span`', '- may be used by: `span` `api`',
                             '`os` may be used by `api`, but `api`')

    def test_bullets_are_needed(self):
        self.assert_document('- face: every header', '', '`base` has no bullet "- face:"')

    def test_faces_exist(self):
        self.assert_document('`os/vm.h`', '`os/vmm.h`', 'face `os/vmm.h` of `os` is not in src/')

    def test_includes_follow_the_line(self):
        self.assert_finds('src/os/vm.h', '#include "span/span.h"\n', 'os may not use span')
        self.assert_finds('src/api/libc.c', '#include "os/vm.h"\n', 'api may not use os')

    def test_only_faces_are_included(self):
        self.assert_finds('src/span/span.c', '#include "os/private.h"\n', 'not a face header')

    def test_includes_are_written_with_the_folder(self):
        self.assert_finds('src/span/span.c', '#include "span.h"\n', 'write "folder/span.h"')

    def test_public_headers_are_for_api(self):
        self.assert_finds('src/span/span.c', '#include "neap/pageheap.h"\n',
                          'only observe and api')

    def test_tools_and_bench_stay_outside(self):
        self.assert_finds('tools/neap.c', '#include "os/vm.h"\n', 'tools includes')
        self.assert_finds('bench/grow.c', '#include "os/private.h"\n', 'bench includes')
        self.assert_finds('bench/grow.c', '#include "span/size_class.def"\n', 'bench includes')

    def test_tools_have_the_tables(self):
        added = {'tools/neap.c': '#include "span/size_class.def"\n#include "config/option.h"\n'}
        self.assertEqual(self.complaints(**added), [])

    def test_no_code_is_included(self):
        self.assert_finds('test/x_test.c', '#include "os/vm_linux.c"\n', 'not included')

    def test_what_may_be_called_where(self):
        for path, text, part in [
                ('src/os/lock.c', 'int b = munmap(p, 1);', 'munmap: memory calls'),
                ('src/span/span.c', 'int b = syscall(1);', 'syscall: system calls'),
                ('src/base/check.c', 'int b = getpid();', 'getpid: system calls'),
                ('src/span/span.c', 'abort();', 'abort: last words'),
                ('src/span/span.c', '#include <stdatomic.h>', 'atomics'),
                ('src/span/span.c', '_Atomic(int) b;', 'atomics'),
                ('src/span/span.c', 'int b = __atomic_load_n(p, 0);', 'atomics'),
                ('src/span/span.c', 'errno = 1;', 'errno belongs'),
                ('src/span/span.c', 'char *b = getenv("X");', 'getenv: options come from'),
                ('src/os/lock.c', 'char **b = environ;', 'environ: options come from'),
                ('src/span/span.c', 'free(p);', 'free: libc'),
                ('src/api/libc.c', 'printf("x");', 'stdio allocates')]:
            with self.subTest(text=text):
                self.assert_finds(path, text + '\n', part)


if __name__ == '__main__':
    unittest.main()
