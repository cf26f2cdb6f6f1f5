#!/bin/sh
# make deb: the packages, unpacked into a folder of their own, work from there.
. "$(dirname "$0")/cli_kit.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in dpkg-buildpackage dh fakeroot; do
    command -v $tool >/dev/null || { echo "$tool is not here: dev/setup deb"; exit 0; }
done
git -C "$root" rev-parse --git-dir >/dev/null 2>&1 || { echo 'not in a tree of git'; exit 0; }

(unset MAKEFLAGS LD_PRELOAD; "$root/dev/deb" "$work/packages") >"$work/out" 2>"$work/err" ||
    complain 'dev/deb, or lintian'
for package in libneap0 libneap-dev neap; do
    prints "${package}_"
    dpkg-deb -x "$work/packages/${package}"_*.deb "$work/root" || complain "unpack $package"
    dpkg-deb -c "$work/packages/${package}"_*.deb | awk '{ print $6 }' | grep -v '/$' >"$work/$package"
done
# has PACKAGE FILE
has() {
    grep -q "^\./usr/$2" "$work/$1" || complain "$1 lacks $2"
}
has libneap0 'lib/.*/libneap.so.0$'
has libneap-dev 'lib/.*/libneap.so$'
has libneap-dev 'lib/.*/libneap.a$'
has libneap-dev 'lib/.*/pkgconfig/neap.pc$'
has libneap-dev 'include/neap/neap.h$'
has libneap-dev 'share/man/man3/neap.3.gz$'
has neap 'bin/neap$'
has neap 'share/man/man1/neap.1.gz$'
has neap 'share/man/man7/neap-env.7.gz$'
has neap 'share/bash-completion/completions/neap$'
has neap 'share/zsh/vendor-completions/_neap$'
has neap 'share/neap/neap-alerts.yml$'
sort "$work/libneap0" "$work/libneap-dev" "$work/neap" | uniq -d >"$work/out"
[ ! -s "$work/out" ] || complain 'a file is in two packages'
dpkg-deb -f "$work/packages"/libneap0_*.deb Depends >"$work/out"
[ "$(sed 's/ ([^)]*)//g' "$work/out")" = libc6 ] || complain 'libneap0 depends on more than libc6'

neap=$work/root/usr/bin/neap
library=$(find "$work/root/usr/lib" -name libneap.so.0)
expect 0 version
prints "library $library"
expect 0 run -- grep -c 'libneap' /proc/self/maps
expect 0 size 100
: >"$work/err"
find "$work/root" -name '*.so*' -type f | xargs readelf -d | grep -E 'RPATH|RUNPATH' >"$work/out" &&
    complain 'a search path is built in'
finish
