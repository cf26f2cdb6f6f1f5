"""memcached: 288 000 sets, gets, appends, increments over four connections; every reply"""
import hashlib
import random
import socket
import threading

from driver.side import is_free_of

VERSION = ['memcached', '-V']
CONNECTIONS, BATCHES, BATCH = 4, 4500, 16   # batches that fit into buffers


class Connection:
    def __init__(self, path, number):
        self.numbers = random.Random(number)
        self.prefix = f'c{number}'
        self.replies = hashlib.sha256()
        self.failure = None
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile('rb')

    def command(self):
        """A command, and whether its reply is one that ends with END."""
        key = f'{self.prefix}:{self.numbers.randrange(2000)}'
        data = self.numbers.randbytes(self.numbers.choice((5, 50, 900, 9000)))
        what = self.numbers.choice(('set', 'set', 'get', 'get', 'append', 'add', 'incr', 'delete'))
        if what == 'get':
            return f'get {key}\r\n'.encode(), True
        if what == 'incr':
            return f'incr {self.prefix}:count 7\r\n'.encode(), False
        if what == 'delete':
            return f'delete {key}\r\n'.encode(), False
        data = data[:100] if what == 'append' else data
        return f'{what} {key} 0 0 {len(data)}\r\n'.encode() + data + b'\r\n', False

    def take_reply(self, is_get):
        line = self.stream.readline()
        self.replies.update(line)
        if is_get and line.startswith(b'VALUE'):
            self.replies.update(self.stream.read(int(line.split()[3]) + 2))
            self.replies.update(self.stream.readline())   # END
        if line.startswith((b'SERVER_ERROR', b'ERROR', b'CLIENT_ERROR')):
            raise AssertionError(f'memcached says {line!r}')

    def run(self):
        try:
            self.socket.sendall(f'set {self.prefix}:count 0 0 1\r\n1\r\n'.encode())
            self.take_reply(False)
            for _ in range(BATCHES):
                commands = [self.command() for _ in range(BATCH)]
                self.socket.sendall(b''.join(text for text, _ in commands))
                for _, is_get in commands:
                    self.take_reply(is_get)
        except Exception as failure:   # told by the main thread
            self.failure = failure


def workload(side):
    path = side.work / 'memcached.sock'
    user = ['-u', 'root'] if side.is_root() else []
    server = side.start(['memcached', '-s', path, '-m', 512, '-t', 4, '-o', 'no_modern',
                         '-o', 'hashpower=16', *user], lambda: not is_free_of(path))
    connections = [Connection(path, number) for number in range(CONNECTIONS)]
    threads = [threading.Thread(target=connection.run) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in connections:
        if connection.failure:
            raise connection.failure
    side.keep('replies', ''.join(f'{one.prefix} {one.replies.hexdigest()}\n'
                                 for one in connections))
    server.stop()
    side.summary = f'{CONNECTIONS * BATCHES * BATCH} replies'
