"""sqlite3: upstream's speedtest1, linked with the installed library, results verified"""
import re

VERSION = ['sqlite3', '--version']
PROGRAMS = ['gcc']
SOURCES = ['sqlite3']
SIZE = 40


def workload(side):
    source = side.unpack('sqlite3') / 'test/speedtest1.c'
    side.plain(['gcc', '-O2', '-w', source, '-o', 'speedtest1', '-lsqlite3'])
    summary = []
    for name, options in (('memory', [':memory:']), ('file', ['base.db']),
                          ('threads', ['--multithread', '--temp', '6', 'other.db'])):
        output = side.run(['./speedtest1', '--size', SIZE, '--verify', '--shrink-memory', *options])
        without_times = re.sub(rb'[ .]+\d+\.\d+s\b', b'', output)
        side.keep(name, without_times)
        summary.append(len(output.splitlines()))
    side.summary = f'{sum(summary)} steps with hashes of their results'
