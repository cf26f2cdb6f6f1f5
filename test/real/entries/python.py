"""python3: JSON, pickle, re, sqlite3, zlib, XML, threads and processes"""

VERSION = ['/usr/bin/python3', '--version']
QUICK = True


def workload(side):
    side.run(['/usr/bin/python3', side.load('stress.py'), 3], keep='sums',
             env={'PYTHONMALLOC': 'malloc'})
    side.summary = '33 sums'
