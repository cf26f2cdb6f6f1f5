#!/bin/sh
# The statistics of neap/neap.h, preloaded and linked in; and that a program can tell whether neap is
# there without being linked with it.
. "$(dirname "$0")/program_kit.sh"

build_both stats_api
run_under_neap
"$work/program" without || { echo 'FAIL without neap it passes for active'; failed=1; }
NEAP_DISABLE=1 LD_PRELOAD="$build/libneap.so.0" "$work/program" without ||
    { echo 'FAIL with NEAP_DISABLE neap passes for active'; failed=1; }
exit $failed
