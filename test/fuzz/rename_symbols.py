#!/usr/bin/python3
"""Joins a static library into one object and puts `tested_` in front of what it exports.

usage: rename_symbols.py SYMBOLS.MAP IN.a OUT.o

A program linked with the object keeps the malloc of libc beside it. Renamed is what the version
script exports, but for the page heap's names, which clash with nobody's; and the two functions of
the C++ runtime that operator new calls, so that a test can stand for them. LD and OBJCOPY in the
environment are those of the machine that it is for.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CALLED = ['_ZSt15get_new_handlerv', '_ZSt17__throw_bad_allocv']


def exported_names(version_script):
    text = re.sub(r'/\*.*?\*/', '', version_script, flags=re.S)
    names = re.findall(r'\w+', re.search(r'global:(.*?)local:', text, re.S).group(1))
    return [name for name in names if not name.startswith('neap_pageheap_')]


def main(version_script, library, object_file):
    subprocess.run([os.environ['LD'], '-r', '-o', object_file, '--whole-archive', library], check=True)
    names = exported_names(pathlib.Path(version_script).read_text()) + CALLED
    with tempfile.NamedTemporaryFile('w', suffix='.syms') as file:
        file.writelines(f'{name} tested_{name}\n' for name in names)
        file.flush()
        subprocess.run([os.environ['OBJCOPY'], f'--redefine-syms={file.name}', object_file], check=True)


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
