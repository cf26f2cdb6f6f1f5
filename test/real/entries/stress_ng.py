"""stress-ng: its stressors of malloc, mappings, processes and threads, with --verify"""
import re

from driver.side import Failure

VERSION = ['stress-ng', '--version']
# Stressor, options of its own, operations. Without `brk`, which reads the page in front of the
# program's break: that is there only where malloc uses brk. What dies is started again and ends
# "successful"; so the operations are compared.
STRESSORS = (
    ('malloc', ['--malloc-bytes', '64K', '--malloc-max', '4000', '--malloc-touch'], 200000),
    ('malloc', ['--malloc-bytes', '8M', '--malloc-max', '500', '--malloc-pthreads', '4'], 40000),
    ('malloc', ['--malloc-bytes', '32M', '--malloc-thresh', '1M', '--malloc-max', '40'], 20000),
    ('bigheap', ['--bigheap-growth', '1M'], 200),
    ('vm', ['--vm-bytes', '32M', '--vm-method', 'all'], 100),
    ('mmap', ['--mmap-bytes', '16M'], 20),
    ('mremap', ['--mremap-bytes', '2M'], 100),
    ('madvise', [], 30),
    ('fork', [], 600),
    ('vfork', [], 600),
    ('pthread', [], 2000),
    ('qsort', ['--qsort-size', '65536'], 4),
    ('tree', ['--tree-size', '20000'], 2),
    ('hsearch', [], 40),
    ('bsearch', [], 40),
    ('str', [], 200),
    ('zlib', [], 20),
    ('regs', [], 200),
)


def workload(side):
    for number, (name, options, operations) in enumerate(STRESSORS):
        output = side.run(['stress-ng', f'--{name}', 2, f'--{name}-ops', operations, *options,
                           '--verify', '--metrics', '--timeout', '60', '--no-rand-seed',
                           '--oom-avoid', '--temp-path', side.work], with_stderr=True)
        text = output.decode(errors='replace')
        if re.search(r'stress-ng: (fail|error)', text) or 'successful run' not in text:
            raise Failure(f'{name}: {text}')
        done = re.search(rf'\] {name} +(\d+) ', text)
        is_enough = done and int(done.group(1)) >= operations
        side.keep(f'{number}-{name}', f'verified; all {operations} operations: {bool(is_enough)}')
    side.summary = f'{len(STRESSORS)} stressors verified'
