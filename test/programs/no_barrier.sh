#!/bin/sh
# no_barrier.c under neap.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread \
    -I"$here/../../include" "$here/no_barrier.c" -o "$work/program"
LD_PRELOAD="$build/libneap.so.0" "$work/program" neap
