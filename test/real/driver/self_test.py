"""Negative controls: do the comparisons notice what is wrong, and nothing else?

Every entry runs against libraries made of control/wrong_malloc.c: first one that changes nothing
and must pass; then wrong ones, the finest first, until one is noticed by its results. That a
program fails is noticing, too, but the search goes on. How programs are run has controls of its
own: libraries that are none, that have no malloc, that hang.
"""
import shutil
import subprocess

from driver.entry import FOLDER, Entry
from driver.trial import Trial

WRONG_MALLOC = FOLDER.parent / 'control/wrong_malloc.c'
HARMLESS = ('HARMLESS', 1)
# What is wrong, and every how many calls of the function
WRONG = (('TEXT', 5), ('CALLOC', 100), ('REALLOC', 100), ('OVERLAP', 300),
         ('LARGE', 2))
PLAIN_ENTRY = 'lua'   # one process, quick: for controls of how programs are run
LIMIT_FACTOR, LIMIT_EXTRA_S = 4, 40
HANG_LIMIT_S = 15


class Verdict:
    def __init__(self, name, complaint, notes):
        self.name, self.complaint, self.notes = name, complaint, notes

    def word(self):
        return 'FAIL' if self.complaint else 'ok'

    def show(self):
        print(f'{self.word():4} {self.name:18} {"; ".join(self.notes)}', flush=True)
        for line in self.complaint.splitlines()[:20]:
            print(f'     | {line}', flush=True)


def build_wrong(place, fault, every):
    """libneap.so.0 and libneap.a with a fault in a folder of their own."""
    folder = place / f'{fault.lower()}-{every}'
    if not folder.exists():
        folder.mkdir(mode=0o755)
        compile_ = ['gcc', '-O1', '-g', '-fno-builtin', '-fPIC', f'-DFAULT={fault}',
                    f'-DEVERY={every}', WRONG_MALLOC]
        subprocess.run([*compile_, '-shared', '-o', folder / 'libneap.so.0'], check=True)
        subprocess.run([*compile_, '-c', '-o', folder / 'wrong.o'], check=True)
        subprocess.run(['ar', 'rcs', folder / 'libneap.a', folder / 'wrong.o'], check=True)
    return folder / 'libneap.so.0'


def reason(outcome):
    """How a fault was noticed: by comparing results, or because the program failed."""
    return f'{"other results" if outcome.neap else "failure"}: {outcome.complaints[0][:80]}'


class Controls:
    def __init__(self, trial):
        self.folder, self.sources = trial.folder, trial.sources
        self.place = self.folder / 'control'
        self.place.mkdir(mode=0o755)

    def run(self, entry, library, limit_s=None, before=None):
        if not before:
            shutil.rmtree(self.folder / entry.name, ignore_errors=True)
        return Trial(library, self.folder, self.sources, limit_s).run(entry, before)

    def control_entry(self, entry):
        """Verdict on one entry, or None where it cannot run here."""
        harmless = self.run(entry, build_wrong(self.place, *HARMLESS))
        if harmless.missing:
            return None
        if harmless.complaints:
            return Verdict(entry.name, 'complains of a library that changes nothing:\n'
                           + '\n'.join(harmless.complaints), [])
        notes, is_noticed = ['harmless: same'], False
        limit_s = LIMIT_FACTOR * harmless.neap['seconds'] + LIMIT_EXTRA_S
        for fault, every in WRONG:
            wrong = self.run(entry, build_wrong(self.place, fault, every), limit_s, harmless)
            is_noticed |= bool(wrong.complaints)
            how = reason(wrong) if wrong.complaints else 'same'
            notes.append(f'{fault} every {every}: {how}')
            if wrong.complaints and wrong.neap:   # the finest way to notice
                break
        shutil.rmtree(self.folder / entry.name, ignore_errors=True)
        return Verdict(entry.name, '' if is_noticed else 'notices nothing', notes)

    def control_library(self, name, library, wanted, limit_s=None):
        """A library that cannot be right: the complaint must say so."""
        outcome = self.run(Entry(PLAIN_ENTRY), library, limit_s)
        text = '\n'.join(outcome.complaints)
        complaint = '' if outcome.is_neaps and wanted in text else f'not "{wanted}" but:\n{text}'
        return Verdict(name, complaint, [f'noticed: {wanted}'] if not complaint else [])

    def control_libraries(self):
        missing = self.place / 'missing/libneap.so.0'
        text = self.place / 'text.so'
        text.write_text('no library\n')
        empty = self.place / 'empty.so'
        subprocess.run(['gcc', '-shared', '-fPIC', '-x', 'c', '-', '-o', empty], check=True,
                       input=b'int neap_is_not_here;\n')
        hanging = build_wrong(self.place, 'HANG', 20000)
        not_bound = 'libc.so.6 is that of'
        yield self.control_library('library-missing', missing, not_bound)
        yield self.control_library('library-is-text', text, not_bound)
        yield self.control_library('library-is-empty', empty, not_bound)
        yield self.control_library('library-hangs', hanging, f'not finished after {HANG_LIMIT_S} s',
                                   HANG_LIMIT_S)
        yield self.control_library('hang-has-stack', hanging, 'wrong_malloc.c', HANG_LIMIT_S)


def run_all(entries, trial, options):
    """(passed, failed) verdicts."""
    del options
    controls = Controls(trial)
    verdicts = []

    def note(verdict):
        verdicts.append(verdict)
        verdict.show()

    for verdict in controls.control_libraries():
        note(verdict)
    for entry in entries:
        verdict = controls.control_entry(entry)
        if verdict:
            note(verdict)
        else:
            print(f'--   {entry.name:18} not here', flush=True)
    return ([verdict for verdict in verdicts if not verdict.complaint],
            [verdict for verdict in verdicts if verdict.complaint])
