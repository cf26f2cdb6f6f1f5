"""C program with musl: linked with libneap.a, static, and with musl as a shared library"""
from driver.linking import run_all
from driver.side import find_program

VERSION = ['gcc', '--version']
PROGRAMS = ['musl-gcc', 'nm']
QUICK = True
IS_LINKED = True


def workload(side):
    run_all(side, [find_program('musl-gcc'), '-std=gnu17'], 'work.c', 30000,
            [('static', ['-static'], False), ('static-whole', ['-static'], True),
             ('shared', [], False)])
