"""One measurement: one process, started by `launch`, under one malloc.

Gives back {'figures': {name: [unit, value, is it compared]}, 'checksum': ...} or {'failure': why}.
"""
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile

from harness import programs as real_programs, rows

LIMIT_S = 900
TRACED_CHECKSUM = 'traced'
STEADY_MARK = '0x6e656170'   # advice by which steady.c marks begin and end
TRACED_CALLS = 'madvise,munmap,mmap,mremap,mprotect,brk'

# Of what `launch` writes: name there, figure, unit, factor.
OUTSIDE = (('seconds', 'time', 's', 1), ('cpu', 'cpu', 's', 1),
           ('peak_kib', 'peak_resident', 'MiB', 1 / 1024), ('faults', 'minor_page_faults', '1', 1))
# What can decide how a malloc behaves and is not meant to.
LEFT_OUT = re.compile(r'LD_PRELOAD|GLIBC_TUNABLES|MALLOC_|MIMALLOC_|TCMALLOC_|TBB_|NEAP_')


def clean_environment():
    return {name: value for name, value in os.environ.items() if not LEFT_OUT.match(name)}


def run_limited(command, limit_s=LIMIT_S):
    """(exit status, stdout as bytes, stderr as text); status None where the limit ended it."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment(), start_new_session=True)
    try:
        output, errors = process.communicate(timeout=limit_s)
        return process.returncode, output, errors.decode(errors='replace')
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            return None, b'', ''
        raise


def parse_figures(text):
    """What a workload prints: its figures and its checksum (None if it has none).

    A note is a figure that is not compared."""
    figures, checksum = {}, None
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and words[0] in ('figure', 'note'):
            figures[words[1]] = [words[2], float(words[3]), words[0] == 'figure']
        elif len(words) == 2 and words[0] == 'checksum':
            checksum = words[1]
    return figures, checksum


def without_figures(output):
    """The rest of what a program prints: it must be the same under every malloc."""
    return b''.join(line for line in output.splitlines(keepends=True)
                    if not line.startswith((b'figure ', b'note ')))


def parse_outside(text):
    """What `launch` writes: the wait status and the figures seen from outside."""
    values = dict(line.split() for line in text.splitlines())
    figures = {name: [unit, float(values[key]) * factor, True]
               for key, name, unit, factor in OUTSIDE}
    return int(values['status']), figures


def failure_of(status, errors):
    """Why it failed, in a few words; None if it did not."""
    if status == 0:
        return None
    last = errors.strip().splitlines()[-1:] or ['']
    if os.WIFSIGNALED(status):
        what = f'signal {signal.Signals(os.WTERMSIG(status)).name}'
    else:
        what = f'exit status {os.WEXITSTATUS(status)}'
    return f'{what}: {last[0][:120]}' if last[0] else what


def work_folder(programs):
    return programs / 'work'


def command_of(row, size, programs):
    options = rows.options_at(row, size)
    if row.program is not None:
        return real_programs.filled_in(row.words, work_folder(programs), options)
    name, *words = row.words
    return [programs / name, *words] + [f'{k}={v}' for k, v in options.items()]


def measure(row, size, peer, programs):
    """`programs` is the folder of `launch` and the workloads."""
    settings = [f'{name}={value}' for name, value in peer.environment.items()]
    with tempfile.TemporaryDirectory(prefix='neap-bench-') as folder:
        seen = pathlib.Path(folder, 'seen')
        status, output, errors = run_limited(
            [programs / 'launch', seen] + settings + command_of(row, size, programs))
        if status is None:
            return {'failure': f'stopped after {LIMIT_S} s'}
        if status != 0:
            return {'failure': failure_of(status << 8, errors)}
        status, outside = parse_outside(seen.read_text())
    failure = failure_of(status, errors)
    if failure is not None:
        return {'failure': failure}
    own, checksum = parse_figures(output.decode(errors='replace'))
    if row.program is not None:
        checksum = hashlib.sha256(without_figures(output)).hexdigest()[:16]
    return {'figures': own | outside, 'checksum': checksum}


def calls_between_marks(trace):
    """Calls in the output of strace -f between the two marks; None unless there are two."""
    counts, marks = 0, 0
    for line in trace.splitlines():
        if STEADY_MARK in line:
            marks += 1
        elif marks == 1 and '(' in line and ' resumed>' not in line:
            counts += 1
    return counts if marks == 2 else None


def all_calls(summary):
    """Calls in the table of strace -c: of its line "total", or none where it is empty."""
    for line in summary.splitlines():
        fields = line.split()
        if fields and fields[-1] == 'total':
            return int(fields[3])
    return 0 if not summary.strip() else None


def measure_traced(row, size, peer, programs):
    """System calls on memory: in a run of its own, since tracing costs time."""
    settings = [word for name, value in peer.environment.items()
                for word in ('-E', f'{name}={value}')]
    is_marked = row.traced == rows.MARKED
    how, name, count = ([], 'memory_system_calls_when_steady', calls_between_marks) if is_marked \
        else (['-c', '--seccomp-bpf'], 'memory_system_calls', all_calls)
    with tempfile.TemporaryDirectory(prefix='neap-bench-') as folder:
        trace = pathlib.Path(folder, 'trace')
        status, _, errors = run_limited(['strace', '-f', '-qq', *how, '-e', f'trace={TRACED_CALLS}',
                                         '-o', trace] + settings
                                        + command_of(row, size, programs))
        if status != 0:
            return {'failure': f'strace: {errors.strip()[-120:]}'}
        calls = count(trace.read_text(errors='replace'))
    if calls is None:
        return {'failure': 'strace: its output was not understood'}
    return {'figures': {name: ['1', calls, True]}, 'checksum': TRACED_CHECKSUM}


def whose_malloc(programs, environment):
    """The file that malloc comes from under an environment; '' if the program did not start."""
    settings = [f'{name}={value}' for name, value in environment.items()]
    status, output, _ = run_limited(
        [programs / 'launch', '/dev/null'] + settings + [programs / 'workload', 'probe'])
    return output.decode().strip() if status == 0 else ''


def warm(programs, mib):
    """The host finds memory now, and not while somebody is measured."""
    run_limited([programs / 'workload', 'warm', f'mib={mib}'])
