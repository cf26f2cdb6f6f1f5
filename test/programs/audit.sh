#!/bin/sh
# audit.c under neap, preloaded and with the static library linked in.
. "$(dirname "$0")/program_kit.sh"

build_both audit
run_under_neap
exit $failed
