#!/bin/sh
# What the user hears about options, with neap preloaded and linked in: one line for each mistake
# and nothing else. options.c asks for memory before libc has set up its environment.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
secure=0

cc="${CC:-gcc} -std=gnu17 -O1 -Wall -Wextra -Werror -Wl,-z,now"
$cc "$here/options.c" -o "$work/plain"
$cc "$here/options.c" "$build/libneap.a" -pthread -o "$work/linked"
cd "$work"

# expect TEXT COMMAND...: the command succeeds, prints "secure 0, environment 0" and says TEXT.
expect() {
    text=$1
    shift
    env "$@" >out 2>err || { echo "FAIL $*: exit $?"; failed=1; }
    printf '%b' "$text" >wanted
    cmp -s wanted err || { echo "FAIL $*: wanted, got:"; cat wanted err; failed=1; }
    grep -qx "secure $secure, environment 0" out || { echo "FAIL $*:"; cat out; failed=1; }
}
unknown='neap: NEAP_ARENNA is not an option: did you mean NEAP_ARENA?\n'
wrong='neap: NEAP_ARENA=64Q is not a size (such as 64MiB): using 64MiB\n'
preload=LD_PRELOAD=$build/libneap.so.0

expect ''                  NEAP_ARENNA=1 ./plain
for program in ./linked "$preload ./plain"; do   # two words are two arguments
    expect ''              $program
    expect ''              NEAP_ARENA=1MiB NEAP_RETAIN=off NEAP_PAGE_CACHES=2 $program
    expect "$unknown"      NEAP_ARENNA=1 $program
    expect "$wrong"        NEAP_ARENA=64Q $program
    expect "$wrong$unknown" NEAP_ARENNA=1 NEAP_ARENA=64Q $program
    expect 'neap: NEAP_CONF=absent is not there: going on without it\n' NEAP_CONF=absent $program
    printf 'retain = 120%%   # fine\narena = 3\n' >conf
    expect 'neap: conf:2: NEAP_ARENA=3 is not in the range from 1MiB to 1TiB: ignored\n' \
        NEAP_CONF=conf $program
done

# More rights than the user's: all of it is ignored, and nothing is said.
cp linked set_uid
if chown 65534 set_uid 2>/dev/null && chmod 4755 set_uid &&
    [ "$(./set_uid)" = 'secure 1, environment 0' ]; then
    secure=1
    expect ''              NEAP_ARENNA=1 NEAP_ARENA=64Q NEAP_CONF=conf ./set_uid
else
    echo "set-user-ID cannot be tried: it needs root, and a file system that allows it"
fi
exit $failed
