"""From figures to the text and the JSON of a report."""
import json

from harness import arithmetic

OUTSIDE_FIGURES = ('time', 'cpu', 'peak_resident', 'minor_page_faults', 'memory_system_calls')
TITLES = {'giving-back': 'Giving memory back', 'speed': 'Speed'}


def number(value):
    """Three digits that matter, never more than the number has before its point."""
    if value == 0:
        return '0'
    for least, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3)):
        if abs(value) >= least:
            return f'{value:.{digits}f}'
    return f'{value:.3g}'


def with_spread(figure):
    if figure['n'] == 1:
        return number(figure['median'])
    return f"{number(figure['median'])} ({number(figure['min'])}-{number(figure['max'])})"


def table(header, lines):
    """A Markdown table, columns as wide as what they hold; numbers to the right."""
    rows = [header] + lines
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]

    def text(row):
        first = row[0].ljust(widths[0])
        return '| ' + ' | '.join([first] + [cell.rjust(width) for cell, width
                                            in zip(row[1:], widths[1:])]) + ' |\n'
    rule = '|' + '|'.join(['-' * (widths[0] + 2)] + ['-' * (w + 1) + ':' for w in widths[1:]])
    return text(header) + rule + '|\n' + ''.join(text(row) for row in lines)


def cells_of(figures):
    """{(row, figure name): {peer: figure}} in order."""
    cells = {}
    for each in figures:
        cells.setdefault((each['row'], each['figure']), {})[each['peer']] = each
    return cells


def cell_text(figure, failures, show):
    """A cell says so where some or all of its runs failed."""
    if figure is None:
        return 'failed' if failures else '-'
    text = show(figure)
    return f'{text} [{len(failures)} failed]' if failures else text


def label(row, name, is_one_figure):
    return row if is_one_figure else f"{row}: {name.replace('_', ' ')}"


def lines_of(figures, peers, failures, show):
    cells = cells_of(figures)
    is_one_figure = len({name for _, name in cells}) == 1
    is_one_row = len({row for row, _ in cells}) == 1
    for (row, name), by_peer in cells.items():
        unit = next(iter(by_peer.values()))['unit']
        title = name.replace('_', ' ') if is_one_row and not is_one_figure \
            else label(row, name, is_one_figure)
        yield [title, unit] + [cell_text(by_peer.get(peer), failures.get((row, peer)), show)
                               for peer in peers]


def ratio_text(figure):
    """Where the best is zero, whoever is not has no ratio."""
    return '∞' if figure['ratio'] is None else f"{figure['ratio']:.2f}"


def mean_line(figures, peers):
    """Geometric means; * where a peer has no ratio in some of the rows."""
    means = arithmetic.means_by_peer(figures)
    n_all = len(cells_of(figures))
    present = {each['peer'] for each in figures}
    cells = [f'{means[peer][0]:.2f}{"*" if means[peer][1] < n_all else ""}' if peer in means
             else '∞' if peer in present else '-' for peer in peers]
    return ['**geometric mean**', 'ratio'] + cells


def two_tables(figures, peers, failures):
    """Ratios to the best of each row, then what was measured."""
    if not figures:
        return ''
    header = ['', 'unit'] + list(peers)
    compared = [each for each in figures if each['is_compared']]
    ratios = [[line[0], 'ratio'] + line[2:]
              for line in lines_of(compared, peers, failures, ratio_text)]
    if len({each['row'] for each in compared}) > 1:
        ratios.append(mean_line(compared, peers))
    values = lines_of(figures, peers, failures, with_spread)
    return ('Ratio to the best of each row:\n\n' + table(header, ratios)
            + '\nMedian (smallest-largest):\n\n' + table(header, list(values)))


def sections_of(row_figures):
    """Figures that workloads measured themselves, by section, in order."""
    sections = {}
    for each in row_figures:
        if each['figure'] not in OUTSIDE_FIGURES:
            sections.setdefault(each['section'], []).append(each)
    return sections


def without_section(figures):
    """In a section's own tables its rows need not repeat its name."""
    return [each | {'row': each['row'].removeprefix(each['section'] + ': ')} for each in figures]


def failures_without_section(failures, section):
    return {(row.removeprefix(section + ': '), peer): found
            for (row, peer), found in failures.items()}


