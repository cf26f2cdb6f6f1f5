#!/bin/sh
# neap ps, neap stat, neap explain: what they say about running programs, and that the programs do
# not notice.
. "$(dirname "$0")/cli_kit.sh"
. "$(dirname "$0")/observe_kit.sh"
compile -o "$work/dynamic"
compile -o "$work/static" -static "$build/libneap.a"

# number NAME: of the JSON in $work/out.
number() {
    sed -n "s/.*\"$1\": \(-\{0,1\}[0-9]*\)[,}].*/\1/p" "$work/out"
}
# between NAME SMALLEST LARGEST
between() {
    value=$(number "$1")
    if [ -z "$value" ] || [ "$value" -lt "$2" ] || [ "$value" -gt "$3" ]; then
        complain "$1 is '$value', not $2 to $3"
    fi
}

mib=1048576
for program in dynamic static; do
    begin $program
    faults=$(cut -d' ' -f10 "/proc/$pid/stat")
    expect 0 stat --json "$pid"
    between object_bytes $((41 * mib)) $((44 * mib))
    between free_slots_bytes $((15 * mib)) $((20 * mib))
    between objects 2001 2500
    between allocations 20001 20500
    prints '"schema": "neap.stat/1"'
    prints_not hard_limit_bytes     # there is none
    cp "$work/out" "$work/first"
    expect 0 stat --json "$pid"
    [ "$(sed 's/"time": "[^"]*"//' "$work/out")" = "$(sed 's/"time": "[^"]*"//' "$work/first")" ] ||
        complain 'the numbers of a program that sleeps change'
    expect 0 stat "$pid"
    prints 'object_bytes '
    prints 'in objects not freed yet'
    expect 0 stat "$pid" 0.01 3
    [ "$(wc -l <"$work/out")" -eq 4 ] || complain 'not three lines and a heading'
    expect 0 explain "$pid"
    prints '= neap'
    prints '= resident'
    prints 'lie between live objects'
    prints "Next: neap stat $pid 1"
    expect 0 ps
    grep -q "^ *$pid .* $program\$" "$work/out" || complain "neap ps lacks $program"
    expect 0 ps --json
    grep -q "\"pid\": $pid, \"name\": \"$program\"" "$work/out" || complain 'neap ps --json'
    grep -q '^State:.*sleeping' "/proc/$pid/status" || complain 'the program was woken'
    [ "$(cut -d' ' -f10 "/proc/$pid/stat")" -le $((faults + 100)) ] ||
        complain 'the program faulted'
    kill "$pid"
done

# In each of many readings under load the parts make up the whole.
begin dynamic work
expect 0 stat --json "$pid" 0.01 300
[ "$(wc -l <"$work/out")" -eq 300 ] || complain 'not three hundred readings'
tr -d '"{}:,' <"$work/out" | awk '{
        for (i = 1; i < NF; i++) v[$i] = $(i + 1)
        sum = v["object_bytes"] + v["free_slots_bytes"] + v["cached_bytes"]
        sum += v["free_ready_bytes"] + v["metadata_bytes"]
        if (sum != v["resident_bytes"] || v["objects"] > 3000 || v["allocations"] < last) exit 1
        last = v["allocations"]
    }' || complain 'a reading does not add up'
expect 0 explain "$pid"
expect 0 stat --history seconds "$pid"      # it has worked for more than three seconds by now
[ "$(wc -l <"$work/out")" -ge 3 ] || complain 'no history'
expect 0 stat --history seconds --json "$pid"
prints '"schema": "neap.history/1"'
expect 0 stat --history minutes "$pid"
expect 0 snapshot "$pid" -o "$work/snap"
[ ! -s "$work/out" ] || complain 'a snapshot on stdout too'
python3 - "$work/snap" <<'END' || complain 'the snapshot'
import collections, json, sys
count = collections.Counter(json.loads(line)['schema'] for line in open(sys.argv[1]))
for name in 'snapshot', 'stat', 'explain', 'environment':
    assert count[f'neap.{name}/1'] == 1, count
assert count['neap.history/1'] >= 2 and count['neap.mapping/1'] >= 5, count
END
expect 2 snapshot "$pid" -o "$work/no/snap";    says 'cannot write'
expect 4 snapshot 999999999 -o "$work/none";    says 'no process 999999999'
[ ! -e "$work/none" ] || complain 'a snapshot of nothing'
expect 2 stat --history hours "$pid";       says "not by 'hours'"
expect 2 stat --history seconds "$pid" 1;   says '--history takes no INTERVAL'

# A process that ends meanwhile.
(sleep 0.3; kill -9 "$pid") &
expect 4 stat "$pid" 0.05
says "no process $pid, or it has ended"
expect 4 stat "$pid";       says "no process $pid"
expect 4 explain "$pid";    says "no process $pid"

# Processes that are none, or run no neap.
without=yes
begin dynamic
expect 4 stat "$pid";       says "process $pid does not run neap"
expect 4 explain "$pid";    says "process $pid does not run neap"
expect 0 ps
prints_not " $pid "
expect 2 stat;              says 'A process id is missing'
expect 2 stat abc;          says "'abc' is no process id"
expect 2 stat 0;            says "'0' is no process id"
expect 2 stat 1 0;          says "'0' is no number of seconds"
expect 2 stat 1 1 x;        says "'x' is no number of times"
expect 2 stat 1 1 1 1;      says "'1' is too much"
expect 2 ps 1;              says "takes no operands"
without=

# Another user may not look; a process in another pid namespace is one like any other.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    begin dynamic
    chmod 755 "$work"
    cp "$neap" "$work/neap"
    for command in stat explain; do
        setpriv --reuid 65534 --regid 65534 --clear-groups "$work/neap" $command "$pid" \
            >"$work/out" 2>"$work/err"
        [ $? -eq 5 ] || complain "neap $command: another user is not refused by exit 5"
        says "not allowed to read process $pid"
    done
fi
if unshare --pid --fork true 2>/dev/null; then
    LD_PRELOAD=$build/libneap.so.0 unshare --pid --fork --kill-child "$work/dynamic" \
        >"$work/fifo" &
    pids="$pids $!"
    read -r ready <"$work/fifo"
    pid=$(pgrep -P $!)
    pids="$pids $pid"
    expect 0 stat --json "$pid"
    between object_bytes $((41 * mib)) $((44 * mib))
fi
finish
