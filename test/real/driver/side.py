"""One side of a comparison: programs started under one malloc, and the results they leave.

An entry's workload gets a Side. What it starts with run() and start() runs under the library, or
under libc's malloc where the library is None; what it starts with plain() never runs under the
library: clients, compilers of test programs, checks. What it keeps are files in the folder of
results; both sides must leave the same ones.
"""
import contextlib
import hashlib
import os
import pathlib
import pwd
import re
import resource
import shutil
import signal
import subprocess
import tarfile
import time

LOAD = pathlib.Path(__file__).resolve().parent.parent / 'load'
ROOT = LOAD.parent.parent.parent
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
READY_LIMIT_S = 60
STDERR_LINES = 15


class Failure(Exception):
    """This side did not do what it should; the text says what happened."""


def status_text(status):
    if status < 0:
        return f'killed by {signal.Signals(-status).name}'
    return f'exit status {status}'


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def last_lines(data):
    return '\n'.join(data.decode(errors='replace').splitlines()[-STDERR_LINES:])


def complain_of_loader(stderr):
    """ld.so only warns when it cannot map a library of LD_PRELOAD, and goes on without it."""
    if b'ERROR: ld.so' in stderr:
        raise Failure(f'ld.so left the library out:\n{last_lines(stderr)}')


