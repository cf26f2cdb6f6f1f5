"""binutils: ld, ar, nm, objcopy, strip, readelf, objdump over 41 objects; byte for byte"""

VERSION = ['ld', '--version']
PROBES = [[name, '--version'] for name in ('ar', 'nm', 'objcopy', 'strip', 'readelf', 'objdump')]
PROGRAMS = ['gcc', 'g++']
N_OBJECTS = 40


def make_objects(side):
    for language, compiler, count in (('c', 'gcc', 30), ('cc', 'g++', 2)):
        source = side.work / f'big.{language}'
        source.write_bytes(side.plain(['/usr/bin/python3', side.load('big_program.py'), language,
                                       count]))
        for number in range(N_OBJECTS if language == 'c' else 1):
            side.plain([compiler, '-g', '-O1', '-fPIC', '-w', '-frandom-seed=neap', '-c',
                        source.name, f'-Dmain=main{number}', '-o', f'{language}{number}.o'])
    return [f'c{number}.o' for number in range(N_OBJECTS)] + ['cc0.o']


def workload(side):
    objects = make_objects(side)
    side.run(['ld', '-shared', '--gc-sections', '-z', 'now', '--build-id=sha1', '-o', 'all.so',
              *objects[:-1]])
    side.run(['ld', '-r', '-Map=map', '-o', 'all.o', *objects])
    side.run(['ar', 'rcsD', 'all.a', *objects])
    side.run(['objcopy', '--compress-debug-sections=zlib', 'all.o', 'packed.o'])
    side.run(['strip', '-g', '-o', 'bare.o', 'all.o'])
    side.keep_digests('files', [side.work / name for name in
                                ('all.so', 'all.o', 'all.a', 'map', 'packed.o', 'bare.o')])
    side.run(['nm', '-C', '-n', 'all.o'], keep='nm')
    for name, command in (('readelf', ['readelf', '-aW', 'cc0.o']),
                          ('objdump', ['objdump', '-dCl', 'bare.o']),
                          ('dwarf', ['readelf', '-wi', 'cc0.o'])):
        (side.work / name).write_bytes(side.run(command))
    side.keep_digests('printed', [side.work / name for name in ('readelf', 'objdump', 'dwarf')])
    side.summary = f'{len(objects)} objects in nine ways, same bytes'
