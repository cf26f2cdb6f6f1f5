#!/bin/sh
# background_thread.c under libc's malloc (the control) and under neap,
# preloaded and with the static library linked in. All at once: they mostly sleep.
. "$(dirname "$0")/program_kit.sh"

build_both background_thread
run_all_at_once
exit $failed