class Side:
    def __init__(self, library, work, results, sources):
        self.library = library            # None: libc's malloc
        self.static_library = library and library.with_name('libneap.a')
        self.work, self.results, self.sources = work, results, sources
        self.summary = ''                 # what was compared, in a few words
        self.servers = []
        self.aside_s = self.aside_cpu_s = 0   # what went into preparing and checking
        for folder in (self.work, self.work / 'tmp', self.results):
            folder.mkdir(parents=True)

    # Starting programs

    def environment(self, extra=None, under=True):
        """The same on both sides, but for LD_PRELOAD; nothing is inherited."""
        values = {'PATH': PATH, 'HOME': str(self.work), 'TMPDIR': str(self.work / 'tmp'),
                  'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'PYTHONHASHSEED': '0',
                  'PYTHONDONTWRITEBYTECODE': '1'}
        if under and self.library:
            values['LD_PRELOAD'] = str(self.library)
        return values | (extra or {})

    def run(self, command, keep='', status=0, under=True, **options):
        """Runs a program to its end and returns its stdout, which it keeps as a result `keep`.

        `status` is the exit status it must have, None for any, which then is a result too.
        """
        words = [str(word) for word in command]
        done = subprocess.run(words, cwd=options.get('cwd', self.work),
                              env=self.environment(options.get('env'), under),
                              input=options.get('stdin', b''), capture_output=True, check=False,
                              user=options.get('user'))
        complain_of_loader(done.stderr)
        if status is not None and done.returncode != status:
            raise Failure(f'{" ".join(words)[:300]}: {status_text(done.returncode)}\n'
                          + last_lines(done.stdout + b'\n' + done.stderr))
        if keep:
            self.keep(keep, done.stdout)
            if status is None:
                self.keep(f'{keep}.status', status_text(done.returncode))
        if options.get('with_stderr'):
            return done.stdout + done.stderr
        return done.stdout

    def plain(self, command, **options):
        """Runs a program that is not to be tested; the same on both sides."""
        with self.aside():
            return self.run(command, under=False, **options)

    @contextlib.contextmanager
    def aside(self):
        """What is done in it is not measured, unless a server has work to do meanwhile."""
        start, cpu_start = time.monotonic(), children_cpu_s()
        yield
        if not any(server.process.poll() is None for server in self.servers):
            self.aside_s += time.monotonic() - start
            self.aside_cpu_s += children_cpu_s() - cpu_start

    def start(self, command, is_ready, **options):
        """Starts a server and waits until is_ready() is true; see Server."""
        server = Server(self, [str(word) for word in command], options)
        self.servers.append(server)
        server.wait_until(is_ready)
        return server

    def stop_all(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()

    # Results

    def keep(self, name, data):
        """A result: both sides must have it, with the same bytes."""
        data = data.encode() if isinstance(data, str) else data
        path = self.results / name
        if path.exists():
            raise Failure(f'two results are called {name}')
        path.write_bytes(data)

    def keep_digests(self, name, paths):
        """As one result: name, size and digest of every file; for those too large to keep."""
        lines = []
        for path in sorted(paths):
            with open(path, 'rb') as file:
                digest = hashlib.file_digest(file, 'sha256').hexdigest()
            lines.append(f'{digest} {path.stat().st_size:>10} {path.name}\n')
        self.keep(name, ''.join(lines))

    def keep_outcomes(self, name, outcomes):
        """The outcome of every test of a suite; `outcomes` maps tests to words."""
        self.keep(name, ''.join(f'{test}: {word}\n' for test, word in sorted(outcomes.items())))
        counts = {}
        for word in outcomes.values():
            counts[word] = counts.get(word, 0) + 1
        self.summary = ', '.join(f'{count} {word}' for word, count in sorted(counts.items()))

    # Material

    def load(self, name):
        """A script of test/real/load."""
        return LOAD / name

    def unpack(self, name):
        """The folder of an upstream source, unpacked anew; for entries that list it in SOURCES."""
        with tarfile.open(self.sources.path_of(name)) as archive:
            archive.extractall(self.work)
            return self.work / archive.getnames()[0].split('/')[0]

    @staticmethod
    def is_root():
        return os.geteuid() == 0

    def unprivileged_user(self, name):
        """For servers that refuse root: the user to be, owner of the work folder; or None."""
        if not self.is_root():
            return None
        user = pwd.getpwnam(name)
        for path in (self.work, self.work / 'tmp'):
            os.chown(path, user.pw_uid, user.pw_gid)
        return user.pw_uid


class Server:
    """A program that runs until it is told to stop. Its processes must have the library mapped."""

    def __init__(self, side, command, options):
        self.side, self.command = side, command
        self.log = side.work / f'server-{len(side.servers)}.log'
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                command, cwd=options.get('cwd', side.work), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, user=options.get('user'),
                env=side.environment(options.get('env')))

    def wait_until(self, is_ready):
        limit = time.monotonic() + READY_LIMIT_S
        while not is_ready():
            if self.process.poll() is not None:
                raise Failure(f'{self.command[0]} ended at once: {self.ending()}')
            if time.monotonic() > limit:
                raise Failure(f'{self.command[0]} is not ready after {READY_LIMIT_S} s')
            time.sleep(0.05)
        complain_of_loader(self.log.read_bytes())
        self.check_mapped()

    def check_mapped(self):
        """The library is in the server's memory, or, on libc's side, is not."""
        maps = pathlib.Path(f'/proc/{self.process.pid}/maps').read_text()
        name = str(self.side.library or 'libneap.so')
        if (name in maps) != (self.side.library is not None):
            raise Failure(f'{self.command[0]}: {name} is{" not" * (name not in maps)} mapped')

    def peak_kib(self):
        status = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return int(re.search(r'VmHWM:\s*(\d+)', status).group(1))

    def ending(self):
        return f'{status_text(self.process.returncode)}\n{last_lines(self.log.read_bytes())}'

    def stop(self, how=signal.SIGTERM, status=0):
        """Ends the server; it must still be there, and end with `status`."""
        if self.process.poll() is not None:
            raise Failure(f'{self.command[0]} ended early: {self.ending()}')
        self.process.send_signal(how)
        if self.process.wait() != status:
            raise Failure(f'{self.command[0]}, when stopped: {self.ending()}')


def is_free_of(path):
    """True where nothing is; for waiting until a socket or file appears: not is_free_of(path)."""
    return not os.path.exists(path)


def find_program(name):
    return shutil.which(name, path=PATH)
