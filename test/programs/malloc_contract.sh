#!/bin/sh
# malloc_contract.c under libc's malloc (the control: what it expects is what libc does) and
# under neap, dynamically preloaded and with the static library linked in.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc=${CC:-gcc}
$cc -std=gnu17 -O1 -g -fno-builtin -Wall -Wextra -Werror -Wno-alloc-size-larger-than -pthread \
    "$here/malloc_contract.c" -o "$work/contract"
$cc -std=gnu17 -O1 -g -fno-builtin -Wall -Wextra -Werror -Wno-alloc-size-larger-than -pthread \
    -rdynamic "$here/malloc_contract.c" "$build/libneap.a" -o "$work/contract_static_neap"

echo "libc:";            "$work/contract"
echo "neap, preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/contract" neap
echo "neap, linked in:"; "$work/contract_static_neap" neap
