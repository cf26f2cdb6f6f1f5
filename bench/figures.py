"""From the lines that the bench programs print to figures: medians, spreads and ratios.

Nothing here runs anything or knows how a table looks.
"""
import collections
import re
import statistics

SPEED_KEY = ('kernel', 'shape', 'pattern', 'op', 'heap')


def parse_line(line):
    """'figure a=1 b=x' is ('figure', {'a': '1', 'b': 'x'})."""
    words = line.split()
    return words[0], dict(word.split('=', 1) for word in words[1:])


def parse(output, figure):
    rows = [parse_line(line) for line in output.splitlines() if line.strip()]
    return [values for name, values in rows if name == figure]


def spread(values):
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values),
            'n': len(values)}


def group(rows, key):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in key)].append(row)
    return groups


def speed_figures(rows):
    """One per cell and heap size: ns for an allocation and a free, over all placements."""
    figures = []
    for key, cell_rows in group(rows, SPEED_KEY).items():
        placements = group(cell_rows, ('placement',))
        figure = dict(zip(SPEED_KEY, key))
        figure.update(spread([float(row['ns']) for row in cell_rows]))
        figure['medians_by_placement'] = [
            statistics.median(float(row['ns']) for row in placements[placement])
            for placement in sorted(placements)]
        figures.append(figure)
    return figures


def instruction_figures(profiles):
    """One per cell and heap size: instructions for an allocation and a free, from profiles."""
    figures = []
    for text in profiles:
        label = re.search(r'^desc: Trigger: Client Request: (speed .*)$', text, re.M)
        total = re.search(r'^(?:summary|totals): (\d+)', text, re.M)
        if label is None or total is None:
            continue
        _, values = parse_line(label.group(1))
        values['instructions'] = round(int(total.group(1)) / int(values.pop('pairs')))
        figures.append(values)
    return figures


def growth_figures(rows):
    counts = ('faults', 'reserve', 'prepare', 'unuse', 'release', 'advise')
    figures = []
    for (kind,), kind_rows in group(rows, ('kind',)).items():
        figure = {'kind': kind}
        figure.update(spread([float(row['ms']) for row in kind_rows]))
        for name in counts:
            figure[name] = statistics.median_low(int(row[name]) for row in kind_rows)
        figures.append(figure)
    return figures


def strace_calls(summary):
    """Calls by name, from the table that strace -c prints."""
    calls = {}
    for line in summary.splitlines():
        fields = line.split()
        if len(fields) >= 5 and re.fullmatch(r'[\d.]+', fields[0]) and fields[-1] != 'total':
            calls[fields[-1]] = int(fields[3])
    return calls


def metadata_figures(rows):
    figures = []
    for row in rows:
        figure = {name: int(row[name]) for name in ('heap_mib', 'record', 'resident', 'booked')}
        figure['state'] = row['state']
        figure['percent'] = 100 * figure['resident'] / (figure['heap_mib'] << 20)
        figures.append(figure)
    return figures


def holes_figures(rows):
    figures = []
    for (who,), who_rows in group(rows, ('who',)).items():
        figure = {'who': who}
        for name in ('live', 'estimate', 'resident'):
            figure[name] = spread([int(row[name]) for row in who_rows])
        figures.append(figure)
    return figures


def steps_figures(rows):
    figures = []
    for (who,), who_rows in group(rows, ('who',)).items():
        sizes = [int(row['sys']) for row in who_rows]
        steps = [after - before for before, after in zip(sizes, sizes[1:]) if after > before]
        figures.append({'who': who, 'first': sizes[0], 'last': sizes[-1], 'n_steps': len(steps),
                        'smallest': min(steps), 'median': statistics.median(steps),
                        'largest': max(steps)})
    return figures


def find(figures, **wanted):
    for figure in figures:
        if all(figure[name] == value for name, value in wanted.items()):
            return figure
    return None
