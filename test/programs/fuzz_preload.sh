#!/bin/sh
# The fuzzer's model against libc's malloc (the control: what it expects is what libc does) and
# against libneap.so.0 as it is delivered.
set -eu
build=$(cd "${NEAP_BUILD:-build}" && pwd)
fuzzer="$build/test/fuzz.malloc_of_process"
[ -x "$fuzzer" ] || { echo "built without cmocka"; exit 77; }
output=$(mktemp)
trap 'rm -f "$output"' EXIT

echo "libc:"
"$fuzzer" --ops 4000000 2>&1 | tee "$output"
grep -q 'on another malloc$' "$output" && grep -q 'PASSED  \] 1 test' "$output"
echo "neap, preloaded:"
LD_PRELOAD="$build/libneap.so.0" "$fuzzer" --ops 8000000 2>&1 | tee "$output"
grep -q 'on neap$' "$output" && grep -q 'PASSED  \] 1 test' "$output"
