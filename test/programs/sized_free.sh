#!/bin/sh
# sized_free.cc under neap, preloaded and linked in; skipped where there is no C++ compiler.
. "$(dirname "$0")/program_kit.sh"
need_cxx

$cxx "$here/sized_free.cc" -o "$work/program"
$cxx -rdynamic "$here/sized_free.cc" "$build/libneap.a" -o "$work/program_with_neap"
run_under_neap
exit $failed
