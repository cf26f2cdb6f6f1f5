"""Finished measurements, kept in a file so that a run that was interrupted goes on where it was.

One line of JSON each, appended when it is finished. The file belongs to one commit, one machine,
one size and one state of the built files: its name says so.
"""
import hashlib
import json
import re


def digest_of(paths):
    """Eight digits that change when any of the files does."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b'\0' + path.read_bytes())
    return digest.hexdigest()[:8]


def file_name(commit, host, size, digest):
    return re.sub(r'[^\w.-]', '_', f'{commit}-{host}-{size}-{digest}') + '.jsonl'


class Store:
    def __init__(self, path):
        self.path = path
        self.measurements = []
        if path.exists():
            self.read()

    def read(self):
        """What follows the last whole line was cut off with the run that wrote it."""
        text = self.path.read_text()
        whole = text[:text.rfind('\n') + 1]
        if whole != text:
            self.path.write_text(whole)
        self.measurements = [json.loads(line) for line in whole.splitlines()]

    def has(self, row, peer, n_round):
        return any((each['row'], each['peer'], each['round']) == (row, peer, n_round)
                   for each in self.measurements)

    def add(self, measurement):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open('a') as file:
            file.write(json.dumps(measurement) + '\n')
        self.measurements.append(measurement)

    def forget(self):
        self.path.unlink(missing_ok=True)
        self.measurements = []
