"""ruby: JSON, Marshal, strings, hashes, threads, fork, compaction of its heap"""

VERSION = ['ruby', '--version']


def workload(side):
    output = side.run(['ruby', side.load('stress.rb'), 6], keep='sums')
    side.summary = f'{len(output.splitlines())} sums'
