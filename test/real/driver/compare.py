"""Are the results of two sides the same?"""
import itertools

SHOWN_BYTES = 160
DIFFERENCES_MAX = 8


def is_text(data):
    return b'\0' not in data


def shown(data):
    return data[:SHOWN_BYTES].decode(errors='replace')


def text_differences(libc, neap):
    """The lines that only one side has, in their order; else where the order differs."""
    libc_lines, neap_lines = libc.splitlines(), neap.splitlines()
    only_libc, only_neap = set(libc_lines) - set(neap_lines), set(neap_lines) - set(libc_lines)
    for line in libc_lines:
        if line in only_libc:
            yield f'libc: {shown(line)}'
    for line in neap_lines:
        if line in only_neap:
            yield f'neap: {shown(line)}'
    if not only_libc and not only_neap:
        for number, (one, other) in enumerate(itertools.zip_longest(libc_lines, neap_lines), 1):
            if one != other:
                yield f'line {number}: libc: {shown(one or b"(none)")}'
                yield f'line {number}: neap: {shown(other or b"(none)")}'
                return
        yield 'only the ends of lines differ'


def byte_differences(libc, neap):
    n_different = sum(one != other for one, other in zip(libc, neap))
    first = next((place for place, (one, other) in enumerate(zip(libc, neap)) if one != other),
                 min(len(libc), len(neap)))
    yield (f'first difference at byte {first}; {n_different} bytes differ;'
           f' {len(libc)} bytes under libc, {len(neap)} under neap')


def differences(libc_folder, neap_folder):
    """Lines that say what differs between two folders of results; none where nothing does."""
    names = [{path.name for path in folder.iterdir()} for folder in (libc_folder, neap_folder)]
    if not names[0]:
        yield 'libc left no results: nothing was compared'
    for name in sorted(names[0] ^ names[1]):
        yield f'{name}: a result under {"libc" if name in names[0] else "neap"} only'
    for name in sorted(names[0] & names[1]):
        libc, neap = (libc_folder / name).read_bytes(), (neap_folder / name).read_bytes()
        if libc == neap:
            continue
        both_text = is_text(libc) and is_text(neap)
        found = (text_differences if both_text else byte_differences)(libc, neap)
        for line in itertools.islice(found, DIFFERENCES_MAX):
            yield f'{name}: {line}'
