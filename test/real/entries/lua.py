"""lua: tables, strings, patterns, coroutines, collection"""

VERSION = ['lua5.4', '-v']
QUICK = True


def workload(side):
    side.run(['lua5.4', side.load('stress.lua'), 60], keep='sums')
    side.summary = '5 sums'
