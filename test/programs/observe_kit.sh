# Programs under neap for others to look at: observe.c, started and ended. After cli_kit.sh.
source=$(dirname "$0")/observe.c
# compile WORDS: words for the compiler besides the source.
compile() {
    ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror "$source" -pthread "$@" || exit 1
}
mkfifo "$work/fifo"

pids=
stop_all() {
    for each in $pids; do kill -9 "$each" 2>/dev/null; done
    rm -rf "$work"
}
trap stop_all EXIT

# begin PROGRAM [WORDS]: starts it, under neap unless it is static; $pid, once it says "ready".
begin() {
    program=$1
    shift
    preload=$build/libneap.so.0
    [ "$program" != static ] || preload=
    [ -z "${without:-}" ] || preload=
    LD_PRELOAD=$preload "$work/$program" "$@" >"$work/fifo" 2>/dev/null &
    pid=$!
    pids="$pids $pid"
    read -r ready <"$work/fifo"
    [ "$ready" = ready ] || complain "$program did not start"
}
