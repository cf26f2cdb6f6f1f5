"""Whose malloc is measured: neap and the allocators that Debian packages, each preloaded.

A peer that is not installed, or that does not become the program's malloc, is named with the
reason; nobody is left out silently.
"""
import collections
import pathlib
import subprocess

# name, package it comes from, library to preload, other environment variables
Peer = collections.namedtuple('Peer', 'name package library environment')

NEAP = 'neap'
PEERS = (
    Peer(NEAP, None, 'libneap.so.0', {}),
    # Preloaded too: some programs are linked with another malloc, which then gives way.
    Peer('glibc', 'libc6', 'libc.so.6', {}),
    Peer('glibc-huge', 'libc6', 'libc.so.6', {'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1'}),
    Peer('jemalloc', 'libjemalloc2', 'libjemalloc.so.2', {}),
    Peer('jemalloc-bg', 'libjemalloc2', 'libjemalloc.so.2',
         {'MALLOC_CONF': 'background_thread:true'}),
    Peer('mimalloc', 'libmimalloc2.0', 'libmimalloc.so.2', {}),
    Peer('tcmalloc', 'libtcmalloc-minimal4', 'libtcmalloc_minimal.so.4', {}),
    Peer('tbb', 'libtbbmalloc2', 'libtbbmalloc_proxy.so.2', {}),
)
FOLDERS = ('/usr/lib/*-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib')

# Found: a peer, its version, and all that a program needs in its environment to run under it.
Found = collections.namedtuple('Found', 'name version environment')


def find_library(name, folders=FOLDERS):
    for pattern in folders:
        for path in sorted(pathlib.Path('/').glob(f'{pattern.lstrip("/")}/{name}')):
            return path
    return None


def version_of(package):
    if package is None:
        return 'of this tree'
    try:
        done = subprocess.run(['dpkg-query', '-W', '-f=${Version}', package], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return 'version unknown'
    return f'{package} {done.stdout}' if done.stdout else 'version unknown'


def environment_of(peer, library):
    return {'LD_PRELOAD': str(library)} | peer.environment


def look_for(peer, build, whose_malloc):
    """(Found, None), or (None, why not). `whose_malloc` says in which file malloc is, given an
    environment."""
    library = build / peer.library if peer.name == NEAP else find_library(peer.library)
    if library is None or not library.exists():
        return None, f'{peer.library} is not installed (Debian: {peer.package})'
    environment = environment_of(peer, library)
    file = whose_malloc(environment)
    if not file or pathlib.Path(file).resolve() != library.resolve():
        return None, f'{library} was preloaded, but malloc is from {file or "nowhere"}'
    return Found(peer.name, version_of(peer.package), environment), None


def look_for_all(build, whose_malloc, wanted=None):
    """Those found in the order of PEERS, and a reason for each that is missing."""
    found, missing = [], {}
    for peer in PEERS:
        if wanted is not None and peer.name not in wanted:
            continue
        one, why = look_for(peer, build, whose_malloc)
        if one is None:
            missing[peer.name] = why
        else:
            found.append(one)
    return found, missing
