"""The entries: one module of test/real/entries per program.

A module has a docstring whose first line says what is done, and
  VERSION    a command that prints the program's version and ends; also its first probe
  PROBES     more commands to prove the library in: programs that VERSION does not start
  PROGRAMS   commands that must be there besides the first words of VERSION and PROBES
  SOURCES    names of upstream sources that it unpacks; see sources.py
  QUICK      whether `make test` runs it too
  LIMIT_S    how long one side may take
  IS_LINKED  whether programs link libneap.a, so that there is no preloading to be proved
  workload(side)
"""
import importlib
import pathlib

from driver.side import find_program

FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'entries'
DEFAULTS = {'VERSION': [], 'PROBES': [], 'PROGRAMS': [], 'SOURCES': [], 'QUICK': False,
            'LIMIT_S': 300, 'IS_LINKED': False}


class Entry:
    def __init__(self, name):
        module = importlib.import_module('entries.' + name.replace('-', '_'))
        self.name = name
        self.about = module.__doc__.strip().splitlines()[0].rstrip('.')
        self.workload = module.workload
        for attribute, default in DEFAULTS.items():
            setattr(self, attribute.lower(), getattr(module, attribute, default))
        self.probes = [] if self.is_linked else [self.version] + self.probes

    def missing(self, sources):
        """What this entry needs and this machine does not have."""
        commands = [command[0] for command in self.probes + [self.version]] + self.programs
        return sorted({command for command in commands if not find_program(command)}
                      | {f'source of {name}' for name in self.sources
                         if not sources.path_of(name)})


def all_names():
    return sorted(path.stem.replace('_', '-') for path in FOLDER.glob('*.py'))
