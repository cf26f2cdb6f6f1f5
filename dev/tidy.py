#!/usr/bin/python3
"""Style as a test: sizes, words, comments that atomics and invariants need, files without tests.

usage: dev/tidy.py

Each rule is a function below that yields (path, line number, complaint). There is no way to
switch a rule off for one place; what a rule excepts stands in a table here, with the reason.
"""
import re
import sys

import c_source

LINES_MAX, FUNCTION_LINES_MAX, COLUMNS_MAX, PARAMETERS_MAX = 800, 70, 100, 5
CALLBACKS = {'answer_request'}   # whose parameters a library of others has set

# One noun per thing; instead: arena, page, run, span, slot, object, class, list.
FORBIDDEN_NOUNS = ('chunk', 'block', 'slab', 'extent', 'bin', 'region', 'bucket')
FORBIDDEN = {word for noun in FORBIDDEN_NOUNS for word in (noun, noun + 's')}
OTHERS_NAMES = {'SIG_BLOCK', 'SIG_UNBLOCK'}   # of libc and the kernel
# The public API says block where it describes any piece of memory, as users of malloc do.
OTHERS_NAMES |= {'neap_block', 'neap_block_describe', 'neap_block_state', 'NEAP_BLOCK_FOREIGN',
                 'NEAP_BLOCK_LIVE', 'NEAP_BLOCK_FREE', 'out_block'}

# Files that no test names, and why.
WITHOUT_TEST = {
    'src/api/cxx_operators.c': 'is tested from C++: test/programs/cxx_operators.cc',
    'src/api/libc.c': 'is tested from outside: test/programs run real programs with it',
    'src/api/lifecycle.c': 'runs at load, fork and exit, which test/programs exercise',
}

PARTNERED = re.compile(r'(?<!\w)(?:load_acquire|store_release|exchange_(?!relaxed)\w+|cas_\w+|\w+_acq_rel'
                       r'|\w+_seq_cst)\s*\(')
RELAXED = re.compile(r'(?<!\w)\w+_relaxed\s*\(')
RELAXED_REASONS = ('counter', 'hint', 'owner')
COMMENT_REACH_LINES = 3   # so far above a statement its comment may start


def file_sizes(sources):
    """Files, lines and functions stay short; functions have few parameters; no tabs."""
    for source in sources:
        n_lines = len(source.text.rstrip('\n').split('\n'))
        if n_lines > LINES_MAX:
            yield source.path, n_lines, f'{n_lines} lines; at most {LINES_MAX}'
        for number, line in enumerate(source.lines, 1):
            if len(line) > COLUMNS_MAX:
                yield source.path, number, f'{len(line)} columns; at most {COLUMNS_MAX}'
            if '\t' in line:
                yield source.path, number, 'a tab'


def function_sizes(sources):
    for source in sources:
        for function in source.functions():
            n_lines = function.last_line - function.first_line + 1
            if n_lines > FUNCTION_LINES_MAX:
                yield (source.path, function.first_line,
                       f'{function.name} has {n_lines} lines; at most {FUNCTION_LINES_MAX}')
            if function.n_parameters > PARAMETERS_MAX and function.name not in CALLBACKS:
                yield (source.path, function.first_line, f'{function.name} has'
                       f' {function.n_parameters} parameters; at most {PARAMETERS_MAX}')


def forbidden_words(sources):
    """The seven nouns that mean what another of our nouns means."""
    for source in sources:
        for number, lines in enumerate(zip(source.code_lines, source.comment_lines), 1):
            for word in re.findall(r'[A-Za-z_]\w*', ' '.join(lines)):
                if word not in OTHERS_NAMES and FORBIDDEN & set(word.lower().split('_')):
                    yield source.path, number, f'{word}: not a word of the house'


def open_ends(sources):
    for source in sources:
        for number, comment in enumerate(source.comment_lines, 1):
            for word in re.findall(r'\b(?:TODO|FIXME|XXX)\b', comment):
                yield source.path, number, f'{word}: do it, or leave it to the issue tracker'


def comments_near(source, number):
    """Comments from a few lines above line `number` to the end of the statement there."""
    last = number
    while last < min(number + COMMENT_REACH_LINES, len(source.code_lines)) \
            and not re.search(r'[;{]', source.code_lines[last - 1]):
        last += 1
    first = max(number - COMMENT_REACH_LINES, 1)
    return ' '.join(source.comment_lines[first - 1:last])


