#!/bin/sh
# neap trim and neap limit: what they have a running program do, and what they say where nobody
# answers.
. "$(dirname "$0")/cli_kit.sh"
. "$(dirname "$0")/observe_kit.sh"
compile -o "$work/dynamic"

begin dynamic work
expect 0 trim "$pid";               prints 'went back. neap holds'
expect 0 trim --json "$pid";        prints '"schema": "neap.trim/1"'; prints '"returned_bytes": '
expect 0 limit "$pid" 64M;          prints 'limit 64.0 MiB. neap holds'
expect 0 stat --json "$pid";        prints '"soft_limit_bytes": 67108864'
expect 0 limit --json "$pid" off;   prints '"schema": "neap.limit/1"'; prints_not limit_bytes
expect 0 limit --hard "$pid" 1.5GiB
prints 'limit 1.50 GiB'
expect 0 stat --json "$pid";        prints '"hard_limit_bytes": 1610612736'
expect 0 limit "$pid" auto

expect 2 limit "$pid";              says 'a limit is missing'
expect 2 limit "$pid" much;         says "'much' is no size"
expect 2 limit "$pid" 5Q;           says "'5Q' is no size"
expect 2 limit "$pid" -- -5M;       says "'-5M' is no size"
expect 2 limit --hard "$pid" auto;  says 'not auto'
expect 2 trim;                      says 'A process id is missing'
expect 4 trim 999999999;            says 'no process 999999999'

# Asleep, with little idle, there is nobody who answers; the request is taken back.
LD_PRELOAD=$build/libneap.so.0 sleep 60 &
pid=$!
pids="$pids $pid"
sleep 0.3
expect 1 trim "$pid";               says 'does not answer'
expect 1 limit "$pid" 64M;          says 'does not answer'
expect 0 stat --json "$pid";        prints_not '"soft_limit_bytes": 67108864'

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$work"
    cp "$neap" "$work/neap"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$work/neap" trim "$pid" \
        >"$work/out" 2>"$work/err"
    [ $? -eq 5 ] || complain 'another user may trim'
    says 'not allowed'
fi
finish
