#!/bin/sh
# fork_storm.c under libc's malloc (the control) and under neap, preloaded and with the static
# library linked in.
. "$(dirname "$0")/program_kit.sh"

build_both fork_storm
echo "libc:";      FORKS=${FORKS:-60} "$work/program" libc || failed=1
echo "preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/program" neap || failed=1
echo "linked in:"; FORKS=${FORKS:-60} "$work/program_with_neap" neap || failed=1
exit $failed
