#!/usr/bin/python3
"""Runs one entry on one side, in a process of its own; dev/test_programs starts it.

usage: one_side.py NAME LIBRARY FOLDER SOURCES

LIBRARY is a path, or - for libc's malloc. FOLDER/work is emptied and used; results go to
FOLDER/neap or FOLDER/libc, what was measured to neap.json or libc.json beside them. Exit status 1
and one complaint on stderr where the side failed.
"""
import json
import pathlib
import resource
import shutil
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from driver import proof
from driver.entry import Entry
from driver.side import Failure, Side, children_cpu_s
from driver.sources import Sources


def run_side(entry, side):
    """What was measured, as a dictionary."""
    proven = []
    for probe in entry.probes:
        proven += proof.prove(probe, side)
    version = side.plain(entry.version, with_stderr=True).decode(errors='replace')
    start, cpu_start = time.monotonic(), children_cpu_s()
    side.aside_s = side.aside_cpu_s = 0
    try:
        entry.workload(side)
    finally:
        side.stop_all()
    return {
        'summary': side.summary,
        'version': version.strip().splitlines()[0] if version.strip() else '',
        'proven': proven,
        'seconds': round(time.monotonic() - start - side.aside_s, 2),
        'cpu_seconds': round(children_cpu_s() - cpu_start - side.aside_cpu_s, 2),
        'peak_kib': resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    }


def main():
    name, library, folder, sources = sys.argv[1:]
    folder = pathlib.Path(folder)
    library = None if library == '-' else pathlib.Path(library)
    word = 'neap' if library else 'libc'
    shutil.rmtree(folder / 'work', ignore_errors=True)
    try:
        side = Side(library, folder / 'work', folder / word, Sources(sources))
        measured = run_side(Entry(name), side)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except Exception:   # a client's surprise is a finding, with its place
        traceback.print_exc()
        return 1
    (folder / f'{word}.json').write_text(json.dumps(measured))
    return 0


if __name__ == '__main__':
    sys.exit(main())
