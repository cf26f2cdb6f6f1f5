"""Proof that programs really run on the library: what ld.so says it bound malloc to.

A library that ld.so cannot map is skipped with a warning, and a program that brings a malloc of
its own never calls the one preloaded. So each entry's probes are run once with LD_DEBUG=bindings,
in the environment of the real run, and every process of theirs is looked at.
"""
import pathlib
import re
import subprocess
import tempfile

from driver.side import Failure

FAMILY = ('malloc', 'calloc', 'realloc', 'free', 'reallocarray', 'aligned_alloc', 'memalign',
          'posix_memalign', 'valloc', 'pvalloc', 'malloc_usable_size')
PROBE_LIMIT_S = 60
BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol `(\w+)'")


class Process:
    """What ld.so wrote about one process."""

    def __init__(self, text):
        started = re.findall(r'initialize program: (\S+)', text)
        self.program = started[-1] if started else '?'
        self.bound = [(user, target, symbol) for user, target, symbol in BINDING.findall(text)
                      if symbol in FAMILY]

    def leads_to(self, symbol, target):
        """The object whose function a binding ends at.

        A program not built to be moved has entries of its own for functions whose address it
        takes; others are bound to those, and they lead to what the program itself is bound to.
        """
        onward = [to for user, to, name in self.bound
                  if name == symbol and user == target and to != target]
        return onward[0] if onward else target


def processes_of(command, side):
    """Runs a probe; what ld.so says about each of its processes."""
    with tempfile.TemporaryDirectory() as folder:
        environment = side.environment({'LD_DEBUG': 'bindings,files', 'LD_BIND_NOW': '1',
                                        'LD_DEBUG_OUTPUT': f'{folder}/ld'})
        try:
            subprocess.run(command, cwd=side.work, env=environment, check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=PROBE_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f'probe {" ".join(command)} does not end') from None
        return [Process(path.read_text(errors='replace'))
                for path in sorted(pathlib.Path(folder).iterdir())]


def prove(command, side):
    """Raises Failure unless every process of the probe has the malloc of this side."""
    found = [process for process in processes_of(command, side) if process.bound]
    for process in found:
        for user, target, symbol in process.bound:
            target = process.leads_to(symbol, target)
            if side.library is not None and target != str(side.library):
                raise Failure(f'{process.program}: {symbol} of {user} is that of {target}')
            if side.library is None and 'libneap' in target:
                raise Failure(f"{process.program}: {symbol} is neap's, without being asked for")
    if not any(symbol == 'malloc' for process in found for _, _, symbol in process.bound):
        raise Failure(f'probe {" ".join(command)}: no process asks ld.so for malloc')
    return sorted({process.program for process in found})