def tables_in_short(figures):
    """[(title, figures)]: what a geometric mean is taken of. Where a section has one row, each
    of its figures stands for itself."""
    parts = {}
    for each in [each for each in figures if each['is_compared']]:
        title = each['figure'] if each['figure'] in OUTSIDE_FIGURES \
            else f"{each['section']}: {each['figure']}"
        parts.setdefault(title.replace('_', ' '), []).append(each)
    return parts.items()


def short_text(group, figures, peers):
    """Geometric means of the ratios, a line for each figure."""
    lines = []
    for title, chosen in tables_in_short(figures):
        if group == 'speed' or chosen[0]['figure'] not in OUTSIDE_FIGURES:
            n_rows = len({each['row'] for each in chosen})
            lines.append([title, str(n_rows)] + mean_line(chosen, peers)[2:])
    return table(['geometric mean of ratios to the best', 'rows'] + list(peers), lines)


def outside_text(figures, peers, failures, names):
    text = ''
    for name in names:
        chosen = [each for each in figures if each['figure'] == name]
        if chosen:
            text += (f"\n## {name.replace('_', ' ').capitalize()}\n\n"
                     + two_tables(chosen, peers, failures))
    return text


def sections_text(figures, peers, failures):
    text = ''
    for section, chosen in sections_of(figures).items():
        text += f'\n## {section.capitalize()}\n\n' + two_tables(
            without_section(chosen), peers, failures_without_section(failures, section))
    return text


def head_text(group, circumstances):
    lines = [[name, str(value)] for name, value in circumstances.items()]
    return (f'# {TITLES[group]}: what was measured\n\n'
            'Written by `make bench` (`bench/malloc/run`). What each row does, and what it does not '
            'say,\nstands in `bench/malloc/README.md`. Ratios are to the best of their row: 1.00 is '
            'the best.\n\n'
            f'![The same as a picture]({group}.svg)\n\n'
            + table(['', ''], lines))


def peers_text(found, missing):
    text = '\nMeasured: ' + '; '.join(f'{peer.name} ({peer.version})' for peer in found) + '.\n'
    for name, why in missing.items():
        text += f'\nNot measured: {name}: {why}.\n'
    return text


def failures_text(failures, left_out):
    text = ''
    for row, why in left_out.items():
        text += f'- {row}: left out: {why}\n'
    for (row, peer), found in failures.items():
        for why in sorted(set(found)):
            text += f'- {row}, {peer}: {found.count(why)} × {why}\n'
    return '\n## Failed or left out\n\n' + (text or 'Nothing.\n')


def report_text(group, results):
    """`results`: circumstances, found, missing, figures, failures, left_out."""
    peers = [peer.name for peer in results['found']]
    figures, failures = results['figures'], results['failures']
    outside = outside_text(figures, peers, failures, OUTSIDE_FIGURES if group == 'speed'
                           else OUTSIDE_FIGURES[1:])
    own = sections_text(figures, peers, failures)
    return (head_text(group, results['circumstances'])
            + peers_text(results['found'], results['missing'])
            + '\n## In short\n\n' + short_text(group, figures, peers)
            + '\n`*`: not of all rows: runs failed, or the best of a row is zero. '
            '`∞`: the best is zero, this is not.\n'
            + (outside + own if group == 'speed' else own + outside)
            + failures_text(failures, results['left_out']))


def json_text(results):
    """One figure a line, so that a change of results can be read."""
    parts = {
        'circumstances': results['circumstances'],
        'peers': {peer.name: {'version': peer.version, 'environment': {
            name: value.rpartition('/')[2] for name, value in peer.environment.items()}}
            for peer in results['found']},
        'missing': results['missing'],
        'left_out': results['left_out'],
        'commands': results['commands'],
        'figures': results['figures'],
        'failures': [{'row': row, 'peer': peer, 'why': found}
                     for (row, peer), found in results['failures'].items()],
    }
    texts = []
    for name, value in parts.items():
        if isinstance(value, list):
            lines = ',\n'.join('  ' + json.dumps(each) for each in value)
            texts.append(f'{json.dumps(name)}: [\n{lines}\n]')
        else:
            texts.append(f'{json.dumps(name)}: {json.dumps(value)}')
    return '{\n' + ',\n'.join(texts) + '\n}\n'
