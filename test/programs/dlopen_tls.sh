#!/bin/sh
# dlopen_tls.c with the built library and many of its own.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -pthread"
$cc "$here/dlopen_tls.c" -o "$work/program"
$cc -DLIBRARY -DSTATIC_TLS -shared -fPIC "$here/dlopen_tls.c" -o "$work/one_static"
$cc -DLIBRARY -shared -fPIC "$here/dlopen_tls.c" -o "$work/one_dynamic"
for i in $(seq 10 69); do cp "$work/one_static" "$work/static$i.so"; done
for i in $(seq 10 29); do cp "$work/one_dynamic" "$work/dynamic$i.so"; done
"$work/program" "$build/libneap.so.0" "$work"/static*.so -- "$work"/dynamic*.so
