#!/bin/sh
# redis.sh COMMANDS: a redis-server on a socket of its own that is given a file of commands, in
# redis' own protocol, all at once. Prints how many it answered and how many keys there are.
#
# The server becomes this process, so that what is measured ends with it; a child does the talking,
# under libc's malloc.
set -eu

commands=$1
folder=$(mktemp -d)
socket=$folder/redis.sock

talk() {
    unset LD_PRELOAD GLIBC_TUNABLES MALLOC_CONF
    trap 'rm -rf "$folder"' EXIT
    tries=0
    until redis-cli -s "$socket" ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 1000 ] || { kill $$; exit 1; }
        sleep 0.01
    done
    redis-cli -s "$socket" --pipe <"$commands" | grep '^errors'
    redis-cli -s "$socket" dbsize
    redis-cli -s "$socket" shutdown nosave 2>/dev/null || true
}

talk &
exec redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no --dir "$folder" \
    --daemonize no >/dev/null 2>&1
