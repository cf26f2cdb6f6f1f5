#!/usr/bin/python3
"""Does docs/promises.md name all promises, and do the tests that it names exist?

usage: dev/promises.py

A row is `| P-n | promise | shown by | figure | not promised |`. In "shown by" stand, in backticks,
files, files with a name or sentence that must be found in them (`file: name`), and commands of the
Makefile (`make x`). A row that names nothing must say in its last cell what is missing. Prints how
much test there is for each line of the library, which is promise P-8.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBERS = [*range(1, 9), *range(10, 18), *range(20, 26), *range(30, 40), *range(50, 63),
           *range(70, 73)]
TEST_SHARE_MIN = 2.0   # P-8


def rows_of(text):
    """Number of the promise -> its other cells."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if match := re.fullmatch(r'P-(\d+)', cells[0]):
            rows[int(match.group(1))] = cells[1:]
    return rows


def complaint_about(root, named):
    """What is wrong with one thing named, or None."""
    if named.startswith('make '):
        makefile = (root / 'Makefile').read_text()
        known = re.search(rf'^{re.escape(named[5:])}:', makefile, re.M)
        return None if known else f'the Makefile has no target {named[5:]}'
    name, _, inside = named.partition(': ')
    path = root / name
    if not path.exists():
        return f'there is no {name}'
    if inside and inside not in path.read_text():
        return f'{name} has no "{inside}"'
    return None


def check(root, text):
    """Complaints."""
    rows = rows_of(text)
    complaints = [f'P-{n} is missing' for n in NUMBERS if n not in rows]
    complaints += [f'P-{n} is no promise known to dev/promises.py' for n in rows
                   if n not in NUMBERS]
    for number, cells in rows.items():
        if len(cells) != 4:
            complaints.append(f'P-{number} has {len(cells)} cells, not 4')
            continue
        named = re.findall(r'`([^`]+)`', cells[1])
        if not named and not cells[3]:
            complaints.append(f'P-{number} names no test and does not say why')
        complaints += [f'P-{number}: {complaint}' for one in named
                       if (complaint := complaint_about(root, one))]
    return complaints


def lines_in(root, *folders):
    return sum(len(path.read_text().splitlines()) for folder in folders
               for path in (root / folder).rglob('*') if path.suffix in ('.c', '.h', '.cc', '.def'))


def test_share(root):
    """Lines of test for each line of the library."""
    return lines_in(root, 'test') / lines_in(root, 'src', 'include')


def main():
    document = ROOT / 'docs/promises.md'
    complaints = check(ROOT, document.read_text())
    share = test_share(ROOT)
    if share < TEST_SHARE_MIN:
        complaints.append(f'P-8: {share:.2f} lines of test for each of the library, not '
                          f'{TEST_SHARE_MIN}')
    for complaint in complaints:
        print(f'docs/promises.md: {complaint}')
    if not complaints:
        print(f'{len(NUMBERS)} promises; {share:.2f} lines of test for each of the library')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
