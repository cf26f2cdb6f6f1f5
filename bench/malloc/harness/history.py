"""Geometric means of past full runs, so that a change can be seen: docs/results/history.md.

One line per run and figure, the newest run at the end; a run is named by its commit and date.
"""
from harness import arithmetic, report
from harness.peers import NEAP

HEAD = '''# Past runs

Written by `make bench`: geometric means of neap's ratios to the best of each row, 1.00 is the best, and the
smallest mean of the others. Runs on other machines are comparable only with care.

| date | commit | CPU | figure | rows | neap | best of the others |
|---|---|---|---|---:|---:|---|
'''


def best_other(means):
    others = [(mean, peer) for peer, (mean, _) in means.items() if peer != NEAP]
    return '{1} {0:.2f}'.format(*min(others)) if others else '-'


def lines_of(group, results):
    facts = results['circumstances']
    for title, figures in report.tables_in_short(results['figures']):
        if group != 'speed' and figures[0]['figure'] in report.OUTSIDE_FIGURES:
            continue
        means = arithmetic.means_by_peer(figures)
        if NEAP in means:
            n_rows = len({each['row'] for each in figures})
            yield (f"| {facts['date']} | {facts['commit']} | {facts['CPU']} | {group}: {title} | "
                   f'{n_rows} | {means[NEAP][0]:.2f} | {best_other(means)} |\n')


def with_run(text, group, results):
    """The file's text after a run; a run that is there already is replaced."""
    facts = results['circumstances']
    mark = f"| {facts['date']} | {facts['commit']} | {facts['CPU']} | {group}: "
    kept = ''.join(line for line in (text or HEAD).splitlines(keepends=True)
                   if not line.startswith(mark))
    return kept + ''.join(lines_of(group, results))
