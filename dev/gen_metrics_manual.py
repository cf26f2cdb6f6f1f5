#!/usr/bin/python3
"""Writes docs/man/neap-metrics.7.scd, the manual page of the statistics, from
src/observe/statistics.def, and compares struct neap_stats of include/neap/neap.h with it.

usage: dev/gen_metrics_manual.py --write | --check
"""
import re
import sys

import c_source

TABLE = 'src/observe/statistics.def'
HEADER = 'include/neap/neap.h'
PAGE = 'docs/man/neap-metrics.7.scd'

ROW = re.compile(r'^STATISTIC\((\w+), "(\w+)", (\w+), "(\w*)",'
                 r' "((?:\\.|[^"\\])*)",\s*"([^"]*)"\)', re.M)
FIELD = re.compile(r'^    uint64_t (\w+);\s*/\* (.*?)(?:; UINT64_MAX: none)? \*/$', re.M)

BEFORE = '''\
neap-metrics(7)

; Written by dev/gen_metrics_manual.py from src/observe/statistics.def; do not edit.

# NAME

neap-metrics - the statistics of a process that runs neap

# DESCRIPTION

The same statistics are in *neap stat*, in its JSON and that of *neap_stats_print*(3), in struct
neap\\_stats and by name in *neap_metric_read*(3), and as metrics of OpenMetrics. Names ending in
\\_bytes are in bytes, in \\_ns in nanoseconds, others are counts. A *gauge* is a number at this
moment, a *counter* counts since the process began, a *limit* is missing where there is none.

object\\_bytes, free\\_slots\\_bytes, cached\\_bytes, free\\_ready\\_bytes and metadata\\_bytes add up to
resident\\_bytes. That is what neap has taken and not given back; pages that were handed out and never
touched are in it, but not in memory: *neap explain* tells how much that is. Objects are live memory
and rounding together, as neap does not write down how much of a size class was asked for.

# STATISTICS

'''

AFTER = '''\
# NOTES

Whoever reads a process from outside copies the words that these numbers are made of, and copies
again if pages were on their way from one book to another; so sums hold at any moment, also under
load. Threads count their objects each for itself, and are read one after the other: what follows
from that is as of some microseconds.

# SEE ALSO

*neap*(1), *neap*(3)
'''


def rows(text):
    return ROW.findall(text)


def metric(kind, name, labels):
    if not name:
        return 'no metric of its own, as it is the sum of others'
    labels = labels.replace('\\"', '"')
    text = f'neap_{name}' + ('_total' if kind == 'COUNTER' else '')
    text += f'{{{labels}}}' if labels else ''
    return text.replace('_', '\\_')


def page(table_text):
    text = ''
    for name, unit, kind, metric_name, labels, help_text in rows(table_text):
        if kind == 'CHECK':
            continue
        text += f'*{name}*\n\t{help_text[0].upper() + help_text[1:]}. '
        text += f'A {kind.lower()}{"" if unit == "count" else f", in {unit}"}; '
        text += metric(kind, metric_name, labels) + '.\n\n'
    return BEFORE + text + AFTER


def header_complaints(table_text, header_text):
    """Where the fields of the struct are not the rows of the table."""
    struct = re.search(r'^struct neap_stats \{\n(.*?)^\};', header_text, re.M | re.S)
    fields = FIELD.findall(re.sub(r'\n\s+\* ', ' ', struct.group(1))) if struct else []
    wanted = [(name, help_text) for name, _, kind, _, _, help_text in rows(table_text)
              if kind != 'CHECK']
    for row in [row for row in wanted if row not in fields]:
        yield f'{HEADER}: struct neap_stats has no "{row[0]}" with the comment "{row[1]}"'
    for field in [field for field in fields if field not in wanted]:
        yield f'{HEADER}: {field[0]}: no row of {TABLE} says so'


def main(arguments):
    root = c_source.tree_root()
    table = (root / TABLE).read_text()
    text = page(table)
    if arguments == ['--write']:
        (root / PAGE).write_text(text)
        return 0
    if arguments == ['--check']:
        complaints = list(header_complaints(table, (root / HEADER).read_text()))
        if not (root / PAGE).exists() or (root / PAGE).read_text() != text:
            complaints.append(f'{PAGE} is not what the table says:'
                              ' run dev/gen_metrics_manual.py --write')
        for complaint in complaints:
            print(complaint)
        return 1 if complaints else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
