"""gcc: compiles redis and lua from their sources, -O2 -g; 127 objects byte for byte"""
import concurrent.futures
import os

VERSION = ['gcc', '--version']
SOURCES = ['redis', 'lua5.4']
LIMIT_S = 1200


def workload(side):
    redis, lua = side.unpack('redis'), side.unpack('lua5.4')
    (redis / 'src/release.h').write_text('#define REDIS_GIT_SHA1 "0"\n#define REDIS_GIT_DIRTY "0"\n'
                                         '#define REDIS_BUILD_ID "0"\n'
                                         '#define REDIS_BUILD_ID_RAW "0"\n')
    includes = [f'-I{redis}/deps/{name}' for name in ('lua/src', 'hiredis', 'linenoise',
                                                      'hdr_histogram')]
    sources = [path for folder in (redis / 'src', lua / 'src') for path in
               sorted(folder.glob('*.c')) if not path.name.startswith('ae_')]   # parts of ae.c

    def compile_one(source):
        folder = source.parent
        name = f'{folder.parent.name.partition("-")[0]}-{source.stem}.o'
        side.run(['gcc', '-O2', '-g', '-w', '-std=gnu11', '-D_GNU_SOURCE', '-frandom-seed=neap',
                  *includes, '-c', source.name, '-o', side.work / name], cwd=folder)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources))
    objects = list(side.work.glob('*.o'))
    side.keep_digests('objects', objects)
    side.run(['ld', '-r', '-o', 'all.o', *sorted(side.work.glob('redis-*.o')), '-z', 'muldefs'])
    side.keep_digests('linked', [side.work / 'all.o'])
    side.summary = f'{len(objects)} objects and one made of them, same bytes'
