#!/usr/bin/python3
"""Writes docs/man/neap-env.7.scd, the manual page of the options, from src/config/option.def.

usage: dev/gen_env_manual.py --write | --check

What the page says about one option stands in its row of the table; what it says about all of
them stands here. scdoc makes the manual page of it when neap is built.
"""
import re
import sys
import textwrap

import c_source

TABLE = 'src/config/option.def'
PAGE = 'docs/man/neap-env.7.scd'
COLUMNS = 96

TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\\n])*"|[(),]|[^\s(),"]+')
WORDS = {'CONFIG_OFF': 'off', 'CONFIG_AUTO': 'auto'}
NUMBERS = {'KIB': 1 << 10, 'MIB': 1 << 20, 'GIB': 1 << 30}


class Unit:
    """How values of one unit are written: in the table, in the manual, and by value_print."""

    def __init__(self, what, manual, *scales):
        self.what = what
        self.manual = manual
        self.scales = scales   # (factor, suffix), largest first

    def text(self, value):
        for factor, suffix in self.scales:
            if value != 0 and value % factor == 0:
                return f'{value // factor}{suffix}'
        return '0'


class Switch(Unit):
    def text(self, value):
        return 'on' if value else 'off'


UNITS = {
    'BYTES': Unit(
        'SIZE',
        'Bytes: *4096*, *64K*, *64KiB*, *1.5GiB*. The units K, M, G, T and P are powers of 1024 '
        'and may be followed by i or iB. KB and MB are refused: some mean 1000 by it and some '
        '1024. A fraction is rounded down to a whole byte.',
        (1 << 50, 'PiB'), (1 << 40, 'TiB'), (1 << 30, 'GiB'), (1 << 20, 'MiB'), (1 << 10, 'KiB'),
        (1, '')),
    'PERCENT': Unit('PERCENTAGE', '*110* or *110%*.', (1, '%')),
    'DURATION': Unit(
        'DURATION', '*10ms*, *1.5s*, *5min*: in ns, us, ms, s, min or h; *0* needs no unit.',
        (3600 * 10**9, 'h'), (60 * 10**9, 'min'), (10**9, 's'), (10**6, 'ms'), (10**3, 'us'),
        (1, 'ns')),
    'COUNT': Unit('COUNT', '*8*.', (1, '')),
    'LIMIT': Unit(
        'LIMIT', 'A _SIZE_, or a percentage from *1%* to *100%*.',
        (1 << 50, 'PiB'), (1 << 40, 'TiB'), (1 << 30, 'GiB'), (1 << 20, 'MiB'), (1 << 10, 'KiB'),
        (1, '')),
    'SWITCH': Switch('SWITCH', '*1*, *on*, *yes*, *true*, or *0*, *off*, *no*, *false*.'),
}

BEFORE = '''\
neap-env(7)

; Written by dev/gen_env_manual.py from src/config/option.def; do not edit.

# NAME

neap-env - options of neap, in the environment or a file

# SYNOPSIS

_NAME_=_VALUE_ ... LD_PRELOAD=libneap.so.0 _command_ ...

# DESCRIPTION

The memory allocator neap needs no options. Those it has are environment variables, read once, at
the first request for memory, and constant from then on. Children that run neap too read them
anew.

What is wrong costs one line on the standard error and changes nothing: an unknown name that begins
with NEAP\\_, a value that is not one, or is out of range. The program goes on. A variable that is
set and empty counts as not set.

In a program that has more rights than whoever started it, as set-user-ID programs have, nothing of
this is read and nothing is said.

# OPTIONS
'''

VALUES = '''\
# VALUES

Letters may be small or capital. There are no signs, no blanks, and no other base than ten.

'''

FILE_MANUAL = 'A path, as it is; a relative one starts at the working directory. At most 4095 bytes.'

