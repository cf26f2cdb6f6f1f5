#!/bin/sh
# small_stack.c under libc's malloc (the control) and under neap, preloaded and with the static
# library linked in.
. "$(dirname "$0")/program_kit.sh"

build_both small_stack
echo "libc:"; "$work/program" libc || failed=1
run_under_neap neap
exit $failed
