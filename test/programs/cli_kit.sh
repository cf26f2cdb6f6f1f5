# What the tests of the command line share; they source it. Sets $neap, $work (removed at exit).
set -u

build=${NEAP_BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
neap=$build/neap
[ -x "$neap" ] || { echo "$neap is not there: make"; exit 1; }
[ -e "$build/libneap.so.0" ] || { echo "$build/libneap.so.0 is not there: make"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
    echo "FAIL $1"
    sed 's/^/     | /' "$work/out" "$work/err" 2>/dev/null | head -n 40
    failed=$((failed + 1))
}

# expect CODE WORDS...: runs neap with WORDS; its stdout and stderr go to $work/out and $work/err.
expect() {
    wanted=$1
    shift
    "$neap" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    [ "$code" -eq "$wanted" ] || complain "neap $*: exit $code instead of $wanted"
}

# says PART: the last neap wrote exactly one line to stderr, and PART is in it.
says() {
    [ "$(wc -l <"$work/err")" -eq 1 ] || complain "not one line on stderr, for: $1"
    grep -qF -- "$1" "$work/err" || complain "stderr lacks: $1"
}

# prints PART / prints_not PART: PART is, or is not, in the last neap's stdout.
prints() {
    grep -qF -- "$1" "$work/out" || complain "stdout lacks: $1"
}
prints_not() {
    if grep -qF -- "$1" "$work/out"; then complain "stdout has: $1"; fi
}

finish() {
    [ "$failed" -eq 0 ] || { echo "$failed failed"; exit 1; }
    exit 0
}

# The names of all commands.
commands() { "$neap" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
