"""xz: compresses 24 MB with two threads, 6 MB with one, and back"""
from driver.data import write_mixed_text

VERSION = ['xz', '--version']
QUICK = True


def workload(side):
    write_mixed_text(side,  'data', megabytes=24)
    side.run(['xz', '-T2', '-1', '--block-size=4MiB', '-k', 'data'])
    write_mixed_text(side,  'less', megabytes=6)
    side.run(['xz', '-T1', '-6', '-c', 'less'], keep='one-thread.xz')
    side.run(['xz', '-T2', '-dc', 'data.xz'], keep='back')
    side.keep_digests('files', [side.work / 'data', side.work / 'data.xz'])
    side.run(['cmp', 'data', side.results / 'back'])
    side.summary = 'compressed twice and back, same bytes'
