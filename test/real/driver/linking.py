"""What the entries that link libneap.a share: building load/work.c or work.cc, and the proof."""
import re

from driver.side import Failure


def link(side, compiler, source, name, flags=(), whole=False):
    """Builds a program, on neap's side with libneap.a in it."""
    library = []
    if side.static_library:
        library = [side.static_library]
        if whole:
            library = ['-Wl,--whole-archive', *library, '-Wl,--no-whole-archive']
    side.plain([*compiler, *flags, '-O1', '-g', side.load(source), *library, '-pthread',
                '-o', name])
    prove_linked(side, name)


def prove_linked(side, name):
    """malloc is the same function as neap_malloc, or, on libc's side, there is no neap_malloc."""
    symbols = {symbol: address for address, symbol in
               re.findall(r'^(\w+) \w (\w+)$', side.plain(['nm', name]).decode(), re.M)}
    if side.static_library and ('malloc' not in symbols
                                or symbols['malloc'] != symbols.get('neap_malloc')):
        raise Failure(f"{name}: malloc is not neap's")
    if not side.static_library and 'neap_malloc' in symbols:
        raise Failure(f'{name} has neap in it, without being asked for')


def run_all(side, compiler, source, rounds, ways):
    """Builds and runs a program in several ways, which must print the same."""
    for name, flags, whole in ways:
        link(side, compiler, source, name, flags, whole)
        side.run([f'./{name}', rounds], keep=name, under=False)   # nothing is preloaded
    side.summary = f'linked in {len(ways)} ways: {", ".join(name for name, _, _ in ways)}'
