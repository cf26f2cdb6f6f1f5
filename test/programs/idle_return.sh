#!/bin/sh
# idle_return.c under libc's malloc (the control, of which nothing is expected) and under neap,
# preloaded and with the static library linked in. All at once: they mostly sleep.
. "$(dirname "$0")/program_kit.sh"

build_both idle_return
run_all_at_once
exit $failed
