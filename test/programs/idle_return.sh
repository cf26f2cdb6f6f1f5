#!/bin/sh
# idle_return.c under libc's malloc (the control, of which nothing is expected) and under neap,
# preloaded and with the static library linked in. All at once: they mostly sleep.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread
    -I$here/../../include"
$cc "$here/idle_return.c" -o "$work/program"
$cc -rdynamic "$here/idle_return.c" "$build/libneap.a" -o "$work/program_with_neap"

"$work/program" libc >"$work/libc" 2>&1 & libc=$!
LD_PRELOAD="$build/libneap.so.0" "$work/program" neap >"$work/preloaded" 2>&1 & preloaded=$!
"$work/program_with_neap" neap >"$work/linked" 2>&1 & linked=$!

failed=0
wait $libc || failed=1
echo "libc:"; cat "$work/libc"
wait $preloaded || failed=1
echo "preloaded:"; cat "$work/preloaded"
wait $linked || failed=1
echo "linked in:"; cat "$work/linked"
exit $failed
