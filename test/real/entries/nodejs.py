"""node: JSON, Buffers, zlib, brotli, crypto, Maps, typed arrays, workers"""

VERSION = ['node', '--version']


def workload(side):
    output = side.run(['node', side.load('stress.js'), 2], keep='sums')
    side.summary = f'{len(output.splitlines())} sums'
