#!/bin/sh
# redis_days.sh SECONDS MIB: a redis-server whose keys come by day and expire in the evening; prints
# figures of its resident memory.
#
# The server becomes this process, so that what is measured ends with it; a child does the talking,
# under libc's malloc.
set -eu

here=$(dirname "$0")
server=$$
folder=$(mktemp -d)
socket=$folder/redis.sock

talk() {
    unset LD_PRELOAD GLIBC_TUNABLES MALLOC_CONF
    trap 'rm -rf "$folder"' EXIT
    tries=0
    until redis-cli -s "$socket" ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 1000 ] || { kill "$server"; exit 1; }
        sleep 0.01
    done
    python3 "$here/redis_days.py" "$socket" "$server" "$1" "$2" || kill -9 "$server"
    redis-cli -s "$socket" shutdown nosave 2>/dev/null || true
}

talk "$1" "$2" &
exec redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no --dir "$folder" \
    --daemonize no >/dev/null 2>&1
