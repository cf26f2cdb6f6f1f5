#!/bin/sh
# background_elsewhere.c with the library opened by dlopen, and linked statically with everything
# else.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread"
$cc "$here/background_elsewhere.c" -o "$work/program"
"$work/program" "$build/libneap.so.0"

# The linker warns of dlopen, which is not called there.
if $cc -static "$here/background_elsewhere.c" "$build/libneap.a" -o "$work/static" 2>"$work/said"; then
    "$work/static"
else
    grep -q 'cannot find -lc' "$work/said" || { cat "$work/said"; exit 1; }
    echo "no static libc here: static programs are not tested"
fi
