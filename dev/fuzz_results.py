"""The document that says how much malloc has been fuzzed: docs/results/fuzz.md.

Its last table has a row for each run of an engine; everything above follows from the rows.
"""
import dataclasses

HEAD = '''# Fuzzing malloc

Written by `make fuzz`, which adds a row for each engine and adds up. An operation is one call of
malloc or one of its relatives, or a look at something, on the allocator and on the model in
`test/fuzz`, which are compared after each; an input is a sequence of operations (for `threads`, a
round after which all stand still). Edges are those of the library that an engine has seen in all
its runs so far, of those there are, functions that no malloc calls included.
'''
RUN_COLUMNS = ('date', 'commit', 'engine', 'seconds', 'inputs', 'operations', 'edges', 'findings')
SUM_COLUMNS = ('engine', 'runs', 'hours', 'inputs', 'operations', 'findings')


@dataclasses.dataclass
class Row:
    """One run of one engine."""
    date: str
    commit: str
    engine: str
    seconds: int
    inputs: int
    operations: int
    edges: str      # 'seen of all', or '' where an engine does not look
    findings: int

    def cells(self):
        return [self.date, self.commit, self.engine, f'{self.seconds}', f'{self.inputs:,}',
                f'{self.operations:,}', self.edges or '–', f'{self.findings}']


def row_of_cells(cells):
    date, commit, engine, seconds, inputs, operations, edges, findings = cells

    def number(text):
        return int(text.replace(',', ''))
    return Row(date, commit, engine, number(seconds), number(inputs), number(operations),
               '' if edges == '–' else edges, number(findings))


def parse(text):
    """The rows of the table of runs in a document."""
    rows = []
    is_inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        if tuple(cells) == RUN_COLUMNS:
            is_inside = True
        elif not line.startswith('|'):
            is_inside = False
        elif is_inside and not line.startswith('|--'):
            rows.append(row_of_cells(cells))
    return rows


def table(columns, rows):
    lines = ['| ' + ' | '.join(columns) + ' |', '|' + '---|' * len(columns)]
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows]) + '\n'


def sums(rows):
    """Rows of the table of sums: one for each engine, in order of appearance, and one of all."""
    engines = list(dict.fromkeys(row.engine for row in rows))
    groups = [(engine, [row for row in rows if row.engine == engine]) for engine in engines]
    return [[name, f'{len(group)}', f'{sum(row.seconds for row in group) / 3600:.1f}',
             f'{sum(row.inputs for row in group):,}', f'{sum(row.operations for row in group):,}',
             f'{sum(row.findings for row in group)}']
            for name, group in groups + [('all', rows)]]


def render(rows):
    return '\n'.join([HEAD, table(SUM_COLUMNS, sums(rows)), '## Runs\n',
                      table(RUN_COLUMNS, [row.cells() for row in rows])])


def add(path, row):
    """Adds a row to the document, which is made if it is not there."""
    rows = parse(path.read_text()) if path.exists() else []
    path.write_text(render(rows + [row]))
