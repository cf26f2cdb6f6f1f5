# What the tests share that run a program with and without neap; they source it. Sets $here, $build,
# $work (removed at exit), $cc.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc="${CC:-gcc} -std=gnu17 -O1 -g -D_GNU_SOURCE -fno-builtin -Wall -Wextra -Werror -pthread
    -I$here/../../include"
failed=0

# Skips the test where there is no C++ compiler. Sets $cxx.
need_cxx() {
    command -v g++ >/dev/null || { echo "no C++ compiler"; exit 77; }
    cxx="g++ -std=c++17 -O1 -g -fno-builtin -fsized-deallocation -Wall -Wextra
        -Wno-sized-deallocation"
}

# build_both NAME [FLAGS]: $work/program, and $work/program_with_neap with the static library
# linked in.
build_both() {
    name=$1
    shift
    $cc "$@" "$here/$name.c" -o "$work/program"
    $cc "$@" -rdynamic "$here/$name.c" "$build/libneap.a" -o "$work/program_with_neap"
}

# Runs them with WORDS, under neap.
run_under_neap() {
    echo "preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/program" "$@" || failed=1
    echo "linked in:"; "$work/program_with_neap" "$@" || failed=1
}

# Runs them in three ways at once, which print when all is done: libc's malloc is the control.
run_all_at_once() {
    "$work/program" libc >"$work/libc" 2>&1 & libc=$!
    LD_PRELOAD="$build/libneap.so.0" "$work/program" neap >"$work/preloaded" 2>&1 & preloaded=$!
    "$work/program_with_neap" neap >"$work/linked" 2>&1 & linked=$!
    wait $libc || failed=1
    echo "libc:"; cat "$work/libc"
    wait $preloaded || failed=1
    echo "preloaded:"; cat "$work/preloaded"
    wait $linked || failed=1
    echo "linked in:"; cat "$work/linked"
}
