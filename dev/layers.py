#!/usr/bin/python3
"""Compares the tree with ARCHITECTURE.md: who may use whom, and what may be called where.

usage: dev/layers.py

ARCHITECTURE.md has a section per folder of src/, in the order of the line of folders:

    ### `pageheap`
    - may use: `base` `os`
    - may be used by: `span` `api`
    - face: `pageheap/page_heap.h`

A bullet goes on in indented lines. A folder includes its own headers, any header of base, and
the face headers of the folders it may use. What is in backticks in the documents must exist.
"""
import re
import sys

import c_source
import documents

BULLETS = ('may use', 'may be used by', 'face')

MEMORY_CALLS = ('mmap munmap mprotect madvise mremap mincore mlock munlock msync brk sbrk'
                ' memfd_create posix_madvise process_madvise').split()
SYSTEM_CALLS = ('syscall open openat close read pread write ioctl fork vfork clone kill raise'
                ' abort exit _exit prctl sched_yield sched_getaffinity sched_getcpu getcpu'
                ' clock_gettime nanosleep usleep sleep getrandom getpid gettid sysconf'
                ' getpagesize getrlimit setrlimit sigaction pthread_create').split()
LIBC_ALLOCATION = ('malloc calloc realloc free reallocarray aligned_alloc posix_memalign memalign'
                   ' valloc pvalloc strdup strndup').split()
LIBC_PRINTING = ('printf fprintf sprintf snprintf vprintf vfprintf vsprintf vsnprintf dprintf'
                 ' asprintf vasprintf puts fputs putchar fwrite fopen perror').split()


def call_of(names):
    """A regular expression for a call of one of the names, not of a member of that name."""
    return r'(?<!\.)(?<!->)\b(?:' + '|'.join(names) + r')\s*\('


# what is looked for, where it is allowed (folder or file), what to say
PLACES = [
    (call_of(MEMORY_CALLS), ('src/os/vm_linux.c',), 'memory calls belong in src/os/vm_linux.c'),
    (call_of(['write', 'abort']), ('src/os/', 'src/base/check.c', 'src/api/misuse.c'),
     'last words are written in src/base/check.c and src/api/misuse.c'),
    (call_of([name for name in SYSTEM_CALLS if name not in ('write', 'abort')]), ('src/os/',),
     'system calls belong in src/os'),
    (r'<stdatomic\.h>|\b__atomic_|\b__sync_|\b_Atomic\b|\batomic_\w+_explicit\b|\bmemory_order_',
     ('src/base/atomic.h',), 'atomics are declared in src/base/atomic.h'),
    (r'\berrno\b', ('src/os/', 'src/api/'), 'errno belongs in src/os and src/api'),
    (call_of(['getenv', 'secure_getenv']) + r'|\benviron\b', ('src/os/host_linux.c',),
     'options come from src/config, which asks src/os/host_linux.c for the environment'),
    (call_of(LIBC_ALLOCATION), ('src/api/',), "libc's allocator is what we replace"),
    # glibc's malloc_info and malloc_stats print to a FILE.
    (call_of(LIBC_PRINTING), ('src/api/malloc_control.c',), 'stdio allocates'),
]


# What the program neap may have of the library: its tables, and how it reads options.
TOOL_HEADERS = ('config/config.h', 'config/option.h', 'config/value.h', 'config/option.def',
                'span/size_class.def')


class Folder:
    def __init__(self, name):
        self.name = name
        self.bullets = {}


def parse_folders(text):
    """The sections of ARCHITECTURE.md about folders, in their order."""
    folders = []
    bullet = None
    for line in text.splitlines():
        heading = re.match(r'#+ ', line)
        if heading:
            name = re.match(r'### `(\w+)/?`', line)
            folders += [Folder(name.group(1))] if name else []
            is_in_section, bullet = bool(name), None
            continue
        start = re.match(r'- ([a-z ]+):', line)
        if start:
            bullet = start.group(1) if folders and is_in_section else None
            if bullet in BULLETS:
                folders[-1].bullets[bullet] = []
        elif not line.startswith(' '):
            bullet = None
        if bullet in BULLETS:
            folders[-1].bullets[bullet] += re.findall(r'`([^`]+)`', line)
    return folders


