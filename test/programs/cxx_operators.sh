#!/bin/sh
# cxx_operators.cc under libc (the control) and under neap, preloaded and linked in; skipped
# where there is no C++ compiler.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
command -v g++ >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=c++17 -O1 -g -fno-builtin -Wall -Wextra -Wno-alloc-size-larger-than"
g++ $flags "$here/cxx_operators.cc" -o "$work/operators"
g++ $flags "$here/cxx_operators.cc" "$build/libneap.a" -o "$work/operators_neap"

echo "libc:";            "$work/operators"
echo "neap, preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/operators"
echo "neap, linked in:"; "$work/operators_neap"
nm "$work/operators_neap" | grep -q ' T _Znwm$'
