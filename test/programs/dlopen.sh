#!/bin/sh
# dlopen.c with the built library.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-gcc} -std=gnu17 -O1 -Wall -Wextra -Werror "$here/dlopen.c" -o "$work/dlopen"
"$work/dlopen" "$build/libneap.so.0"
