"""The processes below one of ours: finding them, their stacks, ending them."""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess

STACK_LIMIT_S = 60
STACKS_MAX = 6
FRAMES_MAX = 25
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """From now on, what loses its parent below this process becomes its child."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents():
    """Process id to that of its parent, for all processes."""
    found = {}
    for folder in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            fields = (folder / 'stat').read_text().rpartition(')')[2].split()
        except OSError:   # it has just ended
            continue
        found[int(folder.name)] = int(fields[1])
    return found


def below(ancestor):
    """All processes that descend from one, nearest first."""
    known = parents()
    generation, found = {ancestor}, []
    while generation:
        generation = {pid for pid, parent in known.items() if parent in generation}
        found += sorted(generation)
    return found


def has_mapped(pid, name):
    try:
        return name in pathlib.Path(f'/proc/{pid}/maps').read_text()
    except OSError:
        return False


def command_line(pid):
    try:
        words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return '(ended)'
    return words.replace(b'\0', b' ').decode(errors='replace')[:200]


def stack_of(pid):
    """Where every thread of a process stands, as gdb says."""
    gdb = shutil.which('gdb')
    if not gdb:
        return 'no stack: gdb is not installed'
    try:
        done = subprocess.run([gdb, '-p', str(pid), '-batch', '-nx', '-ex', 'set pagination off',
                               '-ex', f'thread apply all bt {FRAMES_MAX}'], text=True,
                              errors='replace', stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=STACK_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return 'no stack: gdb does not end'
    frames = [line for line in done.stdout.splitlines() if line.startswith(('Thread', '#'))]
    return '\n'.join(frames) or done.stdout + done.stderr


def stacks_below(ancestor, library_name):
    """The stacks of the programs under test that one process has started."""
    running = [pid for pid in below(ancestor) if is_running(pid)]
    shown = [pid for pid in running if has_mapped(pid, library_name)] or running
    return '\n'.join(f'{pid} {command_line(pid)}\n{stack_of(pid)}' for pid in shown[:STACKS_MAX])


def end_below(ancestor):
    """Kills all that descend from a process, until nothing new appears."""
    while pids := [pid for pid in below(ancestor) if is_running(pid)]:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()


def is_running(pid):
    try:
        state = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return False
    return state not in 'ZX'


def reap():
    """Takes leave of children that nobody waits for: adopted ones."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
