"""redis-server: unit/type of its own test-suite, and some more; the outcome of every test"""
import re

from driver.side import find_program

VERSION = ['redis-server', '--version']
PROGRAMS = ['tclsh', 'redis-cli', 'redis-benchmark', 'redis-check-aof', 'redis-check-rdb']
SOURCES = ['redis']
LIMIT_S = 1800
UNITS = '''unit/type/string unit/type/incr unit/type/list unit/type/list-2 unit/type/list-3
    unit/type/set unit/type/zset unit/type/hash unit/type/stream unit/type/stream-cgroups
    unit/keyspace unit/scan unit/sort unit/expire unit/multi unit/bitops
    unit/bitfield unit/scripting unit/pubsub'''.split()


def workload(side):
    folder = side.unpack('redis')
    for name in ['redis-server', *PROGRAMS[1:], 'redis-sentinel']:
        program = find_program(name) or '/bin/false'
        preload = f'LD_PRELOAD={side.library} ' if side.library and name == 'redis-server' else ''
        script = folder / 'src' / name
        script.write_text(f'#!/bin/sh\n{preload}exec {program} "$@"\n')
        script.chmod(0o755)
    arguments = [word for unit in UNITS for word in ('--single', unit)]
    output = side.run(['tclsh', 'tests/test_helper.tcl', '--clients', 1, '--baseport', 31000,
                       '--tags', '-needs:debug-jemalloc', *arguments],
                      cwd=folder, status=None, under=False).decode(errors='replace')
    (side.results.parent / f'{side.results.name}.output').write_text(output)
    outcomes = {}
    for word, test in re.findall(r'^(?:\x1b\[[\d;]*m)?\[(ok|err|exception|timeout|ignore)'
                                 r'(?:\x1b\[[\d;]*m)?\]: (.*)', output, re.M):
        test = re.sub(r' \(\d+ ms\)$', '', test)
        outcomes.setdefault(test, 'passed' if word == 'ok' else word)
    side.keep_outcomes('outcomes', outcomes)
