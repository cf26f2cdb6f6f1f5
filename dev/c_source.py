"""A C source file taken apart just far enough for the checks in dev/.

Not a parser: comments, strings and preprocessor lines are told from code, and functions are
found by their braces. That is exact for code that the compiler and clang-format accept.
"""
import pathlib
import re
import sys

TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<string>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')'
    r'|(?P<directive>^[ \t]*#(?:[^\n\\]|\\.)*)', re.S | re.M)


def blanked(text):
    """The same number of lines and columns, nothing in them."""
    return re.sub(r'[^\n]', ' ', text)


class Function:
    """A definition, or with last_line == first_line and no body a prototype."""

    def __init__(self, name, n_parameters, first_line, last_line, is_definition):
        self.name = name
        self.n_parameters = n_parameters
        self.first_line = first_line
        self.last_line = last_line
        self.is_definition = is_definition


class Source:
    def __init__(self, path, text):
        self.path = path          # relative to the root of the tree, as text
        self.text = text
        self.lines = text.split('\n')
        code, comments, bare = [], [], []
        at = 0
        for token in TOKEN.finditer(text):
            between, found = text[at:token.start()], token.group()
            at = token.end()
            code.append(between)
            bare.append(between)
            comments.append(blanked(between))
            if token.lastgroup == 'directive':
                self._take_directive(found, code, comments, bare)
                continue
            is_comment = token.lastgroup == 'comment'
            comments.append(found if is_comment else blanked(found))
            code.append(blanked(found))
            bare.append(blanked(found))
        code.append(text[at:])
        bare.append(text[at:])
        comments.append(blanked(text[at:]))
        self.code_lines = ''.join(code).split('\n')          # no comments, no strings
        self.comment_lines = ''.join(comments).split('\n')   # comments only
        self.bare_code = ''.join(bare)                       # code without directives too

    @staticmethod
    def _take_directive(text, code, comments, bare):
        """A directive may end in a comment; its strings are kept, they name headers."""
        start = end = len(text)
        for token in TOKEN.finditer(text, text.index('#') + 1):
            if token.lastgroup == 'comment':
                start, end = token.span()
                break
        code.append(text[:start] + blanked(text[start:end]) + text[end:])
        comments.append(blanked(text[:start]) + text[start:end] + blanked(text[end:]))
        bare.append(blanked(text))

    def includes(self):
        """(line number, name as written with its quotes or angle brackets) of each include."""
        for number, line in enumerate(self.code_lines, 1):
            found = re.match(r'\s*#\s*include\s+("[^"]+"|<[^>]+>)', line)
            if found:
                yield number, found.group(1)

    def functions(self):
        """Definitions and prototypes outside of any braces."""
        code = self.bare_code
        depth = head_start = 0
        pending = None
        for match in re.finditer(r'[{};]', code):
            mark, at = match.group(), match.start()
            if mark == '{':
                if depth == 0:
                    pending = self._function_at(head_start, at)
                depth += 1
                continue
            if mark == '}':
                depth -= 1
                if depth == 0 and pending:
                    name, n_parameters, first_line = pending
                    yield Function(name, n_parameters, first_line,
                                   code.count('\n', 0, at) + 1, True)
            elif depth == 0:
                prototype = self._function_at(head_start, at)
                if prototype:
                    name, n_parameters, first_line = prototype
                    yield Function(name, n_parameters, first_line, first_line, False)
            if depth == 0:
                head_start = at + 1
                pending = None

    def _function_at(self, start, end):
        """(name, number of parameters, first line) if the text declares a function."""
        head = self.bare_code[start:end]
        before_value = head.partition('=')[0]
        if before_value.lstrip().startswith(('typedef', '_Static_assert')):
            return None
        for found in re.finditer(r'\b([A-Za-z_]\w*)\s*\(', before_value):
            name = found.group(1)
            is_macro = name.isupper() or name in ('__attribute__', '__asm__', '_Alignas')
            if is_macro:
                continue
            first = start + len(head) - len(head.lstrip())
            n_parameters = count_parameters(before_value[found.end():])
            return name, n_parameters, self.bare_code.count('\n', 0, first) + 1
        return None


def count_parameters(text):
    """Parameters in `text`, which starts behind the opening parenthesis."""
    depth, commas, inside = 1, 0, ''
    for character in text:
        depth += (character == '(') - (character == ')')
        if depth == 0:
            break
        commas += character == ',' and depth == 1
        inside += character
    return 0 if inside.strip() in ('', 'void') else commas + 1


def read_sources(root, folders, suffixes=('.c', '.h', '.def')):
    """All C files below some folders of the tree, in order."""
    paths = [path for folder in folders for path in (root / folder).rglob('*')
             if path.suffix in suffixes and path.is_file()]
    return [Source(path.relative_to(root).as_posix(), path.read_text()) for path in sorted(paths)]


def tree_root():
    return pathlib.Path(__file__).resolve().parent.parent


def run_checker(check, usage):
    """What a checker does when called: prints the complaints about the tree. The exit status."""
    if len(sys.argv) != 1:
        print(usage, file=sys.stderr)
        return 2
    complaints = check(tree_root())
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0
