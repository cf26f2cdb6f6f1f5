"""g++: compiles generated C++ with templates of the standard library; objects byte for byte"""
from driver.compiling import compile_generated

VERSION = ['g++', '--version']
QUICK = True


def workload(side):
    compile_generated(side, 'g++', 'cc', 6, [['-O2', '-g', '-std=c++17']])
