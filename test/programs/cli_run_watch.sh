#!/bin/sh
# neap run with --summary, --timeline, --svg; signals are passed on, and nobody is left behind.
. "$(dirname "$0")/cli_kit.sh"

# 64 MiB for a moment, whatever the allocator does with them afterwards.
grow="head -c 67108864 /dev/zero | tail -n 1 | (sleep 0.5; cat >/dev/null)"

expect 5 run --summary --timeline "$work/t.csv" --svg "$work/t.svg" -- sh -c "$grow; exit 5"
# notes WORDS...: each is in the last neap's stderr.
notes() {
    for word; do grep -q -- "$word" "$work/err" || complain "stderr lacks: $word"; done
}
notes 'peak resident' 'CPU' 'page faults' 'exit 5' 'Next: '
[ ! -s "$work/out" ] || complain 'the summary went to stdout'

[ "$(head -n 1 "$work/t.csv")" = 'seconds,resident_bytes,mapped_bytes' ] || complain 'CSV header'
awk -F, 'NR > 1 { if ($1 < last) bad = 1; last = $1; if ($2 > peak) peak = $2; n++ }
         END { exit bad || n < 5 || peak < 60e6 || peak > 200e6 }' "$work/t.csv" ||
    complain 'the timeline is not one of 64 MiB for half a second'
grep -q '^<svg xmlns' "$work/t.svg" && grep -q '^</svg>$' "$work/t.svg" || complain 'no picture'
if command -v xmllint >/dev/null; then
    xmllint --noout "$work/t.svg" 2>"$work/err" || complain 'the picture is not XML'
elif command -v python3 >/dev/null; then
    python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' "$work/t.svg" \
        2>"$work/err" || complain 'the picture is not XML'
fi

# What neap's own books said at the end, by the record of the command itself.
grown='x = [bytes(1000) for i in range(50000)]; big = bytes(20 << 20)'
if [ -x /usr/bin/python3 ]; then
    mkdir "$work/tmp"
    left() { [ -z "$(ls "$work/tmp")" ] || complain "$1: a file is left behind"; }
    export TMPDIR="$work/tmp" NEAP_EXIT_STATS="$work/not-this-one" PYTHONMALLOC=malloc
    expect 0 run --summary -- /usr/bin/python3 -c "$grown; import sys; sys.exit(0)"
    notes ' pid [0-9]' 'at exit  *resident [0-9.]* MiB; live and rounding' 'overhead' \
        'free slots .*, cached .*, free ready .*; metadata at most' 'returned  *'
    if grep -q 'others\|the last sample\|^.\[' "$work/err"; then complain 'more than is known'; fi
    left 'run --summary'

    # A child that neither exec's nor overwrites; a process that ends by _exit; one that is killed.
    expect 0 run --summary -- /usr/bin/python3 -c "import os, sys
if os.fork() == 0: sys.exit(0)
os.wait(); $grown"
    notes 'others  *1 process; with the most at exit: python3'
    expect 3 run --summary -- /usr/bin/python3 -c "$grown; import os; os._exit(3)"
    notes 'at the end  *resident' 'ended by _exit'
    expect 137 run --summary -- /usr/bin/python3 -c "$grown; import os; os.kill(os.getpid(), 9)"
    notes 'at the end  *resident' 'the signal left neap no time' 'signal 9 (Killed)'
    left 'run --summary, killed'
    [ ! -e "$work/not-this-one" ] || complain 'a record went elsewhere'
    # A child that outlives the command finds no place for its record any more.
    expect 0 run --summary -- /usr/bin/python3 -c "import os, sys, time
if os.fork() == 0: time.sleep(0.5); open('$work/late', 'w'); sys.exit(0)"
    tries=0
    until [ -e "$work/late" ] || [ $tries -gt 200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    sleep 0.2
    left 'run --summary, a child that outlives it'
    expect 127 run --summary -- no-such-command
    left 'run --summary, not started'
    unset TMPDIR NEAP_EXIT_STATS PYTHONMALLOC
fi
expect 0 run --summary -- printenv NEAP_EXIT_STATS
expect 1 run --timeline "$work/t.csv" -- printenv NEAP_EXIT_STATS   # nothing that is not needed
TMPDIR=$work/nowhere expect 125 run --summary -- touch "$work/started"
says 'cannot create a temporary folder: No such file or directory; set TMPDIR'
[ ! -e "$work/started" ] || complain 'a command was started though its record had no place'

# A command that cannot be started leaves the results of before alone, and creates none.
echo yesterday >"$work/t.csv"
expect 127 run --timeline "$work/t.csv" --svg "$work/new.svg" -- no-such-command
[ "$(cat "$work/t.csv")" = yesterday ] || complain 'an old result was lost'
[ ! -e "$work/new.svg" ] || complain 'an empty result was left'

# Signals go on to the command, with and without sampling. The command says when it is ready.
for option in '' --summary; do
    for signal in TERM INT HUP USR1; do
        rm -f "$work/ready"
        # sh starts background jobs with SIGINT ignored, nohup all with SIGHUP; neap leaves it so.
        env --default-signal=$signal "$neap" run $option -- sh -c "trap 'exit 9' $signal
            : >'$work/ready'; for i in \$(seq 200); do sleep 0.05; done" >"$work/out" 2>"$work/err" &
        pid=$!
        tries=0
        until [ -e "$work/ready" ] || [ $tries -gt 200 ]; do
            sleep 0.05
            tries=$((tries + 1))
        done
        kill -$signal $pid
        wait $pid
        code=$?
        [ $code -eq 9 ] || complain "neap run $option: SIG$signal gave exit $code instead of 9"
    done
done

# When neap is killed outright, the command goes with it.
"$neap" run -- sh -c "echo \$\$ >'$work/pid'; exec sleep 60" &
pid=$!
tries=0
until [ -s "$work/pid" ] || [ $tries -gt 200 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
kill -KILL $pid
wait $pid 2>/dev/null
sleep 0.3
child=$(cat "$work/pid")
if [ -d "/proc/$child" ] && ! grep -q '^State:.Z' "/proc/$child/status"; then
    kill -KILL "$child"
    complain 'the command outlived neap'
fi
finish
