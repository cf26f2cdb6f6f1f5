#!/bin/sh
# neap try: comparison, its negative controls, and the reports.
. "$(dirname "$0")/cli_kit.sh"

work_hard='i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; sleep 0.1; echo "$i"'

expect 0 try -n 2 --svg "$work/a.svg" --json="$work/a.json" -- sh -c "$work_hard"
for part in 'present malloc' 'neap' 'ratio' 'wall s' 'CPU s' 'peak resident MiB' 'minor faults' \
    'resident at end MiB' 'resident area MiB*s' 'mapped MiB' 'verdict: neap against' \
    'output: identical in all runs (6 bytes' 'status: exit 0 in all runs' "picture: $work/a.svg" \
    "figures: $work/a.json"; do
    prints "$part"
done
[ ! -s "$work/err" ] || complain 'there was something on stderr'
if command -v python3 >/dev/null; then
    python3 - "$work/a.json" "$work/a.svg" >"$work/out" 2>"$work/err" <<'CHECK' || complain 'JSON or SVG'
import json, sys, xml.dom.minidom
report = json.load(open(sys.argv[1]))
assert report['schema'] == 'neap.try/1'
assert report['output'] == report['status'] == 'identical'
assert [a['name'] for a in report['allocators']] == ['present malloc', 'neap']
for allocator in report['allocators']:
    assert len(allocator['runs']) == report['runs'] == 2
    for run in allocator['runs']:
        assert run['exit_code'] == 0 and run['output_bytes'] == 6
        assert 0.1 <= run['wall_seconds'] < 60
        assert run['peak_resident_bytes'] >= run['end_resident_bytes'] > 0
        assert len(run['timeline']) > 0   # more, unless the machine is very busy
xml.dom.minidom.parse(sys.argv[2])
CHECK
    # On stdout, nothing but the object.
    expect 0 try -n 1 --json --svg "$work/b.svg" -- echo x
    python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["runs"] == 1' "$work/out" \
        2>"$work/err" || complain '--json is not JSON'
    grep -q '</svg>' "$work/b.svg" || complain '--json with --svg: no picture'
fi

# Negative controls: output or exit code that depends on the allocator, or on nothing.
expect 3 try -n 1 -- sh -c 'echo "$LD_PRELOAD"'
prints 'output: NOT identical: first difference at byte 0, under neap'
expect 3 try -n 1 -- sh -c 'echo same; echo "$LD_PRELOAD"'
prints 'first difference at byte 5'
expect 3 try -n 2 -- sh -c 'echo $$'
prints 'so the allocator is not the reason'
expect 3 try -n 1 -- sh -c 'case $LD_PRELOAD in *neap*) exit 4 ;; esac'
prints 'status: NOT the same'

# A command that fails everywhere alike: its own code.
expect 7 try -n 1 -- sh -c 'exit 7'
prints 'status: exit 7 in all runs'
prints 'no verdict'
expect 139 try -n 1 -- sh -c 'kill -SEGV $$'
expect 127 try -n 1 -- no-such-command
expect 126 try -n 1 -- "$work"

# A file as stdin is read from its start in every run; a pipe is read in none.
printf 'one\ntwo\n' >"$work/in"
"$neap" try -n 2 -- cat <"$work/in" >"$work/out" 2>"$work/err"
prints 'identical in all runs (8 bytes'
printf 'one\ntwo\n' | "$neap" try -n 1 -- cat >"$work/out" 2>"$work/err"
prints 'identical in all runs (0 bytes'

# More output than any buffer holds.
expect 0 try -n 1 -- head -c 3000000 /dev/zero
prints 'identical in all runs (3 000 000 bytes'

# Other libraries, by path; what cannot be preloaded is said before anything is measured.
printf 'int neap_test_other;\n' >"$work/other.c"
if cc -shared -o "$work/other.so" "$work/other.c" 2>"$work/err"; then
    expect 0 try -n 1 --with "$work/other.so" -- true
    prints 'other.so'
fi
# Allocators by their short names: those that are here; what is missing is named with its package.
names=
for peer in jemalloc:libjemalloc.so.2 mimalloc:libmimalloc.so.2.0 \
    tcmalloc:libtcmalloc_minimal.so.4 tbb:libtbbmalloc_proxy.so.2; do
    LD_PRELOAD=${peer#*:} /bin/true 2>&1 | grep -q 'cannot be preloaded' ||
        names=$names${names:+,}${peer%:*}
done
if [ -n "$names" ]; then
    expect 0 try -n 2 --with "$names" -- sh -c "$work_hard"
    for name in $(echo "$names" | tr , ' '); do prints "verdict: $name against present malloc"; done
    [ "$(wc -L <"$work/out")" -le 180 ] || complain 'the report is too wide'
fi
mkdir "$work/empty"
: >"$work/empty/libmimalloc.so.2.0"   # the loader finds this one first, and cannot use it
LD_LIBRARY_PATH=$work/empty expect 125 try --with mimalloc -- touch "$work/started"
says 'mimalloc: libmimalloc.so.2.0 is not installed; apt-get install libmimalloc2.0'
expect 2 try --with jemalloc, -- touch "$work/started"
says '--with: nothing stands before or after a comma'
expect 125 try -n 1 --with libnothing.so.9 -- touch "$work/started"
says 'libnothing.so.9 cannot be preloaded'
expect 125 try -n 1 --with "$work/other.c" -- touch "$work/started"
[ ! -e "$work/started" ] || complain 'a command was started though a library is missing'

# A server that does not end: measured when it rests, then stopped.
expect 0 try -n 1 --settle 0.5 -- sh -c "trap 'exit 0' TERM; while :; do sleep 0.2; done"
prints 'settled, then stopped by neap'

# Interrupted: no result, and nothing left behind.
"$neap" try -n 2 -- sh -c "echo \$\$ >'$work/pid'; exec sleep 5" >"$work/out" 2>"$work/err" &
pid=$!
tries=0
until [ -s "$work/pid" ] || [ $tries -gt 200 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
kill -TERM $pid
wait $pid
[ $? -eq 143 ] || complain 'an interrupted try does not exit with 143'
says 'interrupted; no result'
if kill -0 "$(cat "$work/pid")" 2>/dev/null; then complain 'the command outlived try'; fi
finish
