#!/usr/bin/python3
"""The examples in the man pages do what the pages say: commands are run, programs compiled."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('NEAP_BUILD', ROOT / 'build')).resolve()
LIMIT_S = 120

# What the examples of neap(1) are about.
FILES = {
    'server': '#!/bin/sh\ntrap "exit 0" TERM\nfor i in 1 2 3 4 5 6; do sleep 0.4; done\n',
    'job': '#!/bin/sh\nsort "$1" | head -n 3\nsleep 0.1\n',
    'job.py': 'words = [str(i) * 20 for i in range(100000)]\nprint(len(set(words)))\n',
    'input.txt': ''.join(f'{i * 7919 % 1000}\n' for i in range(1000)),
    'Makefile': 'all: a b\na b:\n\tls >$@\n',
}

# A part of each example of neap(1), and what it writes.
COMMANDS = {
    'run --summary': 'peak resident',
    '--with jemalloc': 'verdict: jemalloc against present malloc',
    '--settle': 'settled, then stopped by neap',
    'try -n 2 --json': r'^\d\.\d+\n',
    'LD_PRELOAD': '^0\n',
    'NEAP_EXIT_STATS': r'^[3-9]\n\Z',
    'neap explain': '^ .* = resident  *as the kernel counts$',
    'neap top': r'^ *\d+ server +[0-9.]+M ',
    'neap serve': r'^neap_resident_bytes\{name="server",pid="\d+",state="objects"\} \d',
    'neap doctor': r'/server: can be preloaded',
    'neap size': r'^ *1040 +1152 .*\n(.*\n)*.*NEAP_LIMIT=1GiB',
    'neap autopsy': '^What neap held grew from',
    'completion': '^$',
}
PROGRAMS = {
    'neap_trim': r'^(19|2\d)\d{6} bytes went back$',
    'neap_pageheap': '^1048576 bytes of mine: 1$',
}


def examples(page):
    """The literal texts in the section EXAMPLES of a page."""
    text = (ROOT / 'docs/man' / page).read_text().partition('# EXAMPLES\n')[2]
    return [found.replace('\\\\', '\\') for found in re.findall(r'^```\n(.*?)^```', text, re.M | re.S)]


def run(command, folder):
    environment = os.environ | {'PATH': f'{BUILD}:/usr/bin:{os.environ["PATH"]}',
                                'LD_LIBRARY_PATH': str(BUILD)}
    environment.pop('MAKEFLAGS', None)   # of the make that runs this test
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout


def expected(table, example):
    """What the table says about an example; each is about exactly one."""
    found = [table[part] for part in table if part in example]
    if len(found) != 1:
        raise SystemExit(f'this test knows {len(found)} times what this does:\n{example}')
    return found[0]


def check(what, status, output, pattern):
    if 'is not installed; apt-get install' in output:
        print('an allocator is not here:', output.strip())
        return True
    if status == 0 and re.search(pattern, output, re.M):
        return True
    print(f'FAIL exit {status}, and not {pattern!r}:\n{what}\n{output}')
    return False


def command_works(example, folder):
    for name, text in FILES.items():
        path = pathlib.Path(folder, name)
        path.write_text(text)
        path.chmod(0o755)
    return check(example, *run(['bash', '-e', '-c', example], folder), expected(COMMANDS, example))


def program_works(example, folder):
    pathlib.Path(folder, 'example.c').write_text(example)
    status, output = run(['gcc', '-Wall', '-Wextra', '-Werror', f'-I{ROOT}/include', 'example.c',
                          '-o', 'example', f'-L{BUILD}', '-lneap'], folder)
    if status == 0:
        status, output = run(['./example'], folder)
    return check(example, status, output, expected(PROGRAMS, example))


def main():
    failed = 0
    for page, table, works in (('neap.1.scd', COMMANDS, command_works),
                               ('neap.3.scd', PROGRAMS, program_works)):
        found = examples(page)
        if len(found) < len(table):
            print(f'{page}: {len(found)} examples')
            failed += 1
        for example in found:
            with tempfile.TemporaryDirectory() as folder:
                failed += not works(example, folder)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
