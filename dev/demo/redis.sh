#!/bin/sh
# A redis-server on a socket of its own: 200 000 keys of mixed sizes, nine of ten deleted,
# rest, then a few again. Prints the same every time.
#
# The server becomes this process, so that what is measured ends with it; a child does the talking.
set -eu

folder=$(mktemp -d)
socket=$folder/redis.sock

# Commands in redis' own protocol, as --pipe wants them: $1 of them, numbered from $2.
values() {
    awk -v count="$1" -v first="$2" 'BEGIN {
        body = sprintf("%2000s", ""); gsub(/ /, "neaptide", body)
        for (i = first; i < first + count; i++) {
            key = "article:" i
            value = substr(body, 1, 40 + i * 7919 % 1500)
            printf "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n", length(key), key
            printf "$%d\r\n%s\r\n", length(value), value
        }
    }'
}

# Deletes all but every tenth key.
deletions() {
    awk -v count="$1" 'BEGIN {
        for (i = 0; i < count; i++) {
            key = "article:" i
            if (i * 7 % 10 != 0)
                printf "*2\r\n$3\r\nDEL\r\n$%d\r\n%s\r\n", length(key), key
        }
    }'
}

send() { redis-cli -s "$socket" --pipe | grep '^errors'; }

drive() {
    trap 'rm -rf "$folder"' EXIT
    tries=0
    until redis-cli -s "$socket" ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -eq 100 ]; then
            echo "redis-server did not start:"
            cat "$folder/log"
            kill $$
            exit 1
        fi
        sleep 0.1
    done

    values 200000 0 | send
    echo "filled: $(redis-cli -s "$socket" dbsize)"
    deletions 200000 | send
    echo "deleted: $(redis-cli -s "$socket" dbsize)"
    sleep 3
    values 10000 200000 | send
    echo "again: $(redis-cli -s "$socket" dbsize)"
    sleep 1
    redis-cli -s "$socket" shutdown nosave 2>/dev/null || true
}

drive &
exec redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no --dir "$folder" \
    --daemonize no >"$folder/log" 2>&1
