#!/bin/sh
# pressure.c, which keeps twice what it uses and is told by a pipe that memory is short.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=gnu17 -O1 -g -Wall -Wextra -Werror -fno-builtin-malloc -pthread -I$here/../../include"
${CC:-gcc} $flags "$here/pressure.c" "$build/libneap.so.0" -Wl,-rpath,"$build" -o "$work/pressure"
mkfifo "$work/pipe"
MEMORY_PRESSURE_WATCH=$work/pipe NEAP_RETAIN=300% "$work/pressure" neap
