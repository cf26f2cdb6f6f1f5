#!/bin/sh
# limits.c, which finds neap by the dynamic linker.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=gnu17 -O1 -g -Wall -Wextra -Werror -fno-builtin-malloc -pthread -I$here/../../include"
${CC:-gcc} $flags "$here/limits.c" "$build/libneap.so.0" -Wl,-rpath,"$build" -o "$work/limits"
"$work/limits" neap
# Where neap has no thread of its own, callbacks are told by the program's.
NEAP_BACKGROUND=0 "$work/limits" neap
NEAP_RETAIN=off "$work/limits" neap
