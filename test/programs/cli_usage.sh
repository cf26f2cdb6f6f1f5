#!/bin/sh
# neap: help, version, and one clear line for everything that is wrong on the command line.
. "$(dirname "$0")/cli_kit.sh"

expect 0 --help;                prints 'Commands:'; prints 'neap run -- ./server'
expect 0 help;                  prints 'Commands:'
expect 2;                       prints_not 'Commands:'   # what nobody asked for is not output
for command in $(commands); do
    expect 0 $command --help;   prints "Usage: neap $command"; prints '--help'
    cp "$work/out" "$work/help"
    expect 0 help $command
    cmp -s "$work/help" "$work/out" || complain "neap help $command and $command --help differ"
done
for topic in exit-codes preload words; do
    expect 0 help $topic
    [ -s "$work/out" ] || complain "neap help $topic is empty"
done

expect 0 version;               prints "library $build/libneap.so.0"
expect 0 --version;             prints 'neap '
expect 0 version --json
[ "$(sed 's/"version": "[0-9.]*"/"version": N/' "$work/out")" = \
    "{\"schema\": \"neap.version/1\", \"version\": N, \"library\": \"$build/libneap.so.0\"}" ] ||
    complain 'neap version --json'
expect 2 version 1;             says "'1': version takes no operands"
expect 2 help run try;          says "'try': help takes one word"
expect 2 --help=x;              says 'unknown option --help=x'

# Without its library neap still says which one it is.
mkdir "$work/alone"
cp "$neap" "$work/alone"
"$work/alone/neap" version >"$work/out" 2>"$work/err"
[ $? -eq 125 ] || complain 'a missing library is not an error of neap version'
prints 'neap '
says 'no libneap.so.0 in'
"$work/alone/neap" version --json >"$work/out" 2>"$work/err"
prints '"version": '
prints_not library

expect 2 rnu;                   says "unknown command 'rnu'; did you mean neap run?"
expect 2 ./server;              says 'to start a program: neap run -- ./server'
expect 2 --frobnicate;          says 'unknown option --frobnicate'
expect 2 help exit-code;        says 'did you mean exit-codes?'
expect 2 help nonsense;         says 'neap help lists them'
expect 2 run;                   says 'no command given'
expect 2 run --;                says 'no command given'
expect 2 run --sumary -- true;  says 'unknown option --sumary; did you mean --summary?'
expect 2 run -q -- true;        says 'unknown option -q'
expect 2 run --svg;             says '--svg needs a value'
expect 2 run --summary=1 true;  says '--summary takes no value'
expect 2 try -n 0 -- true;      says "--runs needs a whole number from 1 to 99, not '0'"
expect 2 try -n two -- true;    says "not 'two'"
expect 2 try --settle 1h true;  says "--settle needs a number of seconds"
expect 2 run --svg "$work/no/a.svg" -- touch "$work/started"
says "--svg: cannot write $work/no/a.svg: No such file or directory"
expect 2 try --json="$work" -- touch "$work/started"
says "--json: cannot write $work: Is a directory"
[ ! -e "$work/started" ] || complain 'a command was started though its result had no place'

"$neap" help words >/dev/full 2>"$work/err"
[ $? -eq 1 ] || complain 'a full disk behind stdout is not noticed'
finish
