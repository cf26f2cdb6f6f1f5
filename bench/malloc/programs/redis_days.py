"""Gives a redis-server keys by day, which expire in the evening, and looks at its resident memory.

usage: redis_days.py SOCKET PID SECONDS MIB

Six days; the store is MIB large at the end of each. What counts as live are the values that have not
expired, without keys and redis' own: the same for everybody.
"""
import collections
import os
import pathlib
import random
import socket
import sys
import threading
import time

DAYS = 6
RISE_END, EXPIRE_BEGIN, EXPIRE_END = 0.55, 0.65, 0.75   # parts of a day
SAMPLE_S = 0.05
BATCH = 100


def set_command(key, value, expires_ms):
    words = [b'SET', b'key:%d' % key, value, b'PX', b'%d' % expires_ms]
    return b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word)
                                             for word in words)


class Load:
    """Sends keys at the pace of the day and remembers when they expire."""

    def __init__(self, path, seconds, mib):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.day_s, self.full = seconds / DAYS, mib << 20
        self.numbers = random.Random(20231)
        self.alive = collections.deque()   # (when it expires, bytes), appended to by the talker
        self.n_keys = 0
        self.start = time.monotonic()

    def send_batch(self, day):
        """Returns how many bytes of values it sent."""
        commands, n_bytes = [], 0
        for _ in range(BATCH):
            size = int(32 * 2048 ** self.numbers.random())
            evening = day + EXPIRE_BEGIN + self.numbers.random() * (EXPIRE_END - EXPIRE_BEGIN)
            expires = self.start + evening * self.day_s
            left_ms = max(int((expires - time.monotonic()) * 1000), 1)
            commands.append(set_command(self.n_keys, b'v' * size, left_ms))
            self.alive.append((expires, size))
            self.n_keys += 1
            n_bytes += size
        self.socket.sendall(b''.join(commands))
        answers = 0
        while answers < BATCH:
            answers += self.socket.recv(1 << 16).count(b'\n')
        return n_bytes

    def run(self):
        for day in range(DAYS):
            begin, sent = self.start + day * self.day_s, 0
            while sent < self.full:
                sent += self.send_batch(day)
                due = begin + sent / self.full * RISE_END * self.day_s
                time.sleep(max(due - time.monotonic(), 0))
            time.sleep(max(begin + self.day_s - time.monotonic(), 0))

    def live_bytes(self):
        now = time.monotonic()
        while self.alive and self.alive[0][0] + self.day_s < now:
            self.alive.popleft()
        return sum(size for expires, size in self.alive.copy() if expires > now)


def resident_bytes(process):
    pages = pathlib.Path(f'/proc/{process}/statm').read_text().split()[1]
    return int(pages) * os.sysconf('SC_PAGESIZE')


def main(path, process, seconds, mib):
    load = Load(path, float(seconds), int(mib))
    before = resident_bytes(process)
    talker = threading.Thread(target=load.run)
    talker.start()
    beyond, resident = [], []
    while talker.is_alive():
        resident.append(resident_bytes(process) - before)
        beyond.append(resident[-1] - load.live_bytes())
        time.sleep(SAMPLE_S)
    print(f'figure mean_of_resident_minus_values MiB {sum(beyond) / len(beyond) / 2**20:.6g}')
    print(f'note mean_resident MiB {sum(resident) / len(resident) / 2**20:.6g}')
    print(f'note resident_at_the_end MiB {resident[-1] / 2**20:.6g}')
    print(f'note keys 1 {load.n_keys}')


if __name__ == '__main__':
    main(*sys.argv[1:])
