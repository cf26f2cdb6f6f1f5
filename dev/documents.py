"""What the documents say in backticks about the tree must be true.

Looked at: README.md, ARCHITECTURE.md, HACKING.md and docs/*.md, outside of ``` blocks.
  `src/os/vm.h` `os/vm.h` `vm.h`   a file or folder, from the root, from src/ or include/, or by
                                   its name alone; a `*` stands for anything
  `page_heap_alloc()`              a function, called or defined somewhere in the sources
  `make check`                     a target of the Makefile
Left alone: absolute paths, what starts with build, ./ or ../, placeholders such as `<file>`, and
words that look like paths but end in no known way and start with no folder of ours.
"""
import re

import c_source

DOCUMENTS = ('README.md', 'ARCHITECTURE.md', 'HACKING.md', 'docs/*.md')
KNOWN_SUFFIXES = ('.c', '.h', '.def', '.map', '.py', '.sh', '.md', '.build', '.cc')
PLACES = ('', 'src', 'include')
CODE_FOLDERS = ('src', 'include', 'tools', 'test', 'bench')


def backticked(text):
    """(line number, text in backticks) outside of fenced blocks."""
    is_fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith('```'):
            is_fenced = not is_fenced
        elif not is_fenced:
            for found in re.findall(r'`([^`]+)`', line):
                yield number, found


class Tree:
    """What exists."""

    def __init__(self, root):
        self.root = root
        makefile = root / 'Makefile'
        text = makefile.read_text() if makefile.exists() else ''
        self.targets = set(re.findall(r'^([a-z-]+):', text, re.M))
        self.code = '\n'.join(source.bare_code + '\n'.join(source.code_lines)
                              for source in c_source.read_sources(root, CODE_FOLDERS))
        self.code += '\n'.join(path.read_text() for path in sorted(root.glob('dev/**/*.py')))

    def has_path(self, path):
        return any(any(self.root.glob(f'{place}/{path}'.strip('/'))) for place in PLACES)

    def has_file_named(self, name):
        folders = [path for path in self.root.iterdir()
                   if path.is_dir() and not path.name.startswith(('.git', 'build'))]
        return (self.root / name).exists() or any(any(f.rglob(name)) for f in folders)

    def has_function(self, name):
        return re.search(rf'\b{name}\s*\(', self.code) is not None

    def starts_in_folder(self, path):
        first = path.split('/')[0]
        return any((self.root / place / first).is_dir() for place in PLACES)


def word_complaint(tree, word):
    """What is untrue about one word in backticks, or None."""
    function = re.fullmatch(r'(\w+)\(\)', word)
    if function:
        return None if tree.has_function(function.group(1)) else 'no such function'
    if not re.fullmatch(r'[\w.*-]+(/[\w.*-]+)*/?', word) or word.startswith(('build', './', '..')):
        return None
    if '/' in word.rstrip('/'):
        is_ours = word.endswith(KNOWN_SUFFIXES) or tree.starts_in_folder(word)
        return 'not in the tree' if is_ours and not tree.has_path(word.rstrip('/')) else None
    if word.endswith('/'):
        return None if tree.has_path(word.rstrip('/')) else 'no such folder'
    if word.endswith(KNOWN_SUFFIXES) and not word.startswith(('.', '*')):
        return None if tree.has_file_named(word) else 'no such file'
    return None


def complaints_about(tree, text):
    """(line number, word, what is wrong with it)."""
    for number, quoted in backticked(text):
        words = quoted.split()
        if len(words) >= 2 and words[0] == 'make' and re.fullmatch(r'[a-z-]+', words[1]) \
                and words[1] not in tree.targets:
            yield number, quoted, 'no such target in the Makefile'
        for word in words:
            complaint = word_complaint(tree, word)
            if complaint:
                yield number, word, complaint


def check(root):
    tree = Tree(root)
    paths = [path for pattern in DOCUMENTS for path in sorted(root.glob(pattern))]
    return [f'{path.relative_to(root)}:{number}: `{word}`: {complaint}' for path in paths
            for number, word, complaint in complaints_about(tree, path.read_text())]
