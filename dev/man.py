#!/usr/bin/python3
"""Compares the man pages with the program and the headers that they describe.

usage: dev/man.py BUILD_DIRECTORY

  every page   mandoc has nothing to complain about
  neap.1       its commands, their usage, options and topics, and the exit codes are those that
               the built program shows in its help, in the same order
  neap.3       its synopsis has every function of include/neap/, as declared there
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def plain(text):
    """A piece of scdoc without its marks for bold and underlined."""
    return re.sub(r'\\(.)', r'\1', re.sub(r'(?<!\\)(?<!\w)[*_]|(?<!\\)[*_](?!\w)', '', text))


def sections(page, mark):
    """(heading, text) of the parts of a page under headings of one level."""
    parts = re.split(rf'^{mark} (.*)\n', page, flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def section(page, heading):
    return dict(sections(page, '#')).get(heading, '')


def terms(text):
    """The lines that an indented text follows."""
    return [plain(line) for line in re.findall(r'^(\S.*)\n\t', text, re.M)]


def help_options(text):
    """The options in a help text, "-t, --timeline FILE", without --help."""
    found = re.findall(r'^  (?:(-\w, )|    )(--\S+(?: [A-Z]+)?)(?:  |$)', text, re.M)
    return [letter + name for letter, name in found if name != '--help']


def differences(what, in_page, in_program):
    if in_page != in_program:
        yield f'{what}: the page has {in_page}, the program {in_program}'


def check_program(page, helps):
    """helps: what the program prints, by the words after its name."""
    overview = helps['--help']
    commands = re.findall(r'^  (\S+) ', section_of_help(overview, 'Commands'), re.M)
    documented = {heading.removeprefix('neap '): text for heading, text
                  in sections(section(page, 'COMMANDS'), '##')}
    yield from differences('commands', list(documented), commands)

    usages = []
    for command in commands:
        text = helps[f'{command} --help']
        usages += [' '.join(line.split()) for line in re.findall(r'^Usage: (.*)', text, re.M)]
        options = [term for term in terms(documented.get(command, '')) if term.startswith('-')]
        yield from differences(f'options of neap {command}', options, help_options(text))
    usages += [' '.join(line.split()) for line in re.findall(r'^       (neap --.*)', overview, re.M)]
    synopsis = [plain(line.removesuffix('++')) for line in section(page, 'SYNOPSIS').split('\n')
                if line]
    yield from differences('usage', synopsis, usages)

    topics = re.findall(r'^  (\S+) ', section_of_help(overview, 'Topics'), re.M)
    yield from differences('topics', re.findall(r'\*([a-z-]+)\*[,.]', documented.get('help', '')),
                           topics)
    codes = re.findall(r'^(\d+ \+ N|\d+|[a-z]+) ', helps['help exit-codes'], re.M)
    yield from differences('exit codes', terms(section(page, 'EXIT STATUS')), codes)


def section_of_help(text, start):
    """The lines below the one that starts so, up to an empty one."""
    found = re.search(rf'^{start}.*\n((?:.+\n?)*)', text, re.M)
    return found.group(1) if found else ''


def prototypes(text):
    """The functions declared in C code, each in one line, sorted."""
    text = re.sub(r'/\*.*?\*/|^#[^\n]*|^extern "C" \{', '', text, flags=re.S | re.M)
    found = re.findall(r'^[a-z][\w *]*?\bneap_\w+\([^;{}]*\);', text, re.M)
    return sorted(' '.join(declaration.split()) for declaration in found)


def check_prototypes(page, headers):
    in_page, declared = prototypes(section(page, 'SYNOPSIS')), prototypes(headers)
    if not declared:
        yield 'the headers declare nothing'
    yield from (f'the page lacks: {name}' for name in declared if name not in in_page)
    yield from (f'not declared: {name}' for name in in_page if name not in declared)


def check_format(path):
    """What mandoc says about a page."""
    try:
        done = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', path], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except FileNotFoundError:
        return ['mandoc is missing: apt-get install mandoc']
    return done.stdout.splitlines()


def output_of(program, words):
    return subprocess.run([program] + words.split(), check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def program_helps(program):
    helps = {words: output_of(program, words) for words in ('--help', 'help exit-codes')}
    for command in re.findall(r'^  (\S+) ', section_of_help(helps['--help'], 'Commands'), re.M):
        helps[f'{command} --help'] = output_of(program, f'{command} --help')
    return helps


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    build = pathlib.Path(arguments[0]).resolve()
    sources = sorted((ROOT / 'docs/man').glob('*.scd'))
    complaints = []
    for source in sources:
        built = build / 'docs/man' / source.stem
        complaints += check_format(built) if built.exists() else \
            [f'{source.name}: not built: it is not in docs/man/meson.build, or scdoc is missing']
    headers = ''.join(path.read_text() for path in sorted((ROOT / 'include/neap').glob('*.h')))
    pages = {source.stem: source.read_text() for source in sources}
    complaints += [f'neap.1: {text}' for text
                   in check_program(pages['neap.1'], program_helps(build / 'neap'))]
    complaints += [f'neap.3: {text}' for text in check_prototypes(pages['neap.3'], headers)]
    print('\n'.join(complaints), end='\n' if complaints else '')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
