#!/bin/sh
# freed_by_others.c under neap; what libc's malloc also does, under libc before (the control).
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror \
    -Wno-alloc-size-larger-than -pthread -I"$here/../../include" \
    "$here/freed_by_others.c" -o "$work/program"

failed=0
echo "libc:"; "$work/program" libc || failed=1
echo "neap:"; LD_PRELOAD="$build/libneap.so.0" "$work/program" neap || failed=1
exit $failed
