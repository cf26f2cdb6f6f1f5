"""What is measured: the rows of the tables, by group, with the sizes of a full and a quick run.

Nothing here runs anything.
"""
import collections

# A row is a workload with its options, or (program) a real program with its words. `section`
# gathers rows whose own figures stand in one table; `traced` rows run once more under strace.
Row = collections.namedtuple('Row', 'group section name program words options quick rounds traced')

GIVING_BACK, SPEED = 'giving-back', 'speed'
GROUPS = (GIVING_BACK, SPEED)
FULL, QUICK, SMALLEST = 'full', 'quick', 'smallest'
SIZES = (FULL, QUICK, SMALLEST)

ROUNDS = 5
WARM_MIB = 1536
SMALLEST_MIB = 16        # how much the smallest runs use: to see that everything works
SMALLEST_SECONDS = 1


def workload(group, section, name, options, quick, rounds=ROUNDS, traced=False):
    return Row(group, section, name, None, (section,), options, quick, rounds, traced)


def peak_idle_rows():
    section = 'peak-idle'
    quick = {'mib': 256, 'seconds': 2}
    for label, largest in (('16 B-64 KiB', 65536), ('16 B-1 KiB', 1024)):
        for threads, other in ((1, 0), (4, 0), (1, 1), (4, 1)):
            name = f'{label}, {threads} thread{"s" if threads > 1 else ""}'
            name += ', freed by another' if other else ''
            is_quick = (threads, other) == (1, 0) or (largest, threads) == (65536, 4)
            yield workload(GIVING_BACK, section, name,
                           {'mib': 1024, 'max': largest, 'threads': threads, 'other': other,
                            'seconds': 10}, quick if is_quick else None, 3)


def giving_back_rows():
    yield from peak_idle_rows()
    for kib in (16, 64, 256, 1024):
        yield workload(GIVING_BACK, 'holes', f'{kib} KiB', {'kib': kib}, {})
    yield workload(GIVING_BACK, 'service', 'six days of load, 2 threads', {'seconds': 120, 'mib': 512},
                   {'seconds': 6, 'mib': 128}, 2)
    yield workload(GIVING_BACK, 'latency', 'grows and shrinks, 2 threads', {'mib': 2048}, {'mib': 512})
    yield workload(GIVING_BACK, 'steady', 'as much live all the time, 2 threads', {'mib': 256, 'seconds': 10},
                   {'mib': 64, 'seconds': 1}, 3, traced=True)


def all_rows():
    return [*giving_back_rows()]


def options_at(row, size):
    """The options of a row at a size; None where it has no part in a run of that size."""
    if size == FULL:
        return dict(row.options)
    if row.quick is None:
        return None
    options = row.options | row.quick
    if size == SMALLEST:
        smallest = {'mib': SMALLEST_MIB, 'seconds': SMALLEST_SECONDS, 'times': 1}
        options |= {name: value for name, value in smallest.items() if name in options}
    return options


def rounds_at(row, size):
    if size == FULL:
        return row.rounds
    return 1 if size == SMALLEST or row.group == GIVING_BACK else 3


def rows_at(size, groups=GROUPS, word=''):
    """Rows with a part in a run of a size whose group is wanted and whose name has a word in it."""
    return [row for row in all_rows() if row.group in groups and options_at(row, size) is not None
            and word in f'{row.section} {row.name}']


def turn(members, n_round, n_row):
    """Whose turn it is: everybody is first once in a while, every other round goes backwards."""
    at = (n_round // 2 + n_row) % len(members) if members else 0
    order = members[at:] + members[:at]
    return order if n_round % 2 == 0 else order[::-1]
