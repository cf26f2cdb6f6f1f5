#!/bin/sh
# handlers_and_forks.c under neap, also built with checks, which know the order of locks; what libc's
# malloc also does, under libc before (the control).
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread \
    -I"$here/../../include" "$here/handlers_and_forks.c" -o "$work/program"

failed=0
echo "libc:"; "$work/program" libc || failed=1
echo "neap:"; LD_PRELOAD="$build/libneap.so.0" "$work/program" neap || failed=1
if [ -e "$build-debug/libneap.so.0" ]; then
    echo "neap, with checks:"; LD_PRELOAD="$build-debug/libneap.so.0" "$work/program" neap || failed=1
fi
exit $failed
