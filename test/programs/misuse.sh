#!/bin/sh
# misuse.c under neap, preloaded and with the static library linked in.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread
    -Wno-use-after-free -Wno-free-nonheap-object -I$here/../../include"
$cc "$here/misuse.c" -o "$work/misuse"
$cc -rdynamic "$here/misuse.c" "$build/libneap.a" -o "$work/misuse_with_neap"

failed=0
echo "preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/misuse" "$@" || failed=1
echo "linked in:"; "$work/misuse_with_neap" "$@" || failed=1
exit $failed
