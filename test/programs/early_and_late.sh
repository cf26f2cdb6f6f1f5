#!/bin/sh
# early_and_late.c, ended in each way, under libc's malloc (the control) and under neap, preloaded,
# linked with, and with the static library linked in.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread"
$cc -DLIBRARY -shared -fPIC "$here/early_and_late.c" -o "$work/libmoments.so"
link() {   # program, libraries
    out=$1
    shift
    $cc "$here/early_and_late.c" -o "$out" -L"$work" -L"$build" -Wl,--no-as-needed -lmoments "$@" \
        -Wl,-rpath,"$work" -Wl,-rpath,"$build"
}
link "$work/plain"
link "$work/at_once" -Wl,-z,now
link "$work/linked" -l:libneap.so.0
link "$work/with_neap" -rdynamic "$build/libneap.a"

failed=0
try() {   # program, what to preload
    for way in return quick_exit thread pthread_exit; do
        status=0
        LD_PRELOAD=$2 timeout 60 "$work/$1" $way 2>"$work/said" || status=$?
        [ $status = 0 ] && [ "$(cat "$work/said")" = "reached the end" ] && continue
        echo "FAIL $1, preloaded \"$2\", $way: status $status: $(cat "$work/said")"
        failed=1
    done
}
for program in plain at_once; do
    try $program ""
    try $program "$build/libneap.so.0"
done
try linked ""
try with_neap ""
exit $failed
