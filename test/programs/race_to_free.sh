#!/bin/sh
# race_to_free.c under neap, preloaded and with the static library linked in.
. "$(dirname "$0")/program_kit.sh"

build_both race_to_free
run_under_neap "$@"
exit $failed
