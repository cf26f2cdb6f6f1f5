#!/usr/bin/python3
"""Compares what the built library shows to the outside with what it should show.

usage: dev/exports.py BUILD_DIRECTORY

  libneap.so.0  exports exactly the names in the `global:` part of src/api/symbols.map, needs
                nothing but libc, is bound at once, has no executable stack and no relocations
                in code
  libneap.a     has no other global names than those
"""
import fnmatch
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SYMBOLS_MAP = ROOT / 'src/api/symbols.map'
ALLOWED_LIBRARIES = ('libc.so.', 'ld-linux')


def map_patterns(text):
    """Names and patterns in the global parts of a version script."""
    text = re.sub(r'/\*.*?\*/|#[^\n]*', '', text, flags=re.S)
    parts = re.findall(r'global:(.*?)(?:local:|\})', text, re.S)
    return [name for part in parts for name in re.findall(r'[\w*?]+', part)]


def compare_names(names, patterns, what):
    """Complaints about names that no pattern allows, and plain patterns that nothing meets."""
    unexpected = [name for name in sorted(names)
                  if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    missing = [pattern for pattern in patterns
               if '*' not in pattern and '?' not in pattern and pattern not in names]
    return ([f'{what}: {name} is visible, but not in symbols.map' for name in unexpected]
            + [f'{what}: {name} is in symbols.map, but not there' for name in missing])


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def defined_names(library, *options):
    """Names that nm lists as defined, without the names of the versions themselves."""
    lines = output_of('nm', '--defined-only', *options, str(library)).splitlines()
    rows = [line.split() for line in lines if len(line.split()) == 3]
    return {name.partition('@')[0] for _, kind, name in rows if kind != 'A'}


def check_dynamic(library):
    """Complaints about how the shared library is linked."""
    dynamic = output_of('readelf', '-dW', str(library))
    segments = output_of('readelf', '-lW', str(library))
    complaints = [f'needs {name}' for name in re.findall(r'\(NEEDED\).*?\[(.*?)\]', dynamic)
                  if not name.startswith(ALLOWED_LIBRARIES)]
    if 'BIND_NOW' not in dynamic and 'NOW' not in dynamic:
        complaints.append('is not bound at once (-z now)')
    if 'TEXTREL' in dynamic:
        complaints.append('has relocations in code')
    if 'GNU_RELRO' not in segments:
        complaints.append('has no read-only relocations (-z relro)')
    stack = re.search(r'GNU_STACK.*', segments)
    if stack is None or re.search(r'\bRWE\b', stack.group(0)):
        complaints.append('has an executable stack')
    if '[libneap.so.0]' not in dynamic:
        complaints.append('has a SONAME other than libneap.so.0')
    return [f'libneap.so.0: {complaint}' for complaint in complaints]


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    build = pathlib.Path(arguments[0])
    if not SYMBOLS_MAP.exists():
        print('src/api/symbols.map is missing: nothing says what may be visible')
        return 1
    patterns = map_patterns(SYMBOLS_MAP.read_text())
    shared, static = build / 'libneap.so.0', build / 'libneap.a'
    complaints = (compare_names(defined_names(shared, '-D'), patterns, 'libneap.so.0')
                  + check_dynamic(shared)
                  + compare_names(defined_names(static, '-g'), patterns, 'libneap.a'))
    print('\n'.join(complaints), end='\n' if complaints else '')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