def memory_orders(sources):
    """Acquire and release name their partner, relaxed says which of three it is."""
    for source in sources:
        if source.path == 'src/base/atomic.h':
            continue
        for number, line in enumerate(source.code_lines, 1):
            comments = comments_near(source, number)
            if PARTNERED.search(line) and not re.search(r'pairs with|\block\b', comments):
                yield source.path, number, 'no comment "pairs with: ..." at an ordered access'
            if RELAXED.search(line) and not any(re.search(rf'\b{word}s?\b', comments)
                                                for word in RELAXED_REASONS):
                yield (source.path, number,
                       'a relaxed access is a counter, a hint or has an owner: say which')


def partners_exist(sources):
    """Whoever is named behind "pairs with:" is in the sources."""
    names = {name for source in sources for line in source.code_lines
             for name in re.findall(r'[A-Za-z_]\w*', line)}
    for source in sources:
        for number, comment in enumerate(source.comment_lines, 1):
            for listed in re.findall(r'pairs with: (\w+(?:, \w+)*)', comment):
                for name in listed.split(', '):
                    if name not in names:
                        yield source.path, number, f'pairs with {name}, which does not exist'


def declared_invariants(source):
    """(line number, code) of the list behind a comment `// Invariants:`."""
    is_list = False
    for number, comment in enumerate(source.comment_lines, 1):
        if re.match(r'\s*// Invariants\b', comment):
            is_list = True
        elif not comment.strip():
            is_list = False
        found = re.match(r'\s*//\s+([A-Z]\d+)\s', comment)
        if is_list and found:
            yield number, found.group(1)


def checked_invariants(source):
    """(line number, code) in comments inside of functions called ..._verify."""
    for function in source.functions():
        if function.is_definition and function.name.endswith('_verify'):
            for number in range(function.first_line, function.last_line + 1):
                for code in re.findall(r'\b[A-Z]\d+\b', source.comment_lines[number - 1]):
                    yield number, code


def invariants(sources):
    """In each folder, the invariants listed in headers are those that _verify functions check."""
    for folder in sorted({source.path.rpartition('/')[0] for source in sources}):
        inside = [source for source in sources if source.path.rpartition('/')[0] == folder]
        declared, checked = {}, {}
        for source in inside:
            for number, code in declared_invariants(source):
                if code in declared:
                    yield source.path, number, f'{code} is declared twice in {folder}'
                declared[code] = (source.path, number)
            for number, code in checked_invariants(source):
                checked[code] = (source.path, number)
        letters = {code[0] for code in declared}
        for code in sorted(declared.keys() - checked.keys()):
            yield *declared[code], f'{code} is checked in no _verify function (comment // {code})'
        for code in sorted(checked.keys() - declared.keys()):
            if code[0] in letters:
                yield *checked[code], f'{code} is checked, but declared nowhere'


def untested(sources, tests):
    """Every .c file has a test that includes its header, names it, or is called after it."""
    text = '\n'.join(test.text for test in tests)
    paths = {test.path for test in tests}
    for source in sources:
        stem = source.path.removeprefix('src/').removesuffix('.c')
        if not source.path.endswith('.c') or source.path in WITHOUT_TEST:
            continue
        if f'test/unit/{stem}_test.c' not in paths and f'{stem}.h' not in text \
                and f'{stem}.c' not in text:
            yield source.path, 1, f'no test mentions {stem}.h or {stem}.c'


def check(root):
    """All complaints about a tree, as lines."""
    library = c_source.read_sources(root, ['src'])
    program = c_source.read_sources(root, ['src', 'include', 'tools'])
    everything = c_source.read_sources(root, ['src', 'include', 'tools', 'test', 'bench'])
    tests = c_source.read_sources(root, ['test'], ('.c', '.h', '.sh', '.py'))
    complaints = [*file_sizes(everything), *function_sizes(program),
                  *forbidden_words([s for s in program if not s.path.startswith('tools/')]),
                  *open_ends(everything), *memory_orders(library), *partners_exist(library),
                  *invariants(library), *untested(library, tests)]
    return [f'{path}:{number}: {complaint}' for path, number, complaint in complaints]


if __name__ == '__main__':
    sys.exit(c_source.run_checker(check, __doc__))
