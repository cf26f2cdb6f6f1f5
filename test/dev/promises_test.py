"""dev/promises.py notices what is missing in docs/promises.md."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'dev'))
import promises   # noqa: E402


def document(changes=None):
    """A row for each promise; `changes`: number -> the row's cells, None: no row."""
    changes = changes or {}
    rows = []
    for number in promises.NUMBERS:
        cells = changes.get(number, 'a | `test/a_test.c` | | ')
        if cells is not None:
            rows.append(f'| P-{number} | {cells} |')
    return '\n'.join(rows)


class PromisesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / 'test').mkdir()
        (self.root / 'test/a_test.c').write_text('static void holds(void)')
        (self.root / 'Makefile').write_text('fuzz: ## fuzzes\n')

    def expect(self, changes, complaints):
        self.assertEqual(promises.check(self.root, document(changes)), complaints)

    def test_a_complete_document(self):
        self.expect({}, [])

    def test_a_promise_that_is_missing(self):
        self.expect({12: None}, ['P-12 is missing'])

    def test_a_promise_that_is_not_known(self):
        text = document() + '\n| P-9 | a | `test/a_test.c` | | |'
        self.assertEqual(promises.check(self.root, text),
                         ['P-9 is no promise known to dev/promises.py'])

    def test_a_file_that_is_not_there(self):
        self.expect({1: 'a | `test/b_test.c` | | '}, ['P-1: there is no test/b_test.c'])

    def test_a_name_that_is_not_in_the_file(self):
        self.expect({1: 'a | `test/a_test.c: holds` | | '}, [])
        self.expect({1: 'a | `test/a_test.c: breaks` | | '},
                    ['P-1: test/a_test.c has no "breaks"'])

    def test_a_command(self):
        self.expect({1: 'a | `make fuzz` | | '}, [])
        self.expect({1: 'a | `make sure` | | '}, ['P-1: the Makefile has no target sure'])

    def test_no_test_and_no_reason(self):
        self.expect({1: 'a | | | '}, ['P-1 names no test and does not say why'])
        self.expect({1: 'a | | | not yet'}, [])

    def test_a_row_that_is_cut_short(self):
        self.expect({1: 'a | `test/a_test.c`'}, ['P-1 has 2 cells, not 4'])


if __name__ == '__main__':
    unittest.main()
