#!/bin/sh
# race_to_free.c under neap, preloaded and with the static library linked in.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread
    -I$here/../../include"
$cc "$here/race_to_free.c" -o "$work/race_to_free"
$cc -rdynamic "$here/race_to_free.c" "$build/libneap.a" -o "$work/race_to_free_with_neap"

failed=0
echo "preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/race_to_free" "$@" || failed=1
echo "linked in:"; "$work/race_to_free_with_neap" "$@" || failed=1
exit $failed
