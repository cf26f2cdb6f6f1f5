"""What a run of all programs shows: lines, JSON, and the table in docs/results/programs.md."""
import datetime
import os
import platform
import subprocess

NOTABLE_RATIO = 1.5

HEAD = '''# Real programs: what was compared

Written by `dev/test_programs --write`. Every program did its work twice on this machine, first
under libc's malloc, then under neap, and had to leave the same results. That neap was really used
is proved for each by what ld.so bound malloc to. Times and peaks are those of one run on a machine
that did other things too: a hint where to look, no measurement; `make bench` measures. Where a
suite or a benchmark runs clients, they count too. Peak is that of the largest process; below
40 MiB it is left out.

| | |
|---|---|
'''

COLUMNS = '''
| program | version | compared | same | libc s | neap s | CPU ratio | libc MiB | neap MiB | ratio |
|---|---|---|---|---|---|---|---|---|---|
'''


def ratio_text(ratio):
    return '' if ratio is None else f'{ratio:.2f}'


def mib(measured):
    return f'{measured["peak_kib"] / 1024:.0f}'


def side_text(measured):
    return f'{measured["seconds"]:.1f} s, {mib(measured)} MiB'


def line_of(outcome):
    """One line for one program."""
    start = f'{outcome.word():4} {outcome.entry.name:16}'
    if outcome.missing:
        return f'{start} not here: {", ".join(outcome.missing)}'
    libc = side_text(outcome.libc) if outcome.libc else 'failed'
    neap = side_text(outcome.neap) if outcome.neap else 'failed' if outcome.libc else 'not run'
    summary = f'  {outcome.libc["summary"]}' if outcome.libc else ''
    if outcome.neap and outcome.neap['summary'] != outcome.libc['summary']:
        summary += f'; under neap: {outcome.neap["summary"]}'
    ratios = [f'{ratio:.2f} x {what}' for what, ratio in
              (('CPU time', outcome.ratio('cpu_seconds')), ('peak', outcome.ratio('peak_kib')))
              if ratio is not None and ratio > NOTABLE_RATIO]
    return f'{start} libc: {libc:16} neap: {neap:16}{summary}{"  NOTE " * bool(ratios)}' \
        + ', '.join(ratios)


def as_json(outcomes):
    return [{'name': outcome.entry.name, 'outcome': outcome.word(), 'missing': outcome.missing,
             'complaints': outcome.complaints, 'libc': outcome.libc, 'neap': outcome.neap}
            for outcome in outcomes]


def row_of(outcome):
    cells = [outcome.entry.about]
    if outcome.libc and outcome.neap:
        peak = outcome.ratio('peak_kib')
        cells += [outcome.libc['version'], outcome.neap['summary'],
                  'yes' if outcome.word() == 'ok' else '**no**',
                  f'{outcome.libc["seconds"]:.1f}', f'{outcome.neap["seconds"]:.1f}',
                  ratio_text(outcome.ratio('cpu_seconds')),
                  mib(outcome.libc) if peak else '', mib(outcome.neap) if peak else '',
                  ratio_text(peak)]
    else:
        why = f'not here: {", ".join(outcome.missing)}' if outcome.missing else 'failed'
        cells += ['', why, '**no**'] + [''] * 6
    return '| ' + ' | '.join(cell.replace('|', '/') for cell in cells) + ' |\n'


def text(outcomes, commit):
    words = [outcome.word() for outcome in outcomes]
    facts = {'date': f'{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC',
             'commit': commit,
             'kernel': platform.release(),
             'system': platform.freedesktop_os_release().get('PRETTY_NAME', ''),
             'libc': ' '.join(platform.libc_ver()),
             'CPUs': str(os.cpu_count()),
             'programs': f'{words.count("ok")} passed, {words.count("FAIL")} failed, '
                         f'{words.count("--")} not here'}
    return (HEAD + ''.join(f'| {key} | {value} |\n' for key, value in facts.items()) + COLUMNS
            + ''.join(row_of(outcome) for outcome in outcomes))


def write(outcomes, root):
    commit = subprocess.run(['git', '-C', root, 'describe', '--always', '--dirty',
                             '--exclude=*'], capture_output=True, text=True, check=False)
    path = root / 'docs/results/programs.md'
    path.write_text(text(outcomes, commit.stdout.strip()))
    print(f'written: {path.relative_to(root)}')