AFTER = '''\
# FILE

The file that *NEAP_CONF* names has an option on each line, by the same names. NEAP\\_ may be left
out, letters may be small, and there may be blanks around the sign. The last line about an option
counts, and the environment wins over the file. A comment is what follows a # that begins the line
or stands behind a blank. At most 16 KiB.

```
# little memory, whatever it costs
retain = 100%
NEAP_ARENA=4MiB
```

# EXAMPLES

One program without neap, where it is preloaded into everything:

```
NEAP_DISABLE=1 ./server
```

A service that runs under a limit of address space:

```
NEAP_ARENA=8MiB LD_PRELOAD=libneap.so.0 ./server
```

# NOTES

Where libc has not set up its environment yet when the first request comes, neap takes the one that
the kernel handed to the program, which glibc's loader knows. Under another libc such an early
request means that the options are not read.

# SEE ALSO

*environ*(7), *malloc*(3), *malloc_trim*(3), *ld.so*(8)
'''


def rows(text):
    """(macro, arguments) of each call in the table; adjacent strings are one argument."""
    tokens = [token for token in TOKEN.findall(re.sub(r'(?m)^#.*', '', text))
              if not token.startswith('//')]
    at = 0
    while at < len(tokens):
        macro, arguments, at = tokens[at], [[]], at + 2
        while tokens[at] != ')':
            if tokens[at] == ',':
                arguments.append([])
            else:
                arguments[-1].append(tokens[at])
            at += 1
        at += 1
        yield macro, [join(argument) for argument in arguments]


def join(tokens):
    if tokens and tokens[0].startswith('"'):
        return ''.join(token[1:-1].replace('\\n', '\n').replace('\\"', '"') for token in tokens)
    return ' '.join(tokens)


def number(expression):
    """The value of `64 * MIB`."""
    product = 1
    for factor in expression.split('*'):
        word = factor.strip()
        product *= NUMBERS[word] if word in NUMBERS else int(word)
    return product


def limits(unit, numbers, off):
    """Default and range of an option in a sentence."""
    default, lowest, highest, multiple = [
        WORDS[expression] if expression in WORDS else unit.text(number(expression))
        for expression in numbers]
    text = f'Default *{default}*'
    if not isinstance(unit, Switch):
        text += f'; from *{lowest}* to *{highest}*'
    if number(numbers[-1]) != 1:
        text += f', a multiple of *{multiple}*'
    return text + {'OR_OFF': ', or *off*.', 'OR_AUTO': ', or *auto*, or *off*.', 'NO_OFF': '.'}[off]


def indented(paragraph):
    return textwrap.fill(paragraph, COLUMNS, initial_indent='\t', subsequent_indent='\t',
                         break_long_words=False, break_on_hyphens=False) + '\n\n'


def options_text(table):
    text = ''
    for macro, arguments in table:
        limits_text = ''
        if macro == 'OPTION_NUMBER':
            _, name, unit_name, *numbers, off, help_text, manual = arguments
            what = UNITS[unit_name].what
            limits_text = ' ' + limits(UNITS[unit_name], numbers, off)
        elif macro == 'OPTION_TEXT':
            _, name, what, help_text, manual = arguments
        else:
            continue
        text += f'*{name}*=_{what}_\n'
        text += indented(help_text[0].upper() + help_text[1:] + '.' + limits_text)
        text += ''.join(indented(paragraph) for paragraph in manual.split('\n\n'))
    return text


def values_text(table):
    """How to write what the options of the table take."""
    used = {arguments[2] for macro, arguments in table if macro == 'OPTION_NUMBER'}
    return (''.join(f'_{unit.what}_\n' + indented(unit.manual)
                    for name, unit in UNITS.items() if name in used)
            + '_FILE_, _FOLDER_\n' + indented(FILE_MANUAL))


def page(table_text):
    table = list(rows(table_text))
    return BEFORE + '\n' + options_text(table) + VALUES + values_text(table) + AFTER


def main(arguments):
    root = c_source.tree_root()
    text = page((root / TABLE).read_text())
    if arguments == ['--write']:
        (root / PAGE).write_text(text)
        return 0
    if arguments == ['--check']:
        if (root / PAGE).exists() and (root / PAGE).read_text() == text:
            return 0
        print(f'{PAGE} is not what the table says: run dev/gen_env_manual.py --write')
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
