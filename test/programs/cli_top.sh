#!/bin/sh
# neap top: tables without a terminal; and, where tmux is, screens of 80 by 24, keys, resizing.
. "$(dirname "$0")/cli_kit.sh"

pids=
stop_all() {
    for each in $pids; do kill "$each" 2>/dev/null; done
    tmux -L "neap-$$" kill-server 2>/dev/null
    rm -rf "$work"
}
trap stop_all EXIT
tmux_() { tmux -L "neap-$$" -f /dev/null "$@" 2>"$work/err"; }

# Takes 16 MiB, lets them go, and rests.
cat >"$work/program.c" <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    static char *blocks[1024];
    usleep(1500000);   // history begins when a process is a second old
    for (int i = 0; i < 1024; i++) {
        memset(blocks[i] = malloc(16384), 1, 16384);
        usleep(2000);
    }
    for (int i = 0; i < 1024; i++)
        free(blocks[i]);
    for (int i = 0; i < 600; i++)
        usleep(100000);
}
C
${CC:-gcc} -O0 -o "$work/waves" "$work/program.c" || complain cc
LD_PRELOAD=$build/libneap.so.0 "$work/waves" &
waves=$!
LD_PRELOAD=$build/libneap.so.0 sleep 60 &
sleeper=$!
pids="$waves $sleeper"
# Is the wave over? Then more was allocated than is not freed.
is_over() {
    "$neap" stat --json "$waves" 2>/dev/null >"$work/out" &&
        [ "$(sed 's/.*"frees": \([0-9]*\).*/\1/' "$work/out")" -gt 1000 ]
}
until is_over; do sleep 0.2; done

# ---- tables -----------------------------------------------------------------------------------

expect 0 top --batch -n 1
grep -qE "^ *$waves waves +[0-9.]+M +[0-9.]+M +[0-9.]+[KM]? " "$work/out" || complain 'top: no waves'
grep -qE "^ *$sleeper sleep " "$work/out" || complain 'top: no sleep'
[ "$(awk '{ if (length($0) > 80) print }' "$work/out")" = '' ] || complain 'wider than 80'
expect 0 top -b -n 2 -d 0.1 "$waves" "$sleeper"
[ "$(grep -c "^ *$waves " "$work/out")" -eq 2 ] || complain 'not two tables'
[ "$(grep -c 'RESIDENT\*' "$work/out")" -eq 2 ] || complain 'not sorted'
LC_ALL=C expect 0 top -b -n 1 "$waves"
prints "neap top  $waves waves"
prints 'free ready'
# The wave was before this began; the picture has it.
grep -qE '^objects .*[#*].* 0 B$' "$work/out" || complain 'no past'
LC_ALL=C.UTF-8 expect 0 top -b -n 1 "$waves"
prints '█'
expect 4 top -b 4194303
expect 4 top -b $$;             says 'does not run neap'
expect 2 top;                   says 'there is no terminal; neap top --batch needs none'
expect 2 top -b -n 0;           says '--count needs a whole number'
"$neap" top -b -d 0.05 >/dev/full 2>"$work/err"
[ $? -eq 1 ] || complain 'a full disk is not noticed'

# ---- a terminal -------------------------------------------------------------------------------

# on_screen PART / not_on_screen PART: within five seconds.
screen() { tmux_ capture-pane -p >"$work/out"; }
on_screen() {
    for _ in $(seq 50); do
        screen
        if grep -qE -- "$1" "$work/out"; then return; fi
        sleep 0.1
    done
    complain "screen lacks: $1"
}
press() { tmux_ send-keys "$@"; }

if command -v tmux >/dev/null; then
    tmux_ new-session -d -x 80 -y 24 \
        "NO_COLOR=1 LC_ALL=C.UTF-8 '$neap' top -d 0.2 $waves $sleeper; echo exit \$?; sleep 60"
    on_screen '^neap top  2 processes'
    on_screen 'RESIDENT\*'
    on_screen "^ *$waves waves"
    on_screen 'Enter closer'
    [ "$(awk '{ if (length($0) > 80) print }' "$work/out")" = '' ] || complain 'wider than 80'
    press '>'; on_screen ' HELD\*'
    press '<' '<'; on_screen ' NAME\*'
    press Enter; on_screen "^neap top  $sleeper sleep"
    press Escape; on_screen '2 processes'
    press Down Enter; on_screen "^neap top  $waves waves"
    on_screen '^objects .*█'
    on_screen '^= held '
    press Space; on_screen '\[frozen\]'
    head -n 1 "$work/out" >"$work/before"
    sleep 1.5
    screen
    head -n 1 "$work/out" | cmp -s - "$work/before" || complain 'frozen, the clock goes on'
    press '?'; on_screen 'sort by the column'
    press x; on_screen '\[frozen\]'
    press Space
    tmux_ resize-window -x 40 -y 8
    on_screen '^neap top  [0-9]+ waves'
    [ "$(wc -l <"$work/out")" -le 8 ] || complain 'longer than the screen'
    tmux_ resize-window -x 80 -y 24
    kill "$waves"
    on_screen 'has ended'
    press Escape; on_screen '1 process  '
    press q; on_screen 'exit 0'
    tmux_ new-window "TERM=no-such '$neap' top; echo exit \$?; sleep 60"
    on_screen "the terminal 'no-such' is not known"
    on_screen 'exit 1'
else
    echo 'tmux is not here: apt-get install tmux'
fi
finish
