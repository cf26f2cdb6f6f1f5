#!/bin/sh
# neap run: the library is really there, exit codes, signals, and commands it has to refuse.
. "$(dirname "$0")/cli_kit.sh"

# The library is mapped into the command and into what the command starts.
expect 0 run -- cat /proc/self/maps;             prints "$build/libneap.so.0"
expect 0 run -- sh -c 'cat /proc/self/maps';     prints "$build/libneap.so.0"
cat /proc/self/maps >"$work/out";                prints_not libneap   # negative control
expect 0 run cat /proc/self/maps;                prints libneap       # "--" may be left out

# What is preloaded already stays, behind ours.
printf 'int neap_test_other;\n' >"$work/other.c"
if cc -shared -o "$work/other.so" "$work/other.c" 2>"$work/err"; then
    LD_PRELOAD=$work/other.so expect 0 run -- sh -c 'echo "$LD_PRELOAD"; cat /proc/self/maps'
    prints "$build/libneap.so.0:$work/other.so"
    grep -q '^7.*other.so' "$work/out" || complain 'the other library is not mapped'
fi

# neap adds nothing to the output, and passes stdin on.
expect 0 run -- printf 'one\ntwo'
[ "$(cat "$work/out")" = "$(printf 'one\ntwo')" ] || complain 'stdout is not that of the command'
[ ! -s "$work/err" ] || complain 'neap wrote to stderr'
[ "$(echo tide | "$neap" run -- cat)" = tide ] || complain 'stdin does not arrive'

# Signals are blocked and ignored as they were for neap itself.
grep -E 'Sig(Blk|Ign)' /proc/self/status >"$work/plain"
expect 0 run -- grep -E 'Sig(Blk|Ign)' /proc/self/status
cmp -s "$work/plain" "$work/out" || complain 'signals are blocked or ignored in the command'

# Exit codes.
expect 0 run -- true
expect 1 run -- false
expect 42 run -- sh -c 'exit 42'
expect 137 run -- sh -c 'kill -KILL $$'
expect 139 run -- sh -c 'kill -SEGV $$'
expect 127 run -- no-such-command;      says "'no-such-command': no such command in PATH"
expect 127 run -- "$work/nothing";      says 'No such file or directory'
expect 126 run -- "$work";              says 'not a file that can be executed'
echo 'exit 3' >"$work/script"
expect 126 run -- "$work/script";       says 'chmod +x'
chmod +x "$work/script"
expect 3 run -- "$work/script"
printf '#!/no/interpreter\n' >"$work/script"
expect 126 run -- "$work/script";       says 'its interpreter is missing: /no/interpreter'
printf '#!/bin/sh\nexit 4\n' >"$work/script"
expect 4 run -- "$work/script"

# Commands on which preloading has no effect.
# An ELF head of 64 bytes: 64 bit, little-endian, executable, for machine $1 (two bytes).
elf_head() {
    printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000%b\001\000\000\000' "$1"
    head -c 40 /dev/zero
}
foreign='\0267\0000'   # aarch64
[ "$(uname -m)" = aarch64 ] && foreign='\0076\0000'   # x86-64
elf_head "$foreign" >"$work/foreign"
chmod +x "$work/foreign"
expect 125 run -- "$work/foreign";      says 'use a neap of that architecture'
printf '#!%s\n' "$work/foreign" >"$work/script"
expect 125 run -- "$work/script";       says "$work/foreign: built for 64-bit"

printf 'int main(void) { return 0; }\n' >"$work/static.c"
if cc -static -o "$work/static" "$work/static.c" 2>/dev/null; then
    expect 125 run -- "$work/static";   says 'statically linked'
fi
if cc -static-pie -o "$work/static" "$work/static.c" 2>/dev/null; then
    expect 125 run -- "$work/static";   says 'statically linked'
fi

cp /bin/true "$work/privileged"
chmod u+s "$work/privileged"
expect 125 run -- "$work/privileged";   says 'set-uid'
chmod u-s,g+s "$work/privileged"
expect 125 run -- "$work/privileged";   says 'set-gid'
chmod g-s "$work/privileged"
expect 0 run -- "$work/privileged"

# A library path that LD_PRELOAD cannot hold.
mkdir "$work/with space"
cp "$neap" "$build/libneap.so.0" "$work/with space"
"$work/with space/neap" run -- true 2>"$work/err"
[ $? -eq 125 ] || complain 'a path with a space is not refused'
says 'cannot stand in LD_PRELOAD'

# No library at all; one that is none; the places of an installed tree.
mkdir -p "$work/usr/bin" "$work/usr/lib"
cp "$neap" "$work/usr/bin"
"$work/usr/bin/neap" run -- true 2>"$work/err"
[ $? -eq 125 ] || complain 'a missing library is not noticed'
says 'build or install the library'
echo text >"$work/usr/lib/libneap.so.0"
"$work/usr/bin/neap" run -- true 2>"$work/err"
[ $? -eq 125 ] || complain 'a damaged library is not noticed'
says 'not an ELF library'
cp "$build/libneap.so.0" "$work/usr/lib/libneap.so.0"
"$work/usr/bin/neap" run -- cat /proc/self/maps >"$work/out" 2>"$work/err"
prints "$work/usr/lib/libneap.so.0"
finish
