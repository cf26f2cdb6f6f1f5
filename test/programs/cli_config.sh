#!/bin/sh
# neap config and neap size: what the library's own tables say, of us, of processes, of sizes.
. "$(dirname "$0")/cli_kit.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)

# ---- config -----------------------------------------------------------------------------------

# row NAME VALUE ORIGIN: of the table.
row() {
    grep -qE "^$1 +$2 +$3 " "$work/out" || complain "config: not $1 $2 $3"
}
for name in $(env | sed -n 's/^\(NEAP_[A-Z_]*\)=.*/\1/p' | grep -v 'NEAP_BUILD\|NEAP_SOURCE_ROOT'); do
    unset "$name"
done
expect 0 config
for name in $(sed -n 's/^OPTION_[A-Z]*([a-z_]*, \(NEAP_[A-Z_]*\),.*/\1/p' "$root/src/config/option.def"); do
    grep -q "^$name " "$work/out" || complain "config lacks $name"
done
row NEAP_RETAIN 110% default
printf 'retain = 150%%\nreturn_delay = 2s\n' >"$work/neap.conf"
NEAP_CONF=$work/neap.conf NEAP_RETURN_DELAY=3s expect 0 config
row NEAP_RETAIN 150% file
row NEAP_RETURN_DELAY 3s environment
row NEAP_CONF "$work/neap.conf" environment
NEAP_RETAIN=5 expect 0 config    # what the library says about a mistake
says 'NEAP_RETAIN=5 is not in the range'
row NEAP_RETAIN 110% default

expect 0 config hard_limit
prints 'NEAP_HARD_LIMIT=off'
prints 'may be   16MiB to 1PiB, 1% to 100%, or off'
prints 'gets NULL and ENOMEM'
expect 0 config NEAP_LIMIT
prints 'memory.limit_in_bytes of'    # without the manual's markup
prints_not '*'
expect 2 config retian;         says 'did you mean NEAP_RETAIN?'
expect 2 config frobnicate;     says "no option 'frobnicate'; neap config lists them"
expect 2 config retain limit;   says "'limit' is too much"
expect 0 config --json retain
prints '{"schema": "neap.config/1", "options": [{"name": "NEAP_RETAIN", "origin": "default", "value": "110%"'

# The template changes nothing, and neither do its lines without their signs for a comment.
expect 0 config --env
cp "$work/out" "$work/template"
"$neap" config >"$work/before" 2>/dev/null
sed 's/^#\(NEAP_[A-Z_]*=\)/\1/' "$work/template" >"$work/neap.conf"
for file in template neap.conf; do
    NEAP_CONF=$work/$file expect 0 config
    [ ! -s "$work/err" ] || complain "$file has mistakes"
    awk '{ print $1, $2 }' "$work/out" | grep -v NEAP_CONF >"$work/after"
    awk '{ print $1, $2 }' "$work/before" | grep -v NEAP_CONF | diff - "$work/after" >"$work/out" ||
        complain "$file changes values"
done

printf 'retain = 120%%\n' >"$work/relative.conf"
(cd "$work" && exec env LD_PRELOAD="$build/libneap.so.0" NEAP_CONF=relative.conf NEAP_ARENA=8M sleep 60) &
pid=$!
until [ "$(cat "/proc/$pid/comm")" = sleep ]; do sleep 0.05; done
NEAP_RETURN_CPU=50% expect 0 config "$pid"
row NEAP_ARENA 8MiB environment
row NEAP_RETAIN 120% file           # from the folder of the process
row NEAP_RETURN_CPU 1% default      # of the process, not of ours
expect 0 config "$pid" arena
prints 'NEAP_ARENA=8MiB'
expect 0 config --json "$pid"
prints "\"pid\": $pid"
kill "$pid"
wait "$pid" 2>/dev/null
expect 4 config 4194303
expect 4 config $$;             says 'does not run neap'
expect 2 config 12x;            says 'is no process id'

# ---- size -------------------------------------------------------------------------------------

# fits SIZE CLASS: by the table.
fits() {
    [ "$(awk -v size="$1" '$1 == size { print $2 }' "$work/out")" = "$2" ] || complain "size $1: not $2"
}
expect 0 size 0 1 16 17 1024 1025 1040 32768 32769 1M 1.5MiB
fits 0 16
fits 1 16
fits 16 16
fits 17 32
fits 1024 1024
fits 1025 1152
fits 1040 1152
fits 32768 32768
fits 32769 40960
fits 1048576 1048576
fits 1572864 1572864
expect 0 size
[ "$(($(wc -l <"$work/out") - 1))" = "$(grep -c '^SIZE_CLASS(' "$root/src/span/size_class.def")" ] ||
    complain 'size: not all classes'
expect 0 size --json 100
[ "$(cat "$work/out")" = '{"schema": "neap.size/1", "sizes": [{"asked_bytes": 100, "class_bytes": 112, "rounding_bytes": 12, "slots": 146, "span_bytes": 16384, "left_bytes": 32, "below_bytes": 96}]}' ] ||
    complain 'size --json'
expect 2 size abc;              says "'abc' is not a size"
expect 2 size 1000P;            says 'of at most 64TiB'

# What malloc says itself: usable sizes are the classes.
cat >"$work/usable.c" <<'C'
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%s %zu\n", argv[i], malloc_usable_size(malloc(strtoul(argv[i], NULL, 10))));
}
C
${CC:-gcc} -o "$work/usable" "$work/usable.c" || complain cc
sizes='1 16 17 100 1000 1025 3000 9000 32768 32769 100000 1000000'
expect 0 size $sizes
awk 'NR > 1 { print $1, $2 }' "$work/out" >"$work/said"
LD_PRELOAD=$build/libneap.so.0 "$work/usable" $sizes | diff - "$work/said" >"$work/out" ||
    complain 'malloc_usable_size says something else'
finish
