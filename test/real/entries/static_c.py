"""C program: linked statically with libneap.a: threads, a child, every function of the family"""
from driver.linking import run_all

VERSION = ['gcc', '--version']
PROGRAMS = ['nm']
QUICK = True
IS_LINKED = True


def workload(side):
    run_all(side, ['gcc', '-std=gnu17'], 'work.c', 60000,
            [('static', ['-static'], False), ('static-pie', ['-static-pie'], False),
             ('static-whole', ['-static'], True),
             ('sections-collected', ['-static', '-Wl,--gc-sections'], False)])
