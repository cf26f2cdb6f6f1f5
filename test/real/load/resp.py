"""A redis client that is just enough: commands over a Unix socket, many at a time."""
import socket


class Redis:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile('rb')

    @staticmethod
    def packed(words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(part), part)
                                                 for part in parts)

    def reply(self):
        line = self.stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return rest
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == b'-1' else self.stream.read(int(rest) + 2)[:-2]
        if kind == b'*':
            return [self.reply() for _ in range(int(rest))]
        raise AssertionError(f'redis says {line!r}')

    def all(self, commands):
        """The replies to many commands, sent together."""
        self.socket.sendall(b''.join(self.packed(words) for words in commands))
        return [self.reply() for _ in commands]

    def do(self, *words):
        return self.all([words])[0]
