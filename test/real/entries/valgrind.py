"""valgrind: memcheck, helgrind and drd with the library beside it, and memcheck on top of it"""
import re

from driver.side import Failure

VERSION = ['valgrind', '--version']
PROBES = [['ls', '/dev/null']]   # valgrind itself is static; what runs below it is not
PROGRAMS = ['gcc']
TOOLS = (('memcheck', ['--leak-check=full', '--errors-for-leak-kinds=all']),
         ('memcheck-above', ['--soname-synonyms=somalloc=nouserintercepts']),
         ('helgrind', ['--tool=helgrind']),
         ('drd', ['--tool=drd']))
WRONG = '''#include <stdlib.h>
int main(void) { volatile char *p = malloc(40); char c = p[40]; free((void *)p); return c == 77; }
'''


def workload(side):
    (side.work / 'wrong.c').write_text(WRONG)
    side.plain(['gcc', '-g', '-O1', '-pthread', side.load('work.c'), '-o', 'work'])
    side.plain(['gcc', '-g', '-O0', 'wrong.c', '-o', 'wrong'])
    for name, options in TOOLS:
        log = side.work / f'{name}.log'
        side.run(['valgrind', '-v', *options, f'--log-file={log}', './work', 400], keep=name)
        if side.library and f'Reading syms from {side.library}' not in log.read_text():
            raise Failure(f'{name}: the library is not there')
        errors = re.findall(r'ERROR SUMMARY: (\d+) errors', log.read_text())
        side.keep(f'{name}-errors', ' '.join(errors))
    side.run(['valgrind', f'--log-file={side.work}/wrong.log', './wrong'])
    wrong = (side.work / 'wrong.log').read_text()
    side.keep('wrong', ' '.join(re.findall(r'Invalid read of size \d|ERROR SUMMARY: \d+', wrong)))
    side.summary = f'{len(TOOLS)} tools; a wrong read is found'
