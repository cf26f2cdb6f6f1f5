"""perl: its core tests (t/base cmd comp mro op re uni); the outcome of every test"""
import concurrent.futures
import os
import re
import subprocess

VERSION = ['perl', '-e', 'print "perl $^V\n"']
SOURCES = ['perl']
LIMIT_S = 1800
FOLDERS = ('base', 'cmd', 'comp', 'mro', 'op', 're', 'uni')
# Minutes for one thing each, or dependent on the clock; op/magic.t writes to pipes that may be
# closed already and ends of it under any malloc.
LEFT_OUT = {'re/anyof.t', 're/user_prop_race_thr.t', 're/regexp_qr_embed_thr.t', 'op/alarm.t',
            'op/magic.t', 'op/time.t', 'op/time_loop.t', 'op/sleep.t', 're/speed.t',
            're/speed_thr.t'}


def run_file(side, folder, name):
    """Outcomes of one test file: its numbered tests and its end."""
    done = subprocess.run(['perl', name], cwd=folder, env=side.environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    lines = re.findall(r'^(not ok|ok) (\d+)', done.stdout.decode(errors='replace'), re.M)
    outcomes = {f'{name} {number}': 'passed' if word == 'ok' else 'failed'
                for word, number in lines}
    outcomes[name] = f'with exit status {done.returncode}'
    return outcomes


def workload(side):
    tests = side.unpack('perl') / 't'
    kit = tests / 'test.pl'
    # The tests look for a perl built beside them; this one is installed and keeps its own @INC.
    kit.write_text(kit.read_text().replace('sub set_up_inc {', 'sub set_up_inc { return;'))
    names = sorted(str(path.relative_to(tests)) for folder in FOLDERS
                   for path in (tests / folder).glob('*.t'))
    outcomes = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda name: run_file(side, tests, name),
                              [name for name in names if name not in LEFT_OUT]):
            outcomes |= found
    side.keep_outcomes('outcomes', outcomes)
