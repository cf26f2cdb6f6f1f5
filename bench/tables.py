"""From figures to the text of the report."""
from figures import find

RATIO_MAX = 1.5
HEAPS = ('64MiB', '1GiB', '64GiB', '1TiB')
OPERATIONS = ('1', '2', '1-past', '2-past', '16', '512')


def table(header, rows):
    """Columns as wide as what they hold; the first to the left, the others to the right."""
    lines = [header] + rows
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return '\n'.join(
        '  '.join([line[0].ljust(widths[0])] +
                  [line[i].rjust(widths[i]) for i in range(1, len(header))]).rstrip()
        for line in lines) + '\n'


def block(text):
    return '```\n' + text + '```\n'


def with_spread(figure, digits=0):
    return (f"{figure['median']:.{digits}f} "
            f"({figure['min']:.{digits}f}-{figure['max']:.{digits}f})")


# ---- speed -------------------------------------------------------------------------------------

def ratio(large, small):
    return large['median'] / small['median']


def ratio_by_placement(large, small):
    return [a / b for a, b in
            zip(large['medians_by_placement'], small['medians_by_placement'])]


def instruction_columns(instructions, cell, heaps):
    found = [find(instructions, heap=heap, **cell) for heap in (heaps[0], heaps[-1])]
    if None in found:
        return ['-', '-', '-']
    small, large = (figure['instructions'] for figure in found)
    return [str(small), str(large), f'{large / small:.2f}']


def speed_rows(speed, instructions, kernel, shape, pattern):
    heaps = [heap for heap in HEAPS if find(speed, kernel=kernel, heap=heap)]
    rows = []
    for op in OPERATIONS:
        cell = {'shape': shape, 'pattern': pattern, 'op': op}
        found = [find(speed, kernel=kernel, heap=heap, **cell) for heap in heaps]
        if None in found:
            continue
        ratios = ratio_by_placement(found[-1], found[0])
        overall = ratio(found[-1], found[0])
        row = [op] + [with_spread(figure) for figure in found]
        row += [f'{overall:.2f}', f'{min(ratios):.2f}-{max(ratios):.2f}']
        row += instruction_columns(instructions, cell, heaps) if kernel == 'fake' else []
        row += ['over' if overall > RATIO_MAX else '']
        rows.append(row)
    header = ['pages'] + heaps + ['ratio', 'by placement']
    header += ['instr ' + heaps[0], 'instr ' + heaps[-1], 'ratio'] if kernel == 'fake' else []
    return header + [''], rows


def speed_section(speed, instructions, kernel, patterns):
    text = ''
    for shape in ('full', 'holes'):
        for pattern in patterns:
            header, rows = speed_rows(speed, instructions, kernel, shape, pattern)
            if rows:
                text += f'\n{shape}, {pattern}:\n\n' + block(table(header, rows))
    return text


def over_ratio(speed, patterns):
    """The cells of the fake kernel that cost more at 1 TiB than they may."""
    over = []
    for figure in speed:
        if figure['heap'] != HEAPS[-1] or figure['pattern'] not in patterns:
            continue
        cell = {name: figure[name] for name in ('kernel', 'shape', 'pattern', 'op')}
        small = find(speed, heap=HEAPS[0], **cell)
        if ratio(figure, small) > RATIO_MAX:
            over.append(f"{cell['shape']} {cell['pattern']} {cell['op']} "
                        f'({ratio(figure, small):.2f})')
    return over


# ---- the others --------------------------------------------------------------------------------

def growth_table(growth):
    bare = find(growth, kind='mmap')
    rows = []
    for figure in growth:
        rows.append([figure['kind'], with_spread(figure),
                     f"{figure['median'] / bare['median']:.2f}", str(figure['faults'])] +
                    [str(figure[name])
                     for name in ('reserve', 'prepare', 'unuse', 'release', 'advise')])
    return table(['step', 'ms', 'to mmap', 'faults', 'reserve', 'prepare', 'unuse', 'release',
                  'advise'], rows)


def strace_table(growth, strace):
    """Counted by ourselves beside what strace saw more than for one bare mmap."""
    rows = []
    for kind, calls in strace.items():
        if kind == 'mmap':
            continue
        more = {name: calls.get(name, 0) - strace['mmap'].get(name, 0)
                for name in ('mmap', 'mprotect', 'munmap', 'madvise')}
        counted = find(growth, kind=kind)
        rows.append([kind, str(counted['reserve']), str(more['mmap']), str(counted['prepare']),
                     str(more['mprotect']), str(more['munmap']), str(more['madvise'])])
    return table(['step', 'reserve', 'mmap', 'prepare', 'mprotect', 'munmap', 'madvise'], rows)


def metadata_table(metadata):
    limits = {'free': 0.2, 'in-use': 1.5}
    rows = []
    for figure in metadata:
        rows.append([f"{figure['heap_mib']} MiB", figure['state'], str(figure['record']),
                     str(figure['resident'] // 1024), str(figure['booked'] // 1024),
                     f"{figure['percent']:.3f} %", f"{limits[figure['state']]} %",
                     'over' if figure['percent'] > limits[figure['state']] else ''])
    return table(['heap', 'pages are', 'record', 'resident KiB', 'booked KiB', 'resident',
                  'limit', ''], rows)


def mib(figure):
    return (f"{figure['median'] / 2**20:.2f} "
            f"({figure['min'] / 2**20:.2f}-{figure['max'] / 2**20:.2f})")


def holes_table(holes):
    rows = []
    for figure in holes:
        live = figure['live']['median']
        rows.append([figure['who'], mib(figure['live']), mib(figure['estimate']),
                     f"{figure['estimate']['median'] / live:.3f}", mib(figure['resident']),
                     f"{figure['resident']['median'] / live:.3f}"])
    return table(['heap', 'live MiB', 'estimate MiB', 'to live', 'resident MiB', 'to live'], rows)


def steps_table(steps):
    rows = [[figure['who'], str(figure['n_steps'])] +
            [f'{figure[name] / 1024:.0f}' for name in ('smallest', 'median', 'largest')] +
            [f'{figure[name] / 2**20:.1f}' for name in ('first', 'last')] for figure in steps]
    return table(['heap', 'steps', 'smallest KiB', 'median KiB', 'largest KiB', 'first MiB',
                  'last MiB'], rows)
