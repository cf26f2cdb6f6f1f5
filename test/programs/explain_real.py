#!/usr/bin/python3
"""neap explain of real programs: its parts make up the whole, which is the kernel's number.

Each is started under neap, given a moment to come to rest, and explained. Programs that are not
installed are left out; at least five are to be there.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('NEAP_BUILD', ROOT / 'build')).resolve()
SETTLE_S = 1.5
PARTS = ('object_bytes free_slots_bytes cached_bytes free_ready_bytes metadata_bytes'
         ' untouched_bytes library_bytes stack_bytes file_bytes shared_bytes other_bytes').split()
TOLERANCE = 0.01
PROGRAMS_LEAST = 5

PYTHON = ('import threading, time\n'
          'x = [str(i) * 20 for i in range(200000)]; y = x[::10]; del x\n'
          'for i in range(4): threading.Thread(target=time.sleep, args=(60,)).start()\n'
          'z = bytearray(30 << 20)\n'
          'time.sleep(60)')
# With arenas of its own behind the guards of neap's books.
ONE_THREAD = 'import time; x = [bytes(i % 2000) for i in range(300000)]; time.sleep(60)'
# Standard input stays open, so that interpreters wait there for more.
PROGRAMS = {
    'python3': ['python3', '-c', PYTHON],
    'one thread': ['python3', '-c', ONE_THREAD],
    'perl': ['perl', '-e', 'my %h = map { $_ => "x" x 100 } 1..200000; delete @h{1..150000};'
                           ' sleep 60'],
    'ruby': ['ruby', '-e', 'a = Array.new(300000) { |i| "x" * (i % 200) }; sleep 60'],
    'node': ['node', '-e', 'const a = []; for (let i = 0; i < 300000; i++) a.push({i, s: "x" + i});'
                           ' setTimeout(() => console.log(a.length), 60000)'],
    'redis-server': ['redis-server', '--port', '0', '--unixsocket', 'redis.socket', '--save', ''],
    'sqlite3': ['sqlite3', ':memory:'],
    'lua5.4': ['lua5.4', '-e', 't = {} for i = 1, 300000 do t[i] = {i} end io.read()'],
    'gdb': ['gdb', '--quiet', '--nx', '/bin/true'],
    'bash': ['bash', '-c', 'read x'],
    'nginx': ['nginx', '-p', '.', '-g', 'daemon off; master_process off; pid nginx.pid;'
                                        ' error_log stderr;', '-c', 'nginx.conf'],
    'memcached': ['memcached', '-u', 'root', '-p', '0', '-s', 'memcached.socket', '-t', '4'],
}
SQL = b'create table t(x); with recursive c(n) as (select 1 union all select n + 1 from c' \
      b' limit 200000) insert into t select hex(randomblob(50)) from c;\n'


def resident_of(pid):
    pages = int(pathlib.Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGESIZE')


def stack_of_only_thread(pid):
    lines = pathlib.Path(f'/proc/{pid}/smaps').read_text().partition('[stack]')[2].splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith('Rss:'))


def explain(pid):
    done = subprocess.run([BUILD / 'neap', 'explain', '--json', str(pid)], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f'neap explain ends with {done.returncode}: {done.stderr}')
    return json.loads(done.stdout)


def complaints_about(name, pid):
    before = resident_of(pid)
    told = explain(pid)
    after = resident_of(pid)
    total = sum(told[part] for part in PARTS)
    print(f'{name:12} {told["resident_bytes"]:>11} resident, kernel {before}: '
          + ', '.join(f'{part.removesuffix("_bytes")} {told[part] >> 10}' for part in PARTS))
    if total != told['resident_bytes']:
        yield f'{name}: the parts are {total}, not {told["resident_bytes"]}'
    if not (before * (1 - TOLERANCE) <= told['resident_bytes'] <= after * (1 + TOLERANCE)):
        yield f'{name}: {told["resident_bytes"]} resident; the kernel says {before}, then {after}'
    if told['object_bytes'] <= 0 or told['neap_bytes'] <= 0:
        yield f'{name}: nothing of it is neap\'s'
    if name == 'one thread' and told['stack_bytes'] != stack_of_only_thread(pid):
        yield f'{name}: {told["stack_bytes"]} of stacks; the kernel says {stack_of_only_thread(pid)}'
    if any(told[part] < 0 for part in PARTS if part != 'untouched_bytes'):
        yield f'{name}: a part is negative'


def check(name, folder):
    pathlib.Path(folder, 'nginx.conf').write_text('events {}\nhttp { access_log off; }\n')
    process = subprocess.Popen(PROGRAMS[name], cwd=folder, stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=os.environ | {'LD_PRELOAD': str(BUILD / 'libneap.so.0')})
    try:
        if name == 'sqlite3':
            process.stdin.write(SQL)
            process.stdin.flush()
        time.sleep(SETTLE_S)
        if process.poll() is not None:
            print(f'{name}: has ended, left out')
            return None
        return list(complaints_about(name, process.pid))
    finally:
        process.kill()
        process.wait()


def main():
    complaints, n_checked = [], 0
    for name in PROGRAMS:
        if shutil.which(PROGRAMS[name][0]):
            with tempfile.TemporaryDirectory() as folder:
                found = check(name, folder)
                n_checked += found is not None
                complaints += found or []
    if n_checked < PROGRAMS_LEAST:
        complaints.append(f'only {n_checked} programs could be looked at')
    for complaint in complaints:
        print('FAIL', complaint)
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
