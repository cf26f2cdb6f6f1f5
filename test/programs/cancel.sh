#!/bin/sh
# cancel.c under libc's malloc (the control) and under neap, preloaded and with the static
# library linked in.
. "$(dirname "$0")/program_kit.sh"

build_both cancel
echo "libc:"; "$work/program" libc || failed=1
run_under_neap neap
exit $failed
