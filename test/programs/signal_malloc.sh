#!/bin/sh
# signal_malloc.c under neap, preloaded and with the static library linked in. libc's malloc is no
# control: its handlers would wait for the lock that they have interrupted.
. "$(dirname "$0")/program_kit.sh"

build_both signal_malloc
run_under_neap neap
exit $failed
