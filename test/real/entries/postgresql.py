"""postgresql: initdb, pgbench with four clients and its sums, mixed SQL, pg_dump"""
import pathlib
import re
import signal
import subprocess

from driver.side import Failure, is_free_of

BINARIES = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin'))
BIN = BINARIES[-1] if BINARIES else pathlib.Path('/usr/lib/postgresql/bin')
VERSION = [str(BIN / 'postgres'), '--version']
PROGRAMS = [str(BIN / name) for name in ('initdb', 'pgbench', 'psql', 'pg_dump')]
SUMS = '''select sum(abalance), (select sum(tbalance) from pgbench_tellers),
    (select sum(bbalance) from pgbench_branches), (select sum(delta) from pgbench_history),
    (select count(*) from pgbench_history) from pgbench_accounts'''


def workload(side):
    user = side.unprivileged_user('postgres')
    data, sockets = side.work / 'data', side.work / 'tmp'

    def client(name, *words, **options):
        return side.run([BIN / name, '-h', sockets, '-U', 'neap', *words], under=False, user=user,
                        **options)

    side.run([BIN / 'initdb', '-D', data, '-U', 'neap', '-A', 'trust', '--no-sync',
              '-E', 'UTF8', '--locale=C.UTF-8'], user=user)
    server = side.start([BIN / 'postgres', '-D', data, '-k', sockets, '-c', 'listen_addresses=',
                         '-c', 'fsync=off', '-c', 'work_mem=16MB', '-c', 'jit=off'],
                        lambda: not is_free_of(sockets / '.s.PGSQL.5432')
                        and is_ready(side, sockets), user=user)
    client('pgbench', '-i', '-s', 3, '-q', 'postgres')
    client('pgbench', '-c', 4, '-j', 2, '-t', 1500, '--random-seed=20231', '-n', 'postgres')
    client('pgbench', '-c', 4, '-j', 2, '-t', 1500, '--random-seed=4711', '-n', '-S',
           '-M', 'prepared', 'postgres')
    sums = client('psql', '-At', '-c', SUMS, 'postgres', keep='sums').decode().strip().split('|')
    if len(set(sums[:4])) != 1 or sums[4] != '6000':
        raise Failure(f'the sums of pgbench differ: {sums}')
    script = side.load('stress_postgres.sql').read_bytes()
    output = client('psql', '-At', '-v', 'ON_ERROR_STOP=1', 'postgres', stdin=script,
                    keep='output')
    dump = client('pg_dump', '-t', 'item', 'postgres')
    side.keep('dump', re.sub(rb'(?m)^\\(un)?restrict .*', b'', dump))   # a key made by chance
    server.stop(signal.SIGINT)
    side.summary = f'sums of 6000 transactions, {len(output.splitlines())} lines, a dump'


def is_ready(side, sockets):
    return subprocess.run([BIN / 'pg_isready', '-h', sockets], env=side.environment(under=False),
                          stdout=subprocess.DEVNULL, check=False).returncode == 0
