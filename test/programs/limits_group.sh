#!/bin/sh
# limits_group.c in a memory control group (version 1) of its own. What becomes of it under libc and
# without the soft limit is only printed: both are mostly killed. With it neap must come through.
# Skipped where no group can be made, as without root.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
limit_mib=${1:-128}

own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup 2>/dev/null || true)
group=/sys/fs/cgroup/memory$own/neap_test_$$
[ -d "/sys/fs/cgroup/memory$own" ] || group=/sys/fs/cgroup/memory/neap_test_$$
trap 'rmdir "$group" 2>/dev/null || true; rm -rf "$work"' EXIT
if ! mkdir "$group" 2>/dev/null ||
    ! echo $((limit_mib << 20)) 2>/dev/null >"$group/memory.limit_in_bytes"; then
    echo "skipped: no memory control group of version 1 can be made here"
    exit 0
fi

${CC:-gcc} -std=gnu17 -O1 -g -Wall -Wextra -Werror "$here/limits_group.c" -o "$work/program"

# Runs the program in the group; $1 is preloaded.
run() {
    sh -c 'echo $$ >"$1/cgroup.procs" && LD_PRELOAD=$2 exec "$3"' sh "$group" "$1" "$work/program"
}

printf 'libc: '
run '' 2>/dev/null && echo 'done' || echo 'killed'
printf 'neap without a limit: '
NEAP_LIMIT=off run "$build/libneap.so.0" 2>/dev/null && echo 'done' || echo 'killed'
printf 'neap: '
run "$build/libneap.so.0" 2>/dev/null
echo 'done'
