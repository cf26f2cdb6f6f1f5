"""What the real programs work on: scripts of test/real/load, and files made here from seeds."""
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
LOAD = ROOT / 'test/real/load'
HERE = ROOT / 'bench/malloc/programs'

C_FUNCTIONS, CXX_FUNCTIONS = 100, 2
REDIS_COMMANDS = 150000


def packed(words):
    """A command in redis' protocol."""
    parts = [str(word).encode() for word in words]
    return b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(part), part)
                                             for part in parts)


def redis_command(numbers):
    key, size = numbers.randrange(20000), numbers.choice((8, 60, 300, 5000))
    value = 'n' * numbers.randint(1, size)
    return numbers.choice((
        ['SET', f's{key}', value], ['GET', f's{key}'], ['APPEND', f's{key}', value[:40]],
        ['DEL', f's{key}'], ['LPUSH', f'l{key % 500}', value], ['RPOP', f'l{key % 500}'],
        ['HSET', f'h{key % 900}', key % 70, value], ['HDEL', f'h{key % 900}', key % 70],
        ['SADD', f't{key % 900}', key], ['ZADD', f'z{key % 900}', key % 70, key % 300]))


def redis_commands():
    numbers = random.Random(20231)
    return b''.join(packed(redis_command(numbers)) for _ in range(REDIS_COMMANDS))


def big_program(language, functions):
    return subprocess.run([sys.executable, LOAD / 'big_program.py', language, str(functions)],
                          stdout=subprocess.PIPE, check=True).stdout


FILES = {
    'redis-commands': redis_commands,
    'big.c': lambda: big_program('c', C_FUNCTIONS),
    'big.cc': lambda: big_program('cc', CXX_FUNCTIONS),
}


def prepare(work):
    """Makes the files in the folder `work`, unless they are there."""
    work.mkdir(parents=True, exist_ok=True)
    for name, contents in FILES.items():
        if not (work / name).exists():
            (work / name).write_bytes(contents())


def filled_in(words, work, options):
    """The words of a row, with places and options filled in."""
    return [word.format(work=work, load=LOAD, here=HERE, **options) for word in words]
