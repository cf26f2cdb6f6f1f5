#!/bin/sh
# neap doctor: programs that can and cannot have neap, environments, processes, images.
. "$(dirname "$0")/cli_kit.sh"

# says_line LEVEL TEXT / mends TEXT: a finding, or what mends one, in the last neap's stdout.
says_line() {
    grep -qE -- "^$1 +.*$2" "$work/out" || complain "no finding: $1 $2"
}
mends() {
    grep -qF -- "fix: $1" "$work/out" || complain "nothing mends: $1"
}
unset LD_PRELOAD MALLOC_CONF GLIBC_TUNABLES

cat >"$work/program.c" <<'C'
int main(void) { return 0; }
C
cat >"$work/own.c" <<'C'
#include <stddef.h>
static char memory[64];
void *malloc(size_t n) { (void)n; return memory; }
int mallctl(void) { return 0; }
int main(void) { return malloc(1) == NULL; }
C
# program NAME CC-OPTIONS...
program() {
    name=$1
    shift
    ${CC:-gcc} -fno-builtin "$work/program.c" -o "$work/$name" "$@" 2>"$work/err" || complain "cc $name"
}

# ---- programs ---------------------------------------------------------------------------------

program plain
expect 0 doctor "$work/plain"
says_line ok "$work/plain: can be preloaded"
says_line ok 'no allocator of its own'
program static -static
expect 3 doctor "$work/static"
says_line fail 'statically linked'
mends 'link the program with -lneap'
cp "$work/plain" "$work/set-uid"
chmod u+s "$work/set-uid"
expect 3 doctor "$work/set-uid"
says_line fail 'set-uid'
cp "$work/plain" "$work/foreign"
printf '\363\000' | dd of="$work/foreign" bs=1 seek=18 conv=notrunc 2>/dev/null
expect 3 doctor "$work/foreign"
says_line fail 'built for 64-bit riscv'
mends 'install libneap0 for that architecture'
${CC:-gcc} -fno-builtin -Dmalloc=own_malloc "$work/own.c" -o "$work/inside" || complain 'cc'
expect 0 doctor "$work/inside"
says_line warn 'has jemalloc inside'
${CC:-gcc} -fno-builtin "$work/own.c" -o "$work/exports" || complain 'cc'
expect 3 doctor "$work/exports"
says_line fail 'brings its own malloc \(jemalloc\)'
${CC:-gcc} "$work/program.c" -o "$work/linked" -Wl,--no-as-needed "$build/libneap.so.0" || complain 'cc'
expect 0 doctor "$work/linked"
says_line ok 'linked with neap already'
head -c 3000 "$work/plain" >"$work/cut"
chmod +x "$work/cut"
"$neap" doctor "$work/cut" >"$work/out" 2>"$work/err"   # whatever is said, it is said
[ $? -le 3 ] || complain 'a file that is cut off'
expect 3 doctor no-such-command
says_line fail 'no such command in PATH'

# ---- environments -----------------------------------------------------------------------------

NEAP_LIMT=5M expect 0 doctor "$work/plain"
says_line warn 'NEAP_LIMT: neap has no such option'
mends 'NEAP_LIMIT=5M'
NEAP_RETAIN=5 expect 0 doctor "$work/plain"
says_line warn 'NEAP_RETAIN=5: out of range'
mends 'neap config NEAP_RETAIN'
NEAP_DISABLE=1 expect 3 doctor "$work/plain"
says_line fail 'neap stands aside'
NEAP_LIMIT=1GiB NEAP_NO_COLOR=1 expect 0 doctor "$work/plain"
prints_not warn
for option in MALLOC_ARENA_MAX=2 MALLOC_CONF=background_thread:true \
    GLIBC_TUNABLES=glibc.malloc.trim_threshold=1 MIMALLOC_PURGE_DELAY=1; do
    env "$option" "$neap" doctor "$work/plain" >"$work/out" 2>"$work/err" || complain "$option"
    says_line warn "$option: no effect under neap"
    mends 'the nearest option: '
