"""dev/gen_env_manual.py reads the table as the compiler does, and says what is in it."""
import subprocess
import unittest

import trees   # first: makes dev/ importable
import gen_env_manual

TABLE = r'''
// OPTION_NUMBER(a comment, "is nothing")
#ifndef OPTION_NUMBER
#define OPTION_NUMBER(...)
#endif
OPTION_NUMBER(space_bytes, NEAP_SPACE, BYTES, 64 * MIB, 1 * MIB, 1024 * GIB, 64 * KIB, NO_OFF,
    "space, or (rather) room", "First, \"second\" "
    "third.\n\nAnother paragraph.")
OPTION_NUMBER(wait_ns, NEAP_WAIT, DURATION, 1500000000, 0, 1000, 1, OR_OFF, "how long", "Text.")
OPTION_NUMBER(most, NEAP_MOST, LIMIT, CONFIG_AUTO, 1, 4 * KIB, 1, OR_AUTO, "how much", "Text.")
OPTION_NUMBER(quiet, NEAP_QUIET, SWITCH, 1, 0, 1, 1, NO_OFF, "silence", "Text.")
OPTION_TEXT(log, NEAP_LOG, FILE, "where to write", "Text.")
FOREIGN_NAME(NEAP_SCRIPTS)   // not ours
#undef OPTION_NUMBER
'''


class GenEnvManual(unittest.TestCase):
    def assert_says(self, *parts):
        page = gen_env_manual.page(TABLE)
        for part in parts:
            self.assertIn(part, page)

    def test_rows_are_taken_apart(self):
        rows = list(gen_env_manual.rows(TABLE))
        self.assertEqual([macro for macro, _ in rows],
                         ['OPTION_NUMBER'] * 4 + ['OPTION_TEXT', 'FOREIGN_NAME'])
        self.assertEqual(rows[0][1][:4], ['space_bytes', 'NEAP_SPACE', 'BYTES', '64 * MIB'])
        self.assertEqual(rows[0][1][-2:], ['space, or (rather) room',
                                           'First, "second" third.\n\nAnother paragraph.'])

    def test_options_are_described(self):
        self.assert_says(
            '*NEAP_SPACE*=_SIZE_\n\tSpace, or (rather) room. Default *64MiB*; from *1MiB* to *1TiB*,'
            ' a multiple of *64KiB*.\n\n\tFirst, "second" third.\n\n\tAnother paragraph.\n\n',
            '*NEAP_WAIT*=_DURATION_\n\tHow long. Default *1500ms*; from *0* to *1us*, or *off*.\n',
            '*NEAP_MOST*=_LIMIT_\n\tHow much. Default *auto*; from *1* to *4KiB*, or *auto*, or *off*.\n',
            '*NEAP_QUIET*=_SWITCH_\n\tSilence. Default *on*.\n',
            '*NEAP_LOG*=_FILE_\n\tWhere to write.\n')
        self.assertNotIn('NEAP_SCRIPTS', gen_env_manual.page(TABLE))

    def test_only_units_in_use_are_explained(self):
        self.assert_says('\n_SIZE_\n', '\n_DURATION_\n', '\n_SWITCH_\n', '\n_FILE_, _FOLDER_\n')
        self.assertNotIn('_COUNT_', gen_env_manual.page(TABLE))

    def test_a_stale_page_is_noticed(self):
        with trees.Tree({'src/config/option.def': TABLE, 'docs/man/neap-env.7.scd': ''}) as root:
            (root / 'dev').mkdir()
            for name in ('gen_env_manual.py', 'c_source.py'):
                (root / 'dev' / name).write_text((trees.ROOT / 'dev' / name).read_text())

            def run(option):
                return subprocess.run(['/usr/bin/python3', root / 'dev/gen_env_manual.py', option],
                                      capture_output=True, check=False).returncode
            self.assertEqual([run('--check'), run('--write'), run('--check'), run('--wirte')],
                             [1, 0, 0, 2])


if __name__ == '__main__':
    unittest.main()
