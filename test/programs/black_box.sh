#!/bin/sh
# NEAP_BLACKBOX and neap autopsy: a process that is killed leaves a file in memory, one that exits
# leaves none.
. "$(dirname "$0")/cli_kit.sh"

shm=/dev/shm
[ "$(stat -f -c %T $shm 2>/dev/null)" = tmpfs ] || { echo "no tmpfs at $shm: not tested"; exit 0; }
box=$(mktemp -d "$shm/neap-test-XXXXXX")
pids=
clean_up() {
    for each in $pids; do kill -9 "$each" 2>/dev/null; done
    rm -rf "$work" "$box"
}
trap clean_up EXIT

cat >"$work/grow.py" <<'END'
import os, sys, time
hoard = []
for i in range(int(float(sys.argv[1]) * 100)):
    hoard.append([bytearray(1000) for _ in range(200)])
    if i == 150 and len(sys.argv) > 2 and os.fork() == 0:
        time.sleep(0.2)
        hoard = hoard[:20]
        os._exit(0)
    time.sleep(0.01)
END
run() {
    NEAP_BLACKBOX=${folder:-$box} LD_PRELOAD=$build/libneap.so.0 python3 "$work/grow.py" "$@" \
        2>"$work/err" &
    pid=$!
    pids="$pids $pid"
}

run 20
sleep 3.5
[ "$(stat -c %a "$box/neap-$pid")" = 600 ] || complain 'the file is not its owner'"'"'s alone'
ls -l "/proc/$pid/fd" | grep -q "$box" && complain 'the program has a descriptor more'
{ kill -9 "$pid"; wait "$pid"; } 2>/dev/null
expect 0 autopsy "$box/neap-$pid";                  prints "python3, process $pid under neap"
prints 'What neap held grew from'
expect 0 autopsy --last python3 --folder "$box";    prints "process $pid under neap"
NEAP_BLACKBOX=$box expect 0 autopsy -l python3 -a;  prints "process $pid under neap"
expect 0 autopsy --json "$box/neap-$pid";           prints '"schema": "neap.autopsy/1"'
[ "$(grep -c '"schema": "neap.history/1"' "$work/out")" -ge 2 ] || complain 'too few samples'
expect 1 autopsy --last nobody --folder "$box";     says "no 'nobody' has left a black box in $box"
expect 1 autopsy "$work/grow.py";                   says 'no black box'
expect 1 autopsy "$work/none";                      says 'No such file'
expect 2 autopsy;                                   says 'one of both'
expect 2 autopsy --last a b;                        says 'one of both'
rm "$box/neap-$pid"

# Nothing is left by one that exits; its child, which does not, has not touched its file.
run 2.5 fork
sleep 2.2
[ -e "$box/neap-$pid" ] || complain 'no file while it runs'
wait "$pid"
[ ! -s "$work/err" ] || { cp "$work/err" "$work/out"; complain 'something was said'; }
[ ! -e "$box/neap-$pid" ] || complain 'a process that exits leaves its file'

# A folder that is on a disk, or none: one line, and the program goes on.
for folder in "$work" "$box/none"; do
    [ "$(stat -f -c %T "$folder" 2>/dev/null)" != tmpfs ] || continue
    run 1.5
    wait "$pid" || complain 'the program failed'
    says 'NEAP_BLACKBOX: no such folder in memory'
done
finish
