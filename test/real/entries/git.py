"""git: clones this repository, or one made of its files; repack, gc, fsck, log, diff, blame"""
from driver.side import ROOT

VERSION = ['git', '--version']
PROBES = [['git', 'index-pack', '--version']]
QUICK = True
CONFIGURATION = '''[safe]
    directory = *
[user]
    name = neap
    email = neap@localhost
[pack]
    threads = 1
[gc]
    auto = 0
[init]
    defaultBranch = main
'''


def make_repository(side):
    """A repository of its own where this tree is none: many commits, same ids on both sides."""
    git = ['git', '-C', side.work / 'made']
    dates = {f'GIT_{who}_DATE': '2026-01-01T00:00:00Z' for who in ('AUTHOR', 'COMMITTER')}
    side.plain(['git', 'init', '-q', 'made'])
    files = [path for folder in ('src', 'test', 'dev', 'tools')
             for path in sorted((ROOT / folder).rglob('*')) if path.suffix in ('.c', '.h', '.py')]
    for number, path in enumerate(files):
        (side.work / 'made' / f'{number % 40}').write_bytes(path.read_bytes())
        side.plain(git + ['add', '.'])
        side.plain(git + ['commit', '-q', '-m', f'file {number}'], env=dates)
    return side.work / 'made'


def workload(side):
    (side.work / '.gitconfig').write_text(CONFIGURATION)
    is_repository = (ROOT / '.git').exists()
    origin = ROOT if is_repository else make_repository(side)
    git = ['git', '-C', side.work / 'clone']
    side.run(['git', 'clone', '-q', '--no-local', '--no-hardlinks', origin, 'clone'])
    side.run(git + ['fsck', '--full', '--strict'], keep='fsck')
    side.run(git + ['log', '-p', '--stat', '--no-color'], keep='log')
    side.run(git + ['log', '--oneline', '--graph', '--find-renames', '--numstat'], keep='graph')
    side.run(git + ['blame', '-w', '-C', 'Makefile' if is_repository else '0'], keep='blame')
    side.run(git + ['grep', '-n', '-E', 'alloc|free'], keep='grep')
    side.run(git + ['archive', 'HEAD'], keep='archive.tar')
    side.run(git + ['repack', '-q', '-a', '-d', '-f', '--depth=50', '--window=60'])
    side.run(git + ['gc', '-q', '--aggressive', '--prune=now'])
    side.run(git + ['fsck', '--full', '--strict'], keep='fsck-after-gc')
    objects = side.run(git + ['cat-file', '--batch-all-objects', '--batch-check'], keep='objects')
    side.run(git + ['verify-pack', '-v', *(side.work / 'clone').glob('.git/objects/pack/*.idx')],
             keep='packs')
    side.summary = f'{len(objects.splitlines())} objects, log, blame, grep, archive, packs'
