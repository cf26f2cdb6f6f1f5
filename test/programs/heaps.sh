#!/bin/sh
# heaps.c with the shared and with the static library.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=gnu17 -O1 -g -Wall -Wextra -Werror -pthread -I$here/../../include"
${CC:-gcc} $flags "$here/heaps.c" "$build/libneap.so.0" -Wl,-rpath,"$build" -o "$work/heaps"
${CC:-gcc} $flags "$here/heaps.c" "$build/libneap.a" -o "$work/heaps_static"
"$work/heaps"
"$work/heaps_static"
