#!/bin/sh
# misuse.c under neap, preloaded and with the static library linked in.
. "$(dirname "$0")/program_kit.sh"

build_both misuse -Wno-use-after-free -Wno-free-nonheap-object
run_under_neap "$@"
exit $failed
