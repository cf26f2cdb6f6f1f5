"""sqlite3: 60 000 rows, indexes, trigger, joins, window functions, VACUUM, integrity_check"""

VERSION = ['sqlite3', '--version']
QUICK = True


def workload(side):
    script = side.load('stress.sql').read_bytes()
    output = side.run(['sqlite3', 'base.db'], stdin=script, keep='output')
    side.keep_digests('files', [side.work / 'base.db'])
    side.run(['sqlite3', ':memory:'], stdin=script, keep='output-in-memory')
    if b'\nok\n' not in output:
        raise AssertionError('integrity_check does not say ok')
    side.summary = f'{len(output.splitlines())} lines of output and the file'
