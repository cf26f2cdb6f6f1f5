"""C++ program: linked statically with libneap.a: new and delete, exceptions, threads"""
from driver.linking import run_all

VERSION = ['g++', '--version']
PROGRAMS = ['nm']
QUICK = True
IS_LINKED = True


def workload(side):
    run_all(side, ['g++', '-std=c++17', '-Wno-alloc-size-larger-than'], 'work.cc', 20,
            [('static', ['-static'], False), ('static-pie', ['-static-pie'], False),
             ('static-whole', ['-static'], True),
             ('libstdc++-only', ['-static-libstdc++', '-static-libgcc', '-rdynamic'], False)])
