"""What is measured: the rows of the tables, by group, with the sizes of a full and a quick run.

Nothing here runs anything.
"""
import collections
import shlex

# A row is a workload with its options, or (program) a real program with its words, in which {work},
# {load}, {here} and {options} are filled in. `section` gathers rows whose own figures stand in one
# table. `traced` rows run once more under strace, which counts calls between two marks or all.
Row = collections.namedtuple('Row', 'group section name program words options quick rounds traced')

GIVING_BACK, SPEED = 'giving-back', 'speed'
GROUPS = (GIVING_BACK, SPEED)
FULL, QUICK, SMALLEST = 'full', 'quick', 'smallest'
SIZES = (FULL, QUICK, SMALLEST)
MARKED, WHOLE = 'marked', 'whole'   # what of a run is traced

ROUNDS = 5
WARM_MIB = 1536
SMALLEST_MIB = 16        # how much the smallest runs use: to see that everything works
SMALLEST_SECONDS = 1


def workload(group, section, name, options, quick, rounds=ROUNDS, traced=None):
    return Row(group, section, name, None, ('workload', section), options, quick, rounds, traced)


def peak_idle_rows():
    section = 'peak-idle'
    quick = {'mib': 256, 'seconds': 2}
    for label, largest in (('16 B-64 KiB', 65536), ('16 B-1 KiB', 1024)):
        for threads, other in ((1, 0), (4, 0), (1, 1), (4, 1)):
            name = f'{label}, {threads} thread{"s" if threads > 1 else ""}'
            name += ', freed by another' if other else ''
            is_quick = (threads, other) == (1, 0) or (largest, threads, other) == (65536, 4, 1)
            yield workload(GIVING_BACK, section, name,
                           {'mib': 1024, 'max': largest, 'threads': threads, 'other': other,
                            'seconds': 10}, quick if is_quick else None, 3)


def giving_back_rows():
    yield from peak_idle_rows()
    for kib in (16, 64, 256, 1024):
        yield workload(GIVING_BACK, 'holes', f'{kib} KiB', {'kib': kib}, {})
    yield workload(GIVING_BACK, 'service', 'six days of load, 2 threads', {'seconds': 120, 'mib': 512},
                   {'seconds': 4, 'mib': 96}, 2)
    yield redis_days_row()
    yield workload(GIVING_BACK, 'latency', 'grows and shrinks, 2 threads', {'mib': 2048}, {'mib': 512})
    yield workload(GIVING_BACK, 'steady', 'as much live all the time, 2 threads', {'mib': 256, 'seconds': 10},
                   {'mib': 64, 'seconds': 1}, 3, traced=MARKED)


def redis_days_row():
    words = ('{here}/redis_days.sh', '{seconds}', '{mib}')
    return Row(GIVING_BACK, 'redis', 'keys that expire in the evening', 'redis-server', words,
               {'seconds': 60, 'mib': 256}, {'seconds': 3, 'mib': 32}, 2, None)


