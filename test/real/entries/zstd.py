"""zstd: compresses 32 MB on several levels with two threads, trains a dictionary, and back"""
from driver.data import write_mixed_text

VERSION = ['zstd', '--version']
QUICK = True
LEVELS = (1, 6, 9)


def workload(side):
    write_mixed_text(side,  'data', megabytes=32)
    for level in LEVELS:
        packed = side.work / f'{level}.zst'
        side.run(['zstd', '-q', '-T2', f'-{level}', 'data', '-o', packed])
        side.run(['zstd', '-q', '-d', packed, '-o', f'{level}.back'])
        side.run(['cmp', 'data', f'{level}.back'])
    side.run(['zstd', '-q', '--train', '-B4096', 'data', '--maxdict=20000', '-o', 'dictionary'])
    side.run(['zstd', '-q', '-D', 'dictionary', '-5', 'data', '-o', 'dictionary.zst'])
    side.keep_digests('files', [*side.work.glob('*.zst'), *side.work.glob('*.back'),
                                side.work / 'dictionary'])
    side.summary = f'{len(LEVELS) + 1} ways and back, same bytes'
