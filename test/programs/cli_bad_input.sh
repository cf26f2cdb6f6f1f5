#!/bin/sh
# neap run and try: what cannot be started, what preloading cannot reach, where results cannot go.
# One line on stderr says it, the exit code is the documented one, and nothing was started.
. "$(dirname "$0")/cli_kit.sh"

is_root() { [ "$(id -u)" -eq 0 ]; }

# refused CODE PART FILE: run and try refuse to start FILE, with PART in the line.
refused() {
    for command in run try; do
        expect "$1" $command -- "$3" "$work/started"
        says "neap $command: "
        says "$2"
    done
}

# program NAME CC-OPTIONS...: a program that leaves a trace when it is started.
cat >"$work/program.c" <<'C'
#include <stdio.h>
int main(int argc, char **argv) { return argc > 1 ? fopen(argv[1], "w") == NULL : 0; }
C
program() {
    name=$1
    shift
    ${CC:-gcc} "$work/program.c" -o "$work/$name" "$@" 2>"$work/err"
}

# Not there, or nothing that can be executed.
refused 127 "'no-such-command': no such command in PATH" no-such-command
refused 127 "'': no such command in PATH" ''
refused 127 'No such file or directory' "$work/nothing"
refused 126 'not a file that can be executed' "$work"
refused 126 'chmod +x makes it executable' "$work/program.c"
printf '\177ELF' >"$work/cut"
chmod +x "$work/cut"
refused 126 'a damaged ELF file: its header is cut off' "$work/cut"
printf '#!\nexit 0\n' >"$work/script"
chmod +x "$work/script"
refused 126 'its #! line names no interpreter' "$work/script"
printf '#!/no/interpreter\n' >"$work/script"
refused 126 'its interpreter is missing: /no/interpreter' "$work/script"
printf '#!%s\n' "$work/program.c" >"$work/script"
refused 126 "$work/program.c: Permission denied; chmod +x" "$work/script"
program other-system -Wl,--dynamic-linker=/no/ld.so || complain 'cc'
refused 126 'its loader is missing: /no/ld.so; it was built for another system' "$work/other-system"

# Where preloading has no effect.
if program static -static; then
    refused 125 'statically linked, so no library can be preloaded; link it with -lneap' "$work/static"
    printf '#!%s\n' "$work/static" >"$work/script"
    refused 125 "$work/static: statically linked" "$work/script"
fi
if command -v musl-gcc >/dev/null && musl-gcc "$work/program.c" -o "$work/musl" 2>"$work/err"; then
    refused 125 'but libneap is built for glibc' "$work/musl"
fi
program plain || complain 'cc'
cp "$work/plain" "$work/privileged"
chmod u+s "$work/privileged"
refused 125 'set-uid, and for such files the loader drops LD_PRELOAD; use a copy' "$work/privileged"
chmod u-s,g+s "$work/privileged"
refused 125 'set-gid, and for such files' "$work/privileged"
chmod g-s "$work/privileged"
if is_root && command -v setcap >/dev/null && setcap cap_net_raw+ep "$work/privileged"; then
    refused 125 'given file capabilities, and for such files' "$work/privileged"
fi
# The same program for others: byte 5 is the class, bytes 19 and 20 are the machine.
foreign() {
    cp "$work/plain" "$work/foreign"
    printf "$2" | dd of="$work/foreign" bs=1 seek="$1" conv=notrunc 2>/dev/null
    refused 125 "$3" "$work/foreign"
}
foreign 18 '\363\000' 'built for 64-bit riscv, but this neap and its library are for 64-bit'
foreign 4 '\001' 'built for 32-bit'
foreign 18 '\001\002' 'built for 64-bit machine 513'

if is_root && unshare -m true 2>/dev/null; then
    mkdir "$work/noexec"
    unshare -m sh -c 'mount -t tmpfs -o noexec none "$1" && cp "$2" "$1/plain" &&
        exec "$3" run -- "$1/plain"' sh "$work/noexec" "$work/plain" "$neap" 2>"$work/err"
    [ $? -eq 126 ] || complain 'a file system mounted noexec'
    says 'mounted noexec'
    unshare -m sh -c 'umount -l /proc && exec "$1" run -- true' sh "$neap" 2>"$work/err"
    [ $? -eq 125 ] || complain 'no /proc'
    says 'is /proc mounted?'
fi

# Results that cannot be written, said before anything is started.
for option in 'run --timeline=' 'run --svg=' 'try --svg=' 'try --json='; do
    for place in "$work/no/file" "$work"; do
        expect 2 $option"$place" -- "$work/plain" "$work/started"
        says "cannot write $place: "
        says 'name a file in a folder that exists and is yours'
    done
done
if is_root && command -v setpriv >/dev/null; then
    mkdir -m 755 "$work/theirs"
    chmod 755 "$work"
    setpriv --reuid 65534 --clear-groups "$neap" run --svg "$work/theirs/a.svg" -- \
        "$work/plain" "$work/started" 2>"$work/err"
    [ $? -eq 2 ] || complain 'a folder of another user'
    says 'Permission denied; name a file'
fi
TMPDIR=$work/nowhere expect 125 run --summary -- "$work/plain" "$work/started"
says 'cannot create a temporary folder: No such file or directory; set TMPDIR'
[ ! -e "$work/started" ] || complain 'something was started'

# Results that could not be written to the end, and results for which there is no place at all.
expect 125 run --timeline /dev/full -- "$work/plain"
says 'cannot write all of /dev/full: No space left on device; is the disk full?'
expect 125 try -n 1 --svg /dev/full -- "$work/plain"
says 'cannot write all of /dev/full'
expect 125 try -n 1 --json=/dev/full -- "$work/plain"
says 'cannot write all of /dev/full'
"$neap" try -n 1 --json -- "$work/plain" >/dev/full 2>"$work/err"
[ $? -eq 1 ] || complain 'a full disk behind the stdout of try'
says 'cannot write to stdout: No space left on device'
"$neap" version >&- 2>"$work/err"
[ $? -eq 1 ] || complain 'a closed stdout is a success'
says 'cannot write to stdout: Bad file descriptor'
"$neap" run --timeline "$work/t.csv" --frobnicate -- true 2>&-   # nobody can be told
[ $? -eq 2 ] || complain 'a closed stderr changes the exit code'
"$neap" run --summary --timeline "$work/t.csv" -- "$work/plain" 2>&-
[ "$(head -c 7 "$work/t.csv")" = seconds ] && ! grep -q neap "$work/t.csv" ||
    complain 'messages went into a result'
# The command finds closed what was closed.
"$neap" run -- sh -c 'echo x >&2' 2>&- && complain 'stderr is open'
finish
