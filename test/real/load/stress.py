"""Library work in Python: JSON, pickle, re, sqlite3, zlib, XML, threads, processes; prints sums.

Run with PYTHONMALLOC=malloc, so that every object is one of malloc's.
"""
import concurrent.futures
import decimal
import hashlib
import json
import pickle
import random
import re
import sqlite3
import sys
import textwrap
import xml.etree.ElementTree
import zlib

ROUNDS = int(sys.argv[1])
NUMBERS = random.Random(20231)


def show(what, data):
    data = data if isinstance(data, bytes) else str(data).encode()
    print(what, len(data), hashlib.sha256(data).hexdigest()[:24], flush=True)


def word():
    return ''.join(NUMBERS.choices('abcdefghijklmnopqrstuvwxyz', k=NUMBERS.randint(1, 20)))


def documents(count):
    return [{'id': number, 'words': [word() for _ in range(30)], 'size': NUMBERS.random(),
             'nested': {word(): [number, None, True, word() * 5]}} for number in range(count)]


def serialise():
    documents_here = documents(3000)
    text = json.dumps(documents_here, indent=1, sort_keys=True)
    show('json', text)
    assert json.loads(text) == documents_here
    data = pickle.dumps(documents_here)
    show('pickle', data)
    assert pickle.loads(data) == documents_here
    packed = zlib.compress(data, 6)
    show('zlib', packed)
    assert zlib.decompress(packed) == data


def text_work():
    text = ' '.join(word() for _ in range(40000))
    show('re.sub', re.sub(r'(\w+) (\w+)', lambda m: f'{m[2]}_{m[1].upper()}', text))
    show('re.split', re.split(r'[aeiou]+', text))
    show('wrap', '\n'.join(textwrap.wrap(text[:60000], 60)))
    show('upper', text.upper()[::-1].replace('XY', 'yx'))


def growing():
    """Lists, dicts, sets and bytearrays that grow and shrink in steps: realloc's work."""
    array, table, buffer = [], {}, bytearray()
    for step in range(60000):
        array.append(step * 7919 % 1000003)
        table[word()] = array[-1]
        buffer += array[-1].to_bytes(4, 'little')
        if step % 1000 == 999:
            del array[:NUMBERS.randint(0, len(array) // 2)]
            del buffer[:NUMBERS.randint(0, len(buffer) // 2)]
            for key in sorted(table)[::3]:
                del table[key]
    show('list', array)
    show('dict', sorted(table.items()))
    show('bytearray', bytes(buffer))
    show('set', sorted({number % 5003 for number in array}))


def database():
    with sqlite3.connect(':memory:') as base:
        base.execute('create table t(a integer primary key, b text, c blob)')
        base.executemany('insert into t values(?, ?, ?)',
                         ((n, word(), word().encode() * 9) for n in range(15000)))
        base.execute('create index i on t(b)')
        show('sqlite', base.execute('select b, count(*), sum(length(c)) from t group by b '
                                    'order by b').fetchall())


def xml_and_numbers():
    root = xml.etree.ElementTree.Element('root')
    for number in range(4000):
        child = xml.etree.ElementTree.SubElement(root, 'n', {'id': str(number), 'w': word()})
        child.text = word() * 3
    data = xml.etree.ElementTree.tostring(root)
    show('xml', data)
    assert len(xml.etree.ElementTree.fromstring(data)) == 4000
    decimal.getcontext().prec = 800
    show('decimal', decimal.Decimal(2).sqrt() * decimal.Decimal(3).sqrt())
    show('integer', 7 ** 40000 // 3 ** 25000 % 10 ** 4000)


def piece(number):
    """Work of one thread or process."""
    data = b''.join(hashlib.sha256(bytes([number % 256, n % 256])).digest() * (n % 50)
                    for n in range(2000))
    return hashlib.sha256(zlib.compress(data, 1) + bytes(sorted(data[:3000]))).hexdigest()


def together():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        show('threads', list(pool.map(piece, range(24))))
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        show('processes', list(pool.map(piece, range(24))))


if __name__ == '__main__':
    for _ in range(ROUNDS):
        serialise()
        text_work()
        growing()
        database()
        xml_and_numbers()
        together()
