"""sanitizers: programs with those of gcc and clang, preloaded: work, or are refused at once"""
import re
import subprocess

from driver.side import Failure

VERSION = ['gcc', '--version']
PROBES = [['ls', '/dev/null']]   # a sanitized program has the sanitizer's malloc
PROGRAMS = ['clang']
WRONG = '''#include <stdlib.h>
int main(void) { volatile char *p = malloc(40); char c = p[40]; free((void *)p); return c == 77; }
'''
# What the shared runtime of gcc says when any other library is preloaded before it. TSan's says it
# of a heap outside of the addresses it knows; other mallocs crash with it.
REFUSALS = {'gcc-address': 'ASan runtime does not come first in initial library list',
            'gcc-thread': 'ThreadSanitizer: unexpected memory mapping'}


def start(side, name, *words):
    return subprocess.run([f'./{name}', *words], cwd=side.work, env=side.environment(),
                          capture_output=True, text=True, errors='replace', check=False)


def check_program(side, name, plain_output):
    """Either the program works as without a sanitizer, or the sanitizer refuses; what was it?"""
    done = start(side, name, '300')
    if done.returncode == 0 and done.stdout == plain_output:
        return 'works'
    refusal = REFUSALS.get(name)
    if side.library and refusal and done.returncode > 0 and not done.stdout \
            and refusal in done.stderr:
        return 'refuses at once'
    raise Failure(f'{name}: status {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}')


def workload(side):
    (side.work / 'wrong.c').write_text(WRONG)
    side.plain(['gcc', '-O1', '-pthread', side.load('work.c'), '-o', 'plain'])
    plain_output = side.run(['./plain', 300], keep='output').decode()
    said = []
    for compiler in ('gcc', 'clang'):
        for sanitizer in ('address', 'undefined', 'thread'):
            name = f'{compiler}-{sanitizer}'
            side.plain([compiler, '-g', '-O1', '-pthread', f'-fsanitize={sanitizer}',
                        side.load('work.c'), '-o', name])
            what = check_program(side, name, plain_output)
            said.append(f'{name} {what}')
            if sanitizer == 'address' and what == 'works':
                side.plain([compiler, '-g', '-O0', '-fsanitize=address', 'wrong.c', '-o', 'wrong'])
                if not re.search('heap-buffer-overflow', start(side, 'wrong').stderr):
                    raise Failure(f'{name}: a wrong read is not found')
    side.summary = ', '.join(said)
