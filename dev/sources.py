#!/usr/bin/python3
"""Keeps the lists of files in the meson.build files equal to what is in the tree.

usage: dev/sources.py --check | --write

Meson wants explicit lists, so that a new file is a visible change. They stand between two marker
comments. --write brings them up to date; --check fails when a file is in no list, or a list names
a file that is not there.
"""
import pathlib
import sys

BEGIN = '# sources: begin (written by dev/sources.py --write)\n'
END = '# sources: end\n'

# In api, these go into the core that tests link. The others define names of libc or act at load.
CORE_API_FILES = ('src/api/exit_stats.c', 'src/api/misuse.c', 'src/api/pageheap_api.c')
VM_LINUX = 'src/os/vm_linux.c'
FAKE_FILES = ('test/support/host_fake.c', 'test/support/vm_fake.c')
FAKE_TEST_FOLDERS = ('unit', 'model', 'fault')
REAL_TEST_FOLDERS = ('system', 'threads')
TOOL_TEST_FOLDERS = ('tools',)
FUZZ_TEST_FOLDERS = ('fuzz',)
# Of the fuzzer, one of these is linked with each program.
FUZZ_PARTS = {
    'fuzz_own_sources': 'test/fuzz/entry_points_own.c',
    'fuzz_libc_sources': 'test/fuzz/entry_points_libc.c',
    'fuzz_target_sources': 'test/fuzz/malloc_target.c',
}
TOOL_MAIN = 'tools/main.c'   # its main would clash with that of a test
WORKLOAD_LAUNCHER = 'bench/malloc/launch.c'   # a program of its own beside the workloads
WORKLOAD_SHARED = ('bench/malloc/main.c', 'bench/malloc/support.c')   # those in C++ link it too


def matches(root, *patterns):
    """Paths relative to root, sorted."""
    found = {path.relative_to(root).as_posix() for pattern in patterns
             for path in root.glob(pattern) if path.is_file()}
    return sorted(found)


def files_call(folder, paths):
    """The meson expression for some files, seen from `folder`."""
    if not paths:
        return 'files()'
    names = [pathlib.PurePosixPath(path).relative_to(folder).as_posix()
             if path.startswith(folder + '/') else '../' + path for path in paths]
    if len(names) == 1:
        return f"files('{names[0]}')"
    return 'files(\n' + ''.join(f"  '{name}',\n" for name in names) + ')'


def lists(folder, groups):
    return ''.join(f'{name} = {files_call(folder, paths)}\n' for name, paths in groups)


def source_lists(root):
    sources = matches(root, 'src/**/*.c')
    malloc = [path for path in sources
              if path.startswith('src/api/') and path not in CORE_API_FILES]
    return lists('src', [
        ('core_sources', [path for path in sources if path not in malloc + [VM_LINUX]]),
        ('vm_linux_sources', [path for path in sources if path == VM_LINUX]),
        ('malloc_sources', malloc),
    ])


def tool_lists(root):
    sources = matches(root, 'tools/**/*.c')
    return lists('tools', [
        ('tool_sources', [path for path in sources if path != TOOL_MAIN]),
        ('tool_main', [path for path in sources if path == TOOL_MAIN]),
        ('public_headers', matches(root, 'include/neap/*.h')),
    ])


def test_name(path):
    """test/unit/pageheap/page_set_test.c is pageheap.page_set; test/model/x_test.c is model.x."""
    parts = pathlib.PurePosixPath(path.removesuffix('_test.c')).parts[1:]
    return '.'.join(parts[1:] if parts[0] == 'unit' else parts)


def test_paths(root, folders):
    return matches(root, *(f'test/{folder}/**/*_test.c' for folder in folders))


def test_table(root, name, folders):
    rows = ''.join(f"  '{test_name(path)}': {files_call('test', [path])},\n"
                   for path in test_paths(root, folders))
    return f'{name} = {{\n{rows}}}\n'


def test_lists(root):
    support = matches(root, 'test/support/*.c')
    return (lists('test', [
        ('fake_sources', [path for path in support if path in FAKE_FILES]),
        ('support_sources', [path for path in support if path not in FAKE_FILES]),
    ]) + test_table(root, 'fake_tests', FAKE_TEST_FOLDERS)
       + test_table(root, 'real_tests', REAL_TEST_FOLDERS)
       + test_table(root, 'tool_tests', TOOL_TEST_FOLDERS)
       + fuzz_lists(root))


def fuzz_lists(root):
    sources = [path for path in matches(root, 'test/fuzz/*.c') if not path.endswith('_test.c')]
    shared = [path for path in sources if path not in FUZZ_PARTS.values()]
    parts = [(name, [path] if path in sources else []) for name, path in FUZZ_PARTS.items()]
    return (lists('test', [('fuzz_sources', shared)] + parts)
            + test_table(root, 'fuzz_tests', FUZZ_TEST_FOLDERS))


def bench_lists(root):
    programs = matches(root, 'bench/*.c')
    rows = ''.join(f"  '{pathlib.PurePosixPath(path).stem}': {files_call('bench', [path])},\n"
                   for path in programs)
    return (f'bench_programs = {{\n{rows}}}\n'
            + lists('bench', [
                ('bench_support', matches(root, 'bench/support/*.c')),
                ('launch_sources', matches(root, WORKLOAD_LAUNCHER)),
                ('workload_shared_sources', matches(root, *WORKLOAD_SHARED)),
                ('workload_sources', [path for path in matches(root, 'bench/malloc/*.c')
                                      if path not in (WORKLOAD_LAUNCHER, *WORKLOAD_SHARED)]),
                ('workload_cxx_sources', matches(root, 'bench/malloc/*.cc')),
            ]))


LISTS = {
    'src/meson.build': source_lists,
    'tools/meson.build': tool_lists,
    'test/meson.build': test_lists,
    'bench/meson.build': bench_lists,
}


def wanted_text(root, build_file):
    """The build file as it should be."""
    text = (root / build_file).read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f'{build_file}: no marker comments around the lists')
    return before + begin + LISTS[build_file](root) + end + after


def stale_files(root):
    return [path for path in LISTS if wanted_text(root, path) != (root / path).read_text()]


def main(arguments):
    root = pathlib.Path(__file__).resolve().parent.parent
    if arguments == ['--write']:
        for path in stale_files(root):
            (root / path).write_text(wanted_text(root, path))
            print(f'{path}: lists brought up to date')
        return 0
    if arguments == ['--check']:
        stale = stale_files(root)
        for path in stale:
            print(f'{path}: lists are not what is in the tree: run dev/sources.py --write')
        return 1 if stale else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
