"""redis-server: 400 000 commands with every reply, reload, rewrite, then redis-benchmark"""
import hashlib
import random
import sys

from driver.side import LOAD, is_free_of

sys.path.insert(0, str(LOAD))
from resp import Redis

VERSION = ['redis-server', '--version']
PROGRAMS = ['redis-benchmark', 'redis-check-rdb']
BATCHES, BATCH = 400, 1000


def command(numbers):
    """One command that replies the same every time."""
    key, size = f'key:{numbers.randrange(30000)}', numbers.choice((8, 60, 300, 5000))
    value = numbers.randbytes(numbers.randint(1, size)).hex()
    number = numbers.randrange(500)
    return numbers.choice((
        ['SET', f's{key}', value], ['GET', f's{key}'], ['APPEND', f's{key}', value[:40]],
        ['SETRANGE', f's{key}', number, value[:60]], ['DEL', f's{key}'],
        ['LPUSH', f'l{key[:7]}', value], ['RPOP', f'l{key[:7]}'], ['LRANGE', f'l{key[:7]}', 0, 5],
        ['LINSERT', f'l{key[:6]}', 'BEFORE', value[:2], value], ['LTRIM', f'l{key[:7]}', 0, 300],
        ['HSET', f'h{key[:7]}', number, value], ['HGET', f'h{key[:7]}', number],
        ['HDEL', f'h{key[:7]}', number], ['SADD', f't{key[:7]}', value[:8], number],
        ['SISMEMBER', f't{key[:7]}', number], ['SREM', f't{key[:7]}', number],
        ['ZADD', f'z{key[:7]}', number, value[:12]], ['ZRANGE', f'z{key[:7]}', 0, 5],
        ['ZREMRANGEBYRANK', f'z{key[:7]}', 200, 400], ['XADD', f'x{key[:6]}', 'MAXLEN', 500,
                                                       f'{next(IDS)}-1', 'f', value],
        ['SETBIT', f'b{key[:8]}', number * 50, 1], ['BITCOUNT', f'b{key[:8]}'],
        ['PFADD', f'p{key[:6]}', value], ['PFCOUNT', f'p{key[:6]}'],
        ['EVAL', "return redis.call('STRLEN', KEYS[1]) .. ARGV[1]", 1, f's{key}', value[:9]]))


def ids():
    number = 0
    while True:
        number += 1
        yield number


IDS = ids()


def workload(side):
    path = side.work / 'redis.sock'
    server = side.start(['redis-server', '--port', '0', '--unixsocket', path, '--save', '',
                         '--dir', side.work, '--enable-debug-command', 'yes', '--appendonly',
                         'no', '--logfile', side.work / 'redis.log'],
                        lambda: not is_free_of(path))
    redis, numbers, replies = Redis(path), random.Random(20231), hashlib.sha256()
    for _ in range(BATCHES):
        for reply in redis.all([command(numbers) for _ in range(BATCH)]):
            replies.update(repr(reply).encode())
    side.keep('replies', replies.hexdigest())
    contents = redis.do('DEBUG', 'DIGEST')
    side.keep('contents', contents)
    side.keep('keys', str(redis.do('DBSIZE')))
    for what in ('RELOAD', 'LOADAOF'):
        if what == 'LOADAOF':
            redis.do('CONFIG', 'SET', 'appendonly', 'yes')
            while b'aof_rewrite_in_progress:1' in redis.do('INFO', 'persistence') \
                    or b'aof_rewrite_scheduled:1' in redis.do('INFO', 'persistence'):
                pass
        redis.do('DEBUG', what)
        if redis.do('DEBUG', 'DIGEST') != contents:
            raise AssertionError(f'other contents after DEBUG {what}')
    redis.do('CONFIG', 'SET', 'appendonly', 'no')
    redis.do('SAVE')
    side.run(['redis-check-rdb', side.work / 'dump.rdb'])
    side.run(['redis-benchmark', '-s', path, '-n', 20000, '-c', 20, '-r', 10000, '-d', 200,
              '-P', 4, '-q'], under=False)
    redis.do('FLUSHALL')
    redis.do('MEMORY', 'PURGE')
    side.keep('keys-after-flush', str(redis.do('DBSIZE')))
    server.stop()
    side.summary = f'{BATCHES * BATCH} replies, {len(contents)} digits of contents, twice reloaded'
