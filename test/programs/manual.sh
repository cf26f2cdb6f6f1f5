#!/bin/sh
# The manual pages are built, installed in the folder of their section, and sound.
set -eu
build=$(cd "${NEAP_BUILD:-build}" && pwd)
failed=0

for source in "$(dirname "$0")"/../../docs/man/*.scd; do
    page=$(basename "$source" .scd)
    if [ ! -s "$build/docs/man/$page" ]; then
        echo "FAIL $page is not built"
        failed=1
        continue
    fi
    meson introspect "$build" --installed | grep -q "/man${page##*.}/$page\"" ||
        { echo "FAIL $page is not installed"; failed=1; }
    # scdoc writes more paragraph macros than there are paragraphs; that changes nothing.
    mandoc -T lint -W warning "$build/docs/man/$page" | grep -v ': skipping paragraph macro: PP ' &&
        { echo "FAIL $page"; failed=1; }
done
exit $failed
