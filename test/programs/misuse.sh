#!/bin/sh
# misuse.c under neap, preloaded and with the static library linked in. Bound at once: the loader would
# need kilobytes of the smallest signal stack to look up what the report calls.
. "$(dirname "$0")/program_kit.sh"

build_both misuse -Wl,-z,now -Wno-use-after-free -Wno-free-nonheap-object
run_under_neap "$@"
exit $failed
