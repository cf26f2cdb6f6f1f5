"""gdb: starts a program, stops in malloc, shows the stack, calls into it, goes on to the end"""
import re

from driver.side import Failure

VERSION = ['gdb', '--version']
PROBES = [['ls', '/dev/null']]
PROGRAMS = ['gcc']


def workload(side):
    side.plain(['gcc', '-g', '-O1', '-pthread', side.load('work.c'), '-o', 'work'])
    preload = side.environment().get('LD_PRELOAD', '')
    commands = ['set confirm off', 'set pagination off', 'set debuginfod enabled off',
                f'set exec-wrapper env LD_PRELOAD={preload}', 'set breakpoint pending on',
                'tbreak run_all', 'run 2000 >output', 'tbreak malloc', 'continue',
                'info symbol $pc', 'backtrace', 'finish',
                'print (int)malloc_usable_size($) > 0', 'continue', 'info inferiors']
    text = side.run(['gdb', '-nx', '-batch', *[word for command in commands
                                                 for word in ('-ex', command)], './work'], under=False,
                      with_stderr=True).decode(errors='replace')
    (side.work / 'gdb.log').write_text(text)
    where = re.search(r'malloc(?: \+ \d+)? in section \.\w+ of (\S+)', text)
    if not where:
        raise Failure(f'gdb does not stop in malloc:\n{text[-3000:]}')
    if side.library and where.group(1) != str(side.library):
        raise Failure(f'the malloc in which gdb stops is that of {where.group(1)}')
    if not re.search(r'^#0 .*malloc[^$]*^#\d+ .*\b(?:get|run|run_all) \(', text, re.M):
        raise Failure(f'no stack through malloc:\n{text[-3000:]}')
    if not re.search(r'exited normally', text):
        raise Failure(f'the program does not end under gdb:\n{text[-3000:]}')
    side.keep('output', (side.work / 'output').read_bytes())
    side.summary = 'stops in malloc, shows the stack, goes on'
