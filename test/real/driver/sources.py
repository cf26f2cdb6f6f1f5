"""Upstream sources with test-suites and benchmarks that Debian's packages leave out.

`test/real/fetch_sources` puts them into build/sources, as they come from Debian's archive.
"""
import pathlib


class Sources:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def path_of(self, name):
        """The archive of a source, or None. There is one version of each: fetching sees to it."""
        paths = sorted(self.folder.glob(f'{name}_*.orig.tar.*'))
        return paths[0] if paths else None