# Class of programs, what to show, workload, options of a full run, `times` of a quick one (None: has none).
LOOPS = (
    ('tiny objects', 'expressions', 'expressions', {'times': 400}, 60),
    ('tiny objects', 'polynomials', 'polynomials', {'times': 20000}, 3000),
    ('long runs of frees', 'forwards', 'free-runs', {'times': 6, 'objects': 500000, 'order': 0}, 1),
    ('long runs of frees', 'backwards', 'free-runs', {'times': 6, 'objects': 500000, 'order': 1},
     1),
    ('long runs of frees', 'shuffled', 'free-runs', {'times': 6, 'objects': 500000, 'order': 2},
     1),
    ('random', '16 B-1 KiB', 'random', {'times': 60, 'max': 1024}, 6),
    ('random', '16 B-1 KiB, 2 threads', 'random', {'times': 40, 'max': 1024, 'threads': 2}, 3),
    ('random', '16 B-64 KiB, 2 threads', 'random',
     {'times': 100, 'objects': 4000, 'max': 65536, 'threads': 2}, 10),
    ('exchange', 'successors, 16 B-1 KiB', 'relay', {'times': 300, 'max': 1024}, 40),
    ('exchange', 'successors, 16 B-16 KiB', 'relay', {'times': 100, 'max': 16384}, 15),
    ('exchange', 'messages', 'messages', {'times': 3000000}, 400000),
    ('producer and consumer', 'one pair', 'queue', {'times': 5000000}, 600000),
    ('producer and consumer', 'two pairs, to 16 KiB', 'queue',
     {'times': 1000000, 'max': 16384, 'pairs': 2}, 100000),
    ('batches', 'of 100', 'batches', {'times': 300000, 'objects': 100}, 30000),
    ('batches', 'of 10 000', 'batches', {'times': 3000, 'objects': 10000}, 200),
    ('vectors', 'grow by half', 'vectors', {'times': 8, 'growth': 150}, 1),
    ('vectors', 'grow by 64 bytes', 'vectors', {'times': 20, 'vectors': 50, 'growth': 0}, 3),
    ('5-25 MiB', 'all pages touched', 'large', {'times': 800, 'touch': 1}, 100),
    ('5-25 MiB', 'the ends touched', 'large', {'times': 100000, 'touch': 0}, 10000),
    ('many threads', 'a thousand at once', 'crowd', {'times': 8}, 1),
    ('many threads', 'four at once, short-lived', 'come-and-go', {'times': 4000}, 400),
    ('false sharing', 'own objects', 'sharing', {'times': 2000000, 'passive': 0}, 200000),
    ('false sharing', 'given side by side', 'sharing', {'times': 2000000, 'passive': 1}, 200000),
    ('long-running', 'a mix that fragments', 'fragment', {'times': 60, 'mib': 32}, 6),
    ('threads that share nothing', 'one per CPU beside one', 'scaling', {'times': 100}, 10),
    ('idle threads', 'a thousand that did a little', 'sleepers', {}, None),
    ('small programs', 'no malloc', 'start', {'mallocs': 0}, None),
    ('small programs', 'one malloc', 'start', {'mallocs': 1}, None),
    ('small programs', 'a hundred mallocs', 'start', {'mallocs': 100}, None),
    ('C++', 'sized delete', 'delete', {'times': 600, 'sized': 1}, 60),
    ('C++', 'unsized delete', 'delete', {'times': 600, 'sized': 0}, 60),
    ('C++', 'containers', 'containers', {'times': 800}, 80),
)
CXX_WORKLOADS = ('delete', 'containers')

# What to show, the program that must be installed, its words, `times` of a full run (quick: 1).
LONG_PROGRAMS = ('python3', 'node', 'g++, C++')   # not in a quick run
PROGRAMS = (
    ('python3, all objects from malloc', 'python3',
     'env PYTHONMALLOC=malloc python3 {load}/stress.py {times}', 2),
    ('python3', 'python3', 'python3 {load}/stress.py {times}', 2),
    ('perl', 'perl', 'perl {load}/stress.pl {times}', 12),
    ('lua', 'lua5.4', 'lua5.4 {load}/stress.lua {times}', 30),
    ('ruby', 'ruby', 'ruby {load}/stress.rb {times}', 2),
    ('node', 'node', 'node {load}/stress.js {times}', 2),
    ('gcc, C', 'gcc', 'gcc -O2 -c {work}/big.c -o {work}/big.o', 1),
    ('g++, C++', 'g++', 'g++ -O1 -c {work}/big.cc -o {work}/big.o', 1),
    ('sqlite3', 'sqlite3', 'sqlite3 :memory: .read\\ {load}/stress.sql', 1),
    ('true, 200 times', 'true', '{here}/start.sh {times}', 5),
    ('redis-server', 'redis-server', '{here}/redis.sh {work}/redis-commands', 1),
)


def speed_rows():
    for section, name, words, options, times in LOOPS:
        program = 'workload_cxx' if words in CXX_WORKLOADS else 'workload'
        quick = {} if times is None else {'times': times}
        yield Row(SPEED, section, name, None, (program, words), options, quick, ROUNDS, WHOLE)
    for name, program, words, times in PROGRAMS:
        yield Row(SPEED, 'program', name, program, tuple(shlex.split(words)), {'times': times},
                  None if name in LONG_PROGRAMS else {'times': 1}, ROUNDS, WHOLE)


def all_rows():
    return [*giving_back_rows(), *speed_rows()]


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
    is_long = row.group == GIVING_BACK or row.program is not None
    return 1 if size == SMALLEST or is_long else 3


def key(row):
    """The name of a row among all."""
    return f'{row.section}: {row.name}'


def is_traced(row, size):
    """Tracing all of everything is for a full run."""
    return row.traced == MARKED or row.traced == WHOLE and size == FULL


def rows_at(size, groups=GROUPS, word=''):
    """Rows with a part in a run of a size whose group is wanted and whose name has a word in it."""
    return [row for row in all_rows() if row.group in groups and options_at(row, size) is not None
            and word in key(row)]


def turn(members, n_round, n_row):
    """Whose turn it is: everybody is first once in a while, every other round goes backwards."""
    at = (n_round // 2 + n_row) % len(members) if members else 0
    order = members[at:] + members[:at]
    return order if n_round % 2 == 0 else order[::-1]