done
GLIBC_TUNABLES=glibc.cpu.x=1 expect 0 doctor "$work/plain"
prints_not warn
# The loader speaks up itself about what it cannot load.
LD_PRELOAD=$work/none/libneap.so.0 "$neap" doctor "$work/plain" >"$work/out" 2>/dev/null
[ $? -eq 3 ] || complain 'LD_PRELOAD names nothing, and that is fine?'
says_line fail 'LD_PRELOAD names .*/none/libneap.so.0: No such file'
mends 'LD_PRELOAD=libneap.so.0'
LD_PRELOAD=libjemalloc.so.2 "$neap" doctor "$work/plain" >"$work/out" 2>/dev/null
says_line warn 'another allocator, libjemalloc.so.2'

# ---- processes --------------------------------------------------------------------------------

# begin COMMAND...: starts it and waits until it sleeps in its own code; $pid.
begin() {
    "$@" &
    pid=$!
    until [ "$(cat "/proc/$pid/comm")" = sleep ] && grep -q 'nanosleep\|S (sleeping)' "/proc/$pid/status"; do
        sleep 0.05
    done
}
end() {
    kill "$pid"
    wait "$pid" 2>/dev/null
}
begin env LD_PRELOAD="$build/libneap.so.0" MALLOC_ARENA_MAX=1 sleep 60
expect 0 doctor "$pid"
says_line ok "process $pid \(sleep\) runs neap .*libneap.so"
says_line warn 'MALLOC_ARENA_MAX=1: no effect'
end
cp "$build/libneap.so.0" "$work/libneap.so.0"
begin env LD_PRELOAD="$work/libneap.so.0" sleep 60
rm "$work/libneap.so.0"
expect 3 doctor "$pid"
says_line warn 'was replaced or removed'
mends 'restart it when it suits'
says_line fail 'LD_PRELOAD names .*No such file'   # its children will miss it
end
begin sleep 60
expect 3 doctor "$pid"
says_line fail "process $pid does not run neap"
mends 'start it again: neap run'
says_line ok 'can be preloaded'
end
expect 4 doctor 4194303;        says 'there is no process 4194303'

# ---- the machine, images, the rest ------------------------------------------------------------

expect 0 doctor
says_line ok 'pages of'
(ulimit -v 500000; exec "$neap" doctor --system) >"$work/out" 2>"$work/err"
says_line warn 'address space is limited to'
mends 'NEAP_ARENA=4MiB'

image=$work/image
mkdir -p "$image/usr/bin" "$image/lib64" "$image/usr/lib/x86_64-linux-gnu" "$image/etc"
expect 3 doctor --image "$image"
says_line fail 'has no loader'
touch "$image/lib64/ld-linux-x86-64.so.2"
expect 3 doctor --image "$image"
says_line fail 'libneap.so.0 is not in the image'
mends 'RUN apt-get install -y libneap0'
cp "$build/libneap.so.0" "$image/usr/lib/x86_64-linux-gnu/"
cp "$work/plain" "$image/usr/bin/server.real"
ln -s /usr/bin/server.real "$image/usr/bin/server"   # a link that starts at the image's root
expect 0 doctor --image "$image" /usr/bin/server
says_line ok "$image/usr/bin/server.real: can be preloaded"
printf '#!/bin/interpreter\n' >"$image/usr/bin/script"
chmod +x "$image/usr/bin/script"
expect 3 doctor --image "$image" /usr/bin/script
says_line fail 'interpreter is missing: .*bin/interpreter'
mv "$image/lib64" "$image/lib64.away"
mkdir "$image/lib"
touch "$image/lib/ld-musl-x86_64.so.1"
expect 3 doctor --image "$image"
says_line fail 'is built on musl'
expect 2 doctor --image "$work/nowhere"; says '--image: '

expect 3 doctor --json "$work/static"
/usr/bin/python3 -c '
import json, sys
found = json.load(open(sys.argv[1]))
assert found["schema"] == "neap.doctor/1" and found["works"] is False, found
assert found["findings"][0]["level"] == "fail" and found["findings"][0]["fix"], found
' "$work/out" || complain '--json'
expect 2 doctor a b;            says "doctor takes one word"
finish
