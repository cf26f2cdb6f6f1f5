#!/bin/sh
# neap_disable.c with libc alone, with neap (the controls), and with neap that NEAP_DISABLE or its
# file tells to leave everything to libc; preloaded and linked in.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc="${CC:-gcc} -std=gnu17 -O1 -g -fno-builtin -Wall -Wextra -Werror -Wno-deprecated-declarations
    -Wno-alloc-size-larger-than"
$cc "$here/neap_disable.c" -o "$work/plain"
$cc "$here/neap_disable.c" "$build/libneap.a" -pthread -o "$work/linked"
printf 'disable = yes\n' >"$work/conf"

run() {   # whose, then the command
    whose=$1
    shift
    echo "$whose: $*"
    env "$@" "$whose" 2>"$work/err" || { cat "$work/err"; exit 1; }
    case $whose in
    libc) grep -q '^Arena 0:' "$work/err" ;;
    neap) grep -q '^neap, bytes:' "$work/err" ;;
    esac || { echo "malloc_stats is not $whose's:"; cat "$work/err"; exit 1; }
}
preload=LD_PRELOAD=$build/libneap.so.0
run libc "$work/plain"
run neap "$preload" "$work/plain"
run neap "$preload" NEAP_DISABLE=0 "$work/plain"
run neap "$work/linked"
run libc "$preload" NEAP_DISABLE=1 "$work/plain"
run libc "$preload" NEAP_CONF="$work/conf" "$work/plain"
run libc NEAP_DISABLE=1 "$work/linked"

# All that libc's malloc promises, through our names.
$cc -pthread "$here/malloc_contract.c" -o "$work/contract"
env "$preload" NEAP_DISABLE=1 "$work/contract"
