"""Small trees of files to try the checks on."""
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'dev'))
sys.dont_write_bytecode = True


class Tree(tempfile.TemporaryDirectory):
    """A temporary folder with the given files; its value in `with` is its path."""

    def __init__(self, files):
        super().__init__()
        for path, text in files.items():
            place = pathlib.Path(self.name, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def __enter__(self):
        return pathlib.Path(super().__enter__())
