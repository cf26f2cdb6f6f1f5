#!/bin/sh
# own_delete.cc under libc's malloc (the control) and under neap; skipped where there is no C++
# compiler.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
command -v g++ >/dev/null || { echo "no C++ compiler"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=c++17 -O1 -g -fno-builtin -fsized-deallocation -Wall -Wextra -Wno-sized-deallocation"
for way in PLAIN ALIGNED NEW_ARRAY_ONLY; do
    echo "operators of its own, $way:"
    g++ $flags -D$way "$here/own_delete.cc" -o "$work/own_delete"
    "$work/own_delete"
    LD_PRELOAD="$build/libneap.so.0" "$work/own_delete"
done
