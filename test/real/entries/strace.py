"""strace: follows threads and children; the program's output, and its calls end as they should"""
import re

from driver.side import Failure

VERSION = ['strace', '--version']
PROBES = [['ls', '/dev/null']]
PROGRAMS = ['gcc']


def workload(side):
    side.plain(['gcc', '-g', '-O1', '-pthread', side.load('work.c'), '-o', 'work'])
    preload = ['-E', f'LD_PRELOAD={side.library}'] if side.library else []
    side.run(['strace', '-f', '-o', 'log', *preload, './work', 3000], keep='output', under=False)
    log = (side.work / 'log').read_text(errors='replace')
    if side.library and f'openat(AT_FDCWD, "{side.library}"' not in log:
        raise Failure('the library was not opened')
    failed = re.findall(r'\b(mmap|munmap|mprotect|madvise|brk|mremap)\(.*\) = -1 (\w+)', log)
    side.keep('failed-calls', ''.join(f'{call} {error}\n' for call, error in failed))
    side.keep('ends', '\n'.join(sorted(re.findall(r'\+\+\+ .* \+\+\+', log))))
    side.summary = 'output, no failed call on memory'