def check_line(folders, names_in_tree):
    """The folders form one line, and say the same of one another."""
    line = [folder.name for folder in folders]
    for name in sorted(set(names_in_tree) - set(line)):
        yield f'ARCHITECTURE.md: no section "### `{name}`" for src/{name}'
    for name in [name for name in line if name not in names_in_tree]:
        yield f'ARCHITECTURE.md: `{name}` is not in src/'
    for name in sorted({name for name in line if line.count(name) > 1}):
        yield f'ARCHITECTURE.md: `{name}` has two sections'
    for i, folder in enumerate(folders):
        for bullet in [bullet for bullet in BULLETS if bullet not in folder.bullets]:
            yield f'ARCHITECTURE.md: `{folder.name}` has no bullet "- {bullet}:"'
        for used in folder.bullets.get('may use', []):
            if used not in line[:i]:
                yield (f'ARCHITECTURE.md: `{folder.name}` may use `{used}`,'
                       f' which does not stand before it')
    uses = {(a.name, b) for a in folders for b in a.bullets.get('may use', [])}
    used_by = {(b, a.name) for a in folders for b in a.bullets.get('may be used by', [])}
    for user, used in sorted(uses - used_by):
        yield f'ARCHITECTURE.md: `{user}` may use `{used}`, but `{used}` does not say so'
    for user, used in sorted(used_by - uses):
        yield f'ARCHITECTURE.md: `{used}` may be used by `{user}`, but `{user}` does not say so'


def face_headers(folder):
    return [name for name in folder.bullets.get('face', []) if name.endswith(('.h', '.def'))]


def check_faces(root, folders):
    for folder in folders:
        for header in face_headers(folder):
            if not header.startswith(folder.name + '/') or not (root / 'src' / header).exists():
                yield f'ARCHITECTURE.md: face `{header}` of `{folder.name}` is not in src/'


def include_complaint(source, header, folders):
    """What is wrong with an include in src/, or None."""
    own = source.path.split('/')[1]
    target, slash, _ = header.partition('/')
    if not slash:
        return f'"{header}": write "folder/{header}"'
    if target == 'neap':
        return None if own in ('api', 'observe') \
            else f'"{header}": only observe and api know the public headers'
    if target == own:
        return None
    if target not in folders.get(own, {}).get('may use', []):
        return f'"{header}": {own} may not use {target}'
    if target != 'base' and header not in folders.get(target, {}).get('face', []):
        return f'"{header}" is not a face header of {target}'
    return None


def check_includes(sources, folders):
    bullets = {folder.name: folder.bullets for folder in folders}
    for source in sources:
        for number, include in source.includes():
            if include[0] == '"':
                complaint = include_complaint(source, include[1:-1], bullets)
                if complaint:
                    yield f'{source.path}:{number}: {complaint}'


def check_outer_includes(root, sources, folders):
    """tools and bench see the library as everybody does; bench may also measure its faces, and
    tools have its tables."""
    faces = {header for folder in folders for header in face_headers(folder)}
    for source in sources:
        top = source.path.split('/')[0]
        own = (root / source.path).parent
        for number, include in source.includes():
            header = include[1:-1]
            if include[0] == '<' or header.startswith('neap/') or (own / header).exists() \
                    or (root / top / header).exists():
                continue
            if top == 'tools' and header in TOOL_HEADERS:
                continue
            if top == 'bench' and (header in faces or header.startswith('base/')
                                   or (root / 'test/support' / header).exists()):
                continue
            yield f'{source.path}:{number}: "{header}": {top} includes neap/ and its own headers'


def check_no_included_code(sources):
    for source in sources:
        for number, include in source.includes():
            if include[1:-1].endswith('.c'):
                yield f'{source.path}:{number}: a .c file is compiled, not included'


def check_places(sources):
    for source in sources:
        for pattern, places, message in PLACES:
            if source.path.startswith(places):
                continue
            for number, line in enumerate(source.code_lines, 1):
                found = re.search(pattern, line)
                if found:
                    word = found.group().rstrip('( ')
                    yield f'{source.path}:{number}: {word}: {message}'


def check(root):
    """All complaints about a tree."""
    architecture = root / 'ARCHITECTURE.md'
    if not architecture.exists():
        return ['ARCHITECTURE.md is missing']
    folders = parse_folders(architecture.read_text())
    library = c_source.read_sources(root, ['src'])
    outside = c_source.read_sources(root, ['tools', 'bench'])
    names_in_tree = {source.path.split('/')[1] for source in library}
    return [*check_line(folders, names_in_tree), *check_faces(root, folders),
            *check_includes(library, folders), *check_outer_includes(root, outside, folders),
            *check_no_included_code(library + outside + c_source.read_sources(root, ['test'])),
            *check_places(library), *documents.check(root)]


if __name__ == '__main__':
    sys.exit(c_source.run_checker(check, __doc__))
