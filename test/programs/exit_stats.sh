#!/bin/sh
# NEAP_EXIT_STATS: programs that end in every way, and the records that they leave.
. "$(dirname "$0")/cli_kit.sh"

compile() {
    ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror "$source" "$@" || exit 1
}
source=$(dirname "$0")/exit_stats.c
compile -o "$work/dynamic" -pthread
compile -o "$work/static" -static "$build/libneap.a" -pthread
compile -o "$work/library.so" -DLIBRARY -shared -fPIC
record=$work/record

# end_as CODE HOW [PROGRAM]: runs the program; its process id is in $pid, its records in $record.
end_as() {
    rm -f "$record" "$record".*
    program=${3:-dynamic}
    preload=
    [ "$program" = static ] || preload=$build/libneap.so.0:$work/library.so
    {   # The shell's own words about a process killed go nowhere.
        (exec env LD_PRELOAD="$preload" NEAP_EXIT_STATS="${pattern:-$record}" \
            "$work/$program" "$2" >"$work/out" 2>"$work/err")
        code=$?
    } 2>/dev/null
    [ "$code" -eq "$1" ] || complain "$2: exit $code instead of $1"
    pid=$(head -n 1 "$work/out")
}

# holds KEY SMALLEST LARGEST [FILE]: the record has the key once, with a value in between.
holds() {
    value=$(sed -n "s/^$1 //p" "${4:-$record}")
    if [ -z "$value" ] || [ "$value" -lt "$2" ] || [ "$value" -gt "$3" ]; then
        cp "${4:-$record}" "$work/out"
        complain "$1 is '$value', not $2 to $3"
    fi
}

# none HOW: no record was left, and nothing was said about it.
none() {
    [ ! -e "$record" ] || complain "$1: a record of a process that did not exit"
    [ ! -s "$work/err" ] || complain "$1: neap said something"
}

mib=1048576
end_as 5 return
[ "$(head -n 1 "$record")" = 'neap_exit_stats 1' ] || complain 'the first line'
[ "$(tail -n 1 "$record")" = "end $pid" ] || complain 'the last line'
[ "$(grep -cv '^[a-z_]* [^ ]*$' "$record")" -eq 0 ] || complain 'not lines of "key value"'
[ "$(sed -n 's/^name //p' "$record")" = dynamic ] || complain 'the name'
[ ! -s "$work/err" ] || complain 'neap said something'
holds pid "$pid" "$pid"
holds large_bytes $((40 * mib)) $((41 * mib))   # what a destructor freed is gone
holds live_slots 10000 12000
holds live_slots_bytes 1000000 1600000
holds resident_bytes $((41 * mib)) $((56 * mib))
holds grown_times 1 1000
holds scavenged_steps 0 1000
holds allocations 10001 12000
# Every page is in one book.
awk '{ v[$1] = $2 } END {
    in_use = v["live_slots_bytes"] + v["free_slots_bytes"] + v["large_bytes"]
    sum = v["in_use_bytes"] + v["cached_bytes"] + v["free_ready_bytes"] + v["released_bytes"]
    exit in_use != v["in_use_bytes"] || sum != v["mapped_bytes"] }' "$record" ||
    { cp "$record" "$work/out"; complain 'the books do not add up'; }

# Ways that run destructors, and ways that do not.
end_as 6 thread;        holds pid "$pid" "$pid"
end_as 3 _exit;         none _exit
end_as 4 quick_exit;    none quick_exit
end_as 137 kill;        none kill
end_as 134 abort;       none abort
end_as 5 return static; holds pid "$pid" "$pid"; holds live_slots 10000 12000
export NEAP_DISABLE=1
end_as 5 return;        none NEAP_DISABLE
unset NEAP_DISABLE
end_as 5 clearenv;      holds pid "$pid" "$pid"   # the options were read when it began
end_as 0 exec;          holds pid "$pid" "$pid"   # of the program that took its place:
[ "$(sed -n 's/^name //p' "$record")" = true ] || complain 'exec: the name'

# A child without exec adds its own record and leaves its parent's whole.
end_as 5 fork
[ "$(grep -c '^neap_exit_stats 1$' "$record")" -eq 2 ] || complain 'fork: not two records'
child=$(sed -n 's/^end //p' "$record" | head -n 1)
sed -n "/^pid $child$/,/^end $child$/p" "$record" >"$work/child"
sed -n "/^pid $pid$/,/^end $pid$/p" "$record" >"$work/parent"
holds large_bytes 0 $((2 * mib)) "$work/child"
holds large_bytes $((40 * mib)) $((41 * mib)) "$work/parent"

# With %p each has a file of its own.
pattern=$record.%p
end_as 5 fork
[ "$(ls "$record".* | wc -l)" -eq 2 ] || complain '%p: not two files'
holds large_bytes $((40 * mib)) $((41 * mib)) "$record.$pid"
pattern=-
end_as 5 return
[ ! -e "$record" ] && grep -q "^end $pid$" "$work/err" || complain '"-" is not stderr'

# Where it cannot be written, the program does not notice.
for pattern in "$work/no/record" "$work" /dev/full; do
    end_as 5 return
    none "$pattern"
done
pattern=

# Never in a set-uid program: whoever starts it must not choose what file it writes to.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$work"
    mkdir -m 777 "$work/open"
    for mode in u-s u+s; do
        chmod $mode "$work/static"
        NEAP_EXIT_STATS=$work/open/$mode setpriv --reuid 65534 --regid 65534 --clear-groups \
            "$work/static" return >"$work/out"
    done
    [ -e "$work/open/u-s" ] || complain 'no record of another user'
    [ ! -e "$work/open/u+s" ] || complain 'a record of a set-uid program'
fi
finish
