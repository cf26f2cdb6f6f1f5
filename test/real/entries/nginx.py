"""nginx: 300 files of random sizes, plain, compressed, over TLS and through a proxy; contents"""
import hashlib
import http.client
import random
import re
import socket
import ssl
import threading
import zlib

from driver.side import is_free_of

VERSION = ['nginx', '-v']
PROGRAMS = ['openssl']
FILES, CLIENTS, ROUNDS = 300, 4, 4
CONFIGURATION = '''
daemon off; {user} worker_processes 2; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; gzip on; gzip_min_length 100; gzip_types *; gzip_comp_level 5;
    client_body_temp_path {work}/b; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f;
    uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
    upstream files {{ server unix:{work}/plain.sock; keepalive 8; }}
    server {{ listen unix:{work}/plain.sock; root {work}/files; }}
    server {{ listen unix:{work}/proxy.sock; location / {{ proxy_pass http://files; gunzip on;
              proxy_http_version 1.1; proxy_set_header Connection ""; sub_filter neap tide;
              sub_filter_once off; sub_filter_types *; proxy_buffers 4 4k; }} }}
    server {{ listen unix:{work}/tls.sock ssl; root {work}/files;
              ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem; }}
}}
'''


class Client(http.client.HTTPConnection):
    """Over a Unix socket, with TLS or without."""

    def __init__(self, path, context=None):
        super().__init__('localhost')
        self.path, self.context = str(path), context

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
        if self.context:
            self.sock = self.context.wrap_socket(self.sock)


class Reader(threading.Thread):
    """Fetches files in an order of its own and notes what came."""

    def __init__(self, work, number):
        super().__init__()
        self.work, self.numbers, self.digest = work, random.Random(number), hashlib.sha256()
        self.failure = None

    def fetch(self, client, name, compressed):
        headers = {'Accept-Encoding': 'gzip'} if compressed else {}
        if self.numbers.random() < 0.2:
            headers['Range'] = f'bytes=10-{self.numbers.randrange(20, 5000)}'
        client.request('GET', f'/{name}', headers=headers)
        reply = client.getresponse()
        data = reply.read()
        if reply.getheader('Content-Encoding') == 'gzip':
            data = zlib.decompress(data, 31)
        self.digest.update(f'{name} {reply.status} {len(data)}'.encode() + data)

    def run(self):
        try:
            context = ssl._create_unverified_context()
            for _ in range(ROUNDS):
                plain, proxy = Client(self.work / 'plain.sock'), Client(self.work / 'proxy.sock')
                tls = Client(self.work / 'tls.sock', context)
                for _ in range(FILES):
                    client = self.numbers.choice((plain, proxy, tls))
                    name = str(self.numbers.randrange(FILES + 5))   # some are not there
                    self.fetch(client, name, self.numbers.random() < 0.5)
                for client in (plain, proxy, tls):
                    client.close()
        except Exception as failure:   # told by the main thread
            self.failure = failure


def make_files(side):
    numbers = random.Random(20231)
    (side.work / 'files').mkdir()
    for number in range(FILES):
        words = numbers.choices((b'tide ', b'neap ', b'water ', b'%d\n' % number),
                                k=numbers.choice((1, 40, 800, 9000, 60000)))
        (side.work / 'files' / str(number)).write_bytes(b''.join(words))
    side.plain(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=neap',
                '-keyout', 'key.pem', '-out', 'cert.pem'])


def workload(side):
    make_files(side)
    configuration = side.work / 'nginx.conf'
    configuration.write_text(CONFIGURATION.format(
        work=side.work, user='user root;' if side.is_root() else ''))
    server = side.start(['nginx', '-p', side.work, '-e', side.work / 'error.log',
                         '-c', configuration], lambda: not is_free_of(side.work / 'nginx.pid'))
    readers = [Reader(side.work, number) for number in range(CLIENTS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    for reader in readers:
        if reader.failure:
            raise reader.failure
    side.keep('contents', ''.join(f'{reader.digest.hexdigest()}\n' for reader in readers))
    server.stop()
    complaints = [line for line in (side.work / 'error.log').read_text().splitlines()
                  if re.search(r'\[(alert|crit|emerg)\]', line)]
    side.keep('error-log', '\n'.join(complaints))
    side.summary = f'{CLIENTS * ROUNDS * FILES} files fetched'
