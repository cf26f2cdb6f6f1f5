"""clang: compiles the programs of the gcc and g++ entries; objects byte for byte"""
from driver.compiling import compile_generated

VERSION = ['clang', '--version']
PROBES = [['clang', '-O2', '-x', 'c', '-c', '/dev/null', '-o', '/dev/null']]


def workload(side):
    compile_generated(side, 'clang', 'c', 150, [['-O2', '-g'], ['-Os']])
    compile_generated(side, 'clang++', 'cc', 6, [['-O2', '-g', '-std=c++17']])
    side.summary = 'three objects and three programs, same bytes'
