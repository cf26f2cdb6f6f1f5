"""gcc: compiles a generated program of 150 functions; objects byte for byte"""
from driver.compiling import compile_generated

VERSION = ['gcc', '--version']
PROBES = [['gcc', '-O2', '-x', 'c', '-', '-o', '/dev/null']]
QUICK = True


def workload(side):
    compile_generated(side, 'gcc', 'c', 150, [['-O2', '-g']])
