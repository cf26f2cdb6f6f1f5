#!/bin/sh
# fork_storm.c under libc's malloc (the control) and under neap, preloaded and with the static
# library linked in.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread
    -I$here/../../include"
$cc "$here/fork_storm.c" -o "$work/program"
$cc -rdynamic "$here/fork_storm.c" "$build/libneap.a" -o "$work/program_with_neap"

failed=0
echo "libc:";      FORKS=${FORKS:-60} "$work/program" libc || failed=1
echo "preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/program" neap || failed=1
echo "linked in:"; FORKS=${FORKS:-60} "$work/program_with_neap" neap || failed=1
exit $failed
