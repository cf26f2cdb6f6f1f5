"""dev/man.py: pages that agree with the program and the headers, and pages that do not."""
import unittest

import trees   # first: makes dev/ importable
import man

PAGE = r'''x(1)

# SYNOPSIS

*neap go* [_OPTION_...] _CMD_++
*neap help* [_TOPIC_]++
*neap --help* | *--version*

# COMMANDS

Words.

## neap go

*-s*, *--long\-one* _FILE_
	What it does.

*--json*[=_FILE_]
	*--not-an-option* here.

## neap help

Shows a text: *words*, *exit-codes*.

# EXIT STATUS

*0*
	Done.

*128 + N*
	Signal.

_other_
	Else.

# SEE ALSO
'''

HELPS = {
    '--help': '''neap - what it is

Usage: neap COMMAND [OPTION...]   (neap COMMAND --help tells its options)
       neap --help | --version

Commands:
  go           start
  help         show

Topics for neap help:
  words        a
  exit-codes   b
''',
    'go --help': '''neap go - start

Usage: neap go [OPTION...] CMD

Options:
  -s, --long-one FILE     what it does
      --json[=FILE]       as JSON, not
                          --more
  -h, --help              show this text
''',
    'help --help': 'neap help - show\n\nUsage: neap help [TOPIC]\n\nOptions:\n'
                   '  -h, --help              show this text\n',
    'help exit-codes': '0        done\n128 + N  signal\nother    else\n',
}

HEADER = '''/* neap_comment(void); */
#include <stddef.h>
#define X(neap_a) 1
extern "C" {
void *neap_one(size_t size);
struct neap_s { size_t a; };
bool neap_two(neap_s *s,
              const void *a); /* more */
'''


class Man(unittest.TestCase):
    def complaints(self, old='', new=''):
        self.assertTrue(old in PAGE)
        return [text.split(':')[0] for text in man.check_program(PAGE.replace(old, new), HELPS)]

    def test_a_page_that_agrees(self):
        self.assertEqual(self.complaints(), [])

    def test_options(self):
        for old, new in (('*-s*, ', ''), (' _FILE_\n', '\n'), ('[=_FILE_]', ' _FILE_'),
                         ('*--json*', '*--yaml*'), ('*-s*', '*-t*')):
            self.assertEqual(self.complaints(old, new), ['options of neap go'])

    def test_commands_usage_topics_and_codes(self):
        self.assertIn('commands', self.complaints('## neap go', '## neap come'))
        self.assertEqual(self.complaints('_CMD_++', '_CMD_ _MORE_++'), ['usage'])
        self.assertEqual(self.complaints(' | *--version*', ''), ['usage'])
        self.assertEqual(self.complaints('*words*, ', ''), ['topics'])
        self.assertEqual(self.complaints('*128 + N*', '*129 + N*'), ['exit codes'])
        self.assertEqual(self.complaints('*0*\n\tDone.\n', ''), ['exit codes'])

    def test_prototypes(self):
        page = '# SYNOPSIS\n\n```\nvoid *neap_one(size_t size);\n\nbool neap_two(neap_s *s,\n' \
               '   const void *a);\n```\n# NEXT\n'
        self.assertEqual(list(man.check_prototypes(page, HEADER)), [])
        self.assertEqual(list(man.check_prototypes(page.replace('size_t size', 'void'), HEADER)),
                         ['the page lacks: void *neap_one(size_t size);',
                          'not declared: void *neap_one(void);'])

    def test_format(self):
        with trees.Tree({'good.1': '.TH A 1 2000-01-01\n.SH NAME\na \\- b\n',
                         'bad.1': '.TH A 1 2000-01-01\n.SH NAME\n.PP\na \\- b\n'}) as root:
            self.assertEqual(man.check_format(root / 'good.1'), [])
            self.assertEqual(len(man.check_format(root / 'bad.1')), 1)


if __name__ == '__main__':
    unittest.main()
