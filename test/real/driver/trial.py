"""One entry on both sides, each in a process of its own with a time limit, and the comparison."""
import json
import os
import shutil
import subprocess
import sys

from driver import processes
from driver.compare import differences
from driver.entry import FOLDER

ONE_SIDE = FOLDER.parent / 'driver/one_side.py'
PEAK_FLOOR_KIB = 40 * 1024   # below, it may be the driver's own, which children begin with


class Outcome:
    """What came of one entry."""

    def __init__(self, entry):
        self.entry = entry
        self.libc = self.neap = None   # what the sides measured
        self.complaints = []
        self.missing = []              # why it could not run here
        self.is_neaps = False          # libc's side was good, so the complaints are neap's

    def word(self):
        return '--' if self.missing else 'FAIL' if self.complaints else 'ok'

    def ratio(self, key):
        """neap's number per libc's, or None where it says nothing."""
        if not self.libc or not self.neap or not self.libc[key]:
            return None
        if key == 'peak_kib' and max(self.libc[key], self.neap[key]) < PEAK_FLOOR_KIB:
            return None
        return self.neap[key] / self.libc[key]


class Trial:
    """How entries are run: with which library, where."""

    def __init__(self, library, folder, sources, limit_s=None):
        self.library, self.folder, self.sources = library, folder, sources
        self.limit_s = limit_s   # None: the entry's own

    def run(self, entry, before=None):
        """Runs both sides; libc's not again where `before`, an outcome of this entry, has it."""
        outcome = Outcome(entry)
        outcome.missing = entry.missing(self.sources)
        if outcome.missing:
            return outcome
        place = self.folder / entry.name
        if before:
            outcome.libc = before.libc
            shutil.rmtree(place / 'neap', ignore_errors=True)
        else:
            place.mkdir(mode=0o755)
            outcome.libc = self.run_side(entry, place, 'libc', outcome.complaints)
        if outcome.complaints:
            return outcome
        outcome.is_neaps = True
        outcome.neap = self.run_side(entry, place, 'neap', outcome.complaints)
        if not outcome.complaints:
            outcome.complaints += differences(place / 'libc', place / 'neap')
        return outcome

    def run_side(self, entry, place, word, complaints):
        """What the side measured, or None and complaints."""
        limit_s = self.limit_s or entry.limit_s
        library = self.library if word == 'neap' else '-'
        with open(place / f'{word}.log', 'w+b') as log:
            process = subprocess.Popen(
                [sys.executable, '-B', ONE_SIDE, entry.name, library, place, self.sources.folder],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            try:
                status = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                status = None
                complaints.append(f'{word}: not finished after {limit_s} s; where it stands:')
                complaints += processes.stacks_below(
                    os.getpid(), str(self.library)).splitlines()
            finally:
                processes.end_below(process.pid)
                process.kill()
                process.wait()
                processes.end_below(os.getpid())
            if status == 0:
                return json.loads((place / f'{word}.json').read_text())
            log.seek(0)
            lines = log.read().decode(errors='replace').splitlines()
            if status is not None:
                lines = lines or [f'one_side.py ended with status {status}']
            complaints += [f'{word}: {line}' for line in lines]
            return None
