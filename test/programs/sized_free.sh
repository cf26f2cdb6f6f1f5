#!/bin/sh
# sized_free.cc under neap, preloaded and linked in; skipped where there is no C++ compiler.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
command -v g++ >/dev/null || { echo "no C++ compiler"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=c++17 -O1 -g -fno-builtin -fsized-deallocation -Wall -Wextra -Wno-sized-deallocation"
g++ $flags "$here/sized_free.cc" -o "$work/program"
g++ $flags -rdynamic "$here/sized_free.cc" "$build/libneap.a" -o "$work/program_with_neap"
echo "preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/program"
echo "linked in:"; "$work/program_with_neap"
