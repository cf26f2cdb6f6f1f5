#!/bin/sh
# own_delete.cc under libc's malloc (the control) and under neap; skipped where there is no C++
# compiler.
. "$(dirname "$0")/program_kit.sh"
need_cxx

for way in PLAIN ALIGNED NEW_ARRAY_ONLY; do
    echo "operators of its own, $way:"
    $cxx -D$way "$here/own_delete.cc" -o "$work/own_delete"
    "$work/own_delete"
    LD_PRELOAD="$build/libneap.so.0" "$work/own_delete"
done

# A library whose operators nobody else sees: its new takes more than it is asked for.
echo "operators hidden in a library:"
echo '{ global: use_own_new; local: *; };' >"$work/exported"
$cxx -shared -fPIC -DLIBRARY -Wl,--version-script="$work/exported" "$here/hidden_new.cc" \
    -o "$work/libhidden.so"
$cxx "$here/hidden_new.cc" "$work/libhidden.so" -Wl,-rpath,"$work" -o "$work/hidden_new"
"$work/hidden_new"
LD_PRELOAD="$build/libneap.so.0" "$work/hidden_new"

# But nothing is as large as that.
if (ulimit -c 0; LD_PRELOAD="$build/libneap.so.0" "$work/hidden_new" more) 2>"$work/said"; then
    echo "a delete with more than there is went unnoticed"
    exit 1
fi
grep -q 'operator delete(0x[0-9a-f]*): wrong size' "$work/said" || { cat "$work/said"; exit 1; }
