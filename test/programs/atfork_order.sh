#!/bin/sh
# atfork_order.c under libc (the control), with neap preloaded, and linked with neap on either
# side of the library whose fork handlers allocate.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -Wall -Wextra -Werror -pthread"
$cc -DLIBRARY -shared -fPIC "$here/atfork_order.c" -o "$work/libhandlers.so"
link() {   # program, libraries in their order
    out=$1
    shift
    $cc "$here/atfork_order.c" -o "$out" -L"$work" -L"$build" -Wl,--no-as-needed "$@" \
        -Wl,-rpath,"$work" -Wl,-rpath,"$build"
}
link "$work/plain" -lhandlers
link "$work/before" -l:libneap.so.0 -lhandlers
link "$work/after" -lhandlers -l:libneap.so.0

echo "libc";              "$work/plain"
echo "preloaded";         LD_PRELOAD="$build/libneap.so.0" "$work/plain"
echo "linked before it";  "$work/before"
echo "linked after it";   "$work/after"
