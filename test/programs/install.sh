#!/bin/sh
# make install and uninstall; users of what is installed, by pkg-config and CMake; and which name
# of its library the installed neap preloads.
. "$(dirname "$0")/cli_kit.sh"
source=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$source/../.." && pwd)
cc=${CC:-gcc}
version=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$root/meson.build")

# make_into WORDS...: make in a build directory of our own, without the tests.
make_into() {
    (cd "$root" && unset MAKEFLAGS && make --no-print-directory BUILD="$work/build" "$@") \
        >"$work/out" 2>"$work/err" || { complain "make $*"; finish; }
}
# installed FOLDER: the files below it, sorted.
installed() { (cd "$1" && find . -type f -o -type l | sed 's/^..//' | LC_ALL=C sort); }

CC=$cc meson setup "$work/build" "$root" -Ddevelopment=false >"$work/out" 2>"$work/err" ||
    complain 'meson setup'
prefix=$work/usr
make_into prefix="$prefix" install
cat >"$work/expected" <<LIST
bin/neap
include/neap/neap.h
include/neap/page.h
include/neap/pageheap.h
lib/cmake/neap/neap-config-version.cmake
lib/cmake/neap/neap-config.cmake
lib/libneap.a
lib/libneap.so
lib/libneap.so.0
lib/libneap.so.$version
lib/pkgconfig/neap.pc
share/bash-completion/completions/neap
share/fish/vendor_completions.d/neap.fish
share/man/man1/neap.1
share/man/man3/neap.3
share/man/man7/neap-env.7
share/man/man7/neap-metrics.7
share/neap/neap-alerts.yml
share/neap/neap-dashboard.json
share/zsh/site-functions/_neap
LIST
installed "$prefix" | diff "$work/expected" - >"$work/out" || complain 'other files are installed'
[ "$(readlink "$prefix/lib/libneap.so.0")" = "libneap.so.$version" ] || complain 'libneap.so.0'
readelf -d "$prefix/lib/libneap.so.0" | grep -q 'SONAME.*\[libneap.so.0\]' || complain 'SONAME'
readelf -d "$prefix/lib/libneap.so.0" "$prefix/bin/neap" | grep -E 'RPATH|RUNPATH' >"$work/out" &&
    complain 'a search path is built in'
for shell in bash:bash-completion/completions/neap zsh:zsh/site-functions/_neap \
    fish:fish/vendor_completions.d/neap.fish; do
    "$prefix/bin/neap" completion "${shell%%:*}" | cmp -s - "$prefix/share/${shell#*:}" ||
        complain "the completion of ${shell%%:*}"
done

# ---- users of the library ---------------------------------------------------------------------

# is_linked HOW PROGRAM: it runs on neap, linked that way.
is_linked() {
    LD_LIBRARY_PATH=$prefix/lib "$2" >"$work/out" 2>"$work/err" || complain "$2 does not work"
    [ "$(cat "$work/out")" = "$1" ] || complain "$2 is not $1"
}
cp "$source/install_user.c" "$work/user.c"
cp "$source/install_user.c" "$work/user.cc"

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
[ "$(pkg-config --modversion neap)" = "$version" ] || complain 'pkg-config: the version'
flags=$(pkg-config --cflags neap)
# link HOW COMPILER WORDS...
link() {
    how=$1
    shift
    if "$@" -o "$work/user" 2>"$work/err"; then is_linked "$how" "$work/user"; else complain "$*"; fi
}
link dynamic $cc -Wall -Werror "$work/user.c" $flags $(pkg-config --libs neap)
link dynamic g++ -Wall -Werror "$work/user.cc" $flags $(pkg-config --libs neap)
link static $cc -static "$work/user.c" $flags $(pkg-config --static --libs neap)
link static g++ -static "$work/user.cc" $flags $(pkg-config --static --libs neap)
# libneap alone static, the rest dynamic.
link static $cc "$work/user.c" $flags "$(pkg-config --variable=static_library neap)" -pthread
unset PKG_CONFIG_PATH

# uses_cmake PREFIX: four programs, and what is not to be found.
uses_cmake() {
    rm -rf "$work/cmake"
    mkdir "$work/cmake"
    cat >"$work/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(user C CXX)
foreach(version 0.2 1.0 0.0.9 0.1.999)
  find_package(neap ${version} QUIET)
  if(neap_FOUND)
    message(FATAL_ERROR "neap ${version} is found")
  endif()
endforeach()
find_package(neap 0.1 REQUIRED)
find_package(neap REQUIRED)   # a second time, as in larger projects
foreach(target neap neap_static)
  add_executable(c_${target} ../user.c)
  add_executable(cc_${target} ../user.cc)
  target_link_libraries(c_${target} PRIVATE neap::${target})
  target_link_libraries(cc_${target} PRIVATE neap::${target})
endforeach()
target_link_options(cc_neap_static PRIVATE -static)
CMAKE
    if ! { CC=$cc cmake -DCMAKE_PREFIX_PATH="$1" -S "$work/cmake" -B "$work/cmake/build" &&
        cmake --build "$work/cmake/build"; } >"$work/out" 2>"$work/err"; then
        complain "cmake with $1"
        return
    fi
    for language in c cc; do
        is_linked dynamic "$work/cmake/build/${language}_neap"
        is_linked static "$work/cmake/build/${language}_neap_static"
    done
}
if command -v cmake >/dev/null; then
    uses_cmake "$prefix"
    mv "$prefix/lib/libneap.a" "$work/away.a"
    cmake -DCMAKE_PREFIX_PATH="$prefix" -S "$work/cmake" -B "$work/cmake/other" >"$work/out" 2>&1 &&
        complain 'cmake does not miss libneap.a'
    grep -q 'libneap.a is missing' "$work/out" || complain 'cmake does not say what is missing'
    mv "$work/away.a" "$prefix/lib/libneap.a"
else
    echo 'cmake is not here'
fi

# ---- the name that neap preloads --------------------------------------------------------------

preloads() { "$prefix/bin/neap" run -- printenv LD_PRELOAD; }
real=$(cd "$prefix/lib" && pwd -P)
[ "$(preloads)" = "$real/libneap.so.0" ] || complain 'not the path, where the loader does not look'
[ "$(LD_LIBRARY_PATH=$prefix/lib preloads)" = "$real/libneap.so.0" ] ||
    complain 'a bare name, which holds only as long as LD_LIBRARY_PATH does'
if [ "$(id -u)" -eq 0 ] && [ -e /etc/ld.so.cache ] && unshare -m true 2>/dev/null; then
    # preloads_with FOLDERS...: with a loader's cache that knows these folders first.
    preloads_with() {
        printf '%s\n' "$@" 'include /etc/ld.so.conf' >"$work/ld.so.conf"
        ldconfig -X -C "$work/ld.so.cache" -f "$work/ld.so.conf" 2>"$work/err"
        unshare -m sh -c 'mount --bind "$1" /etc/ld.so.cache && exec "$2" run -- printenv LD_PRELOAD' \
            sh "$work/ld.so.cache" "$prefix/bin/neap"
    }
    [ "$(preloads_with "$prefix/lib")" = libneap.so.0 ] || complain 'the cache is not made use of'
    mkdir "$work/old"
    cp "$prefix/lib/libneap.so.0" "$work/old"
    [ "$(preloads_with "$work/old" "$prefix/lib")" = "$real/libneap.so.0" ] ||
        complain 'the bare name would preload another libneap'
else
    echo 'the cache of the loader cannot be replaced here'
fi

# ---- folders of one's own, and away again -----------------------------------------------------

make_into prefix="$prefix" uninstall
[ -z "$(installed "$prefix")" ] || complain 'something is left after uninstall'
[ ! -e "$prefix/include/neap" ] && [ ! -e "$prefix/lib/cmake/neap" ] ||
    complain 'a folder of neap is left after uninstall'

stage=$work/stage
touch "$work/not-ours"
make_into prefix=/usr libdir=/usr/lib/x86_64-linux-gnu mandir=/usr/man DESTDIR="$stage" install
for path in bin/neap lib/x86_64-linux-gnu/libneap.so.0 man/man1/neap.1 \
    lib/x86_64-linux-gnu/cmake/neap/neap-config.cmake; do
    [ -e "$stage/usr/$path" ] || complain "DESTDIR: $path"
done
grep -rlF "$stage" "$stage" >"$work/out" && complain 'the path of the stage is in a file'
grep -rlF "$root" --include='*.pc' --include='*.cmake' "$stage" >"$work/out" &&
    complain 'the path of the sources is in a file'
[ "$(PKG_CONFIG_PATH=$stage/usr/lib/x86_64-linux-gnu/pkgconfig pkg-config --variable=prefix neap)" \
    = /usr ] || complain 'the prefix of neap.pc'
"$stage/usr/bin/neap" version >"$work/out" 2>"$work/err"
case $(uname -m) in x86_64) prints "library $stage/usr/lib/x86_64-linux-gnu/libneap.so.0" ;; esac
if command -v cmake >/dev/null; then
    prefix=$stage/usr
    mkdir -p "$prefix/lib"
    ln -s x86_64-linux-gnu/libneap.so.0 "$prefix/lib"   # for is_linked
    uses_cmake "$prefix"
    rm "$prefix/lib/libneap.so.0"
fi
cp "$work/not-ours" "$stage/usr/lib/x86_64-linux-gnu/cmake/neap"
make_into prefix=/usr libdir=/usr/lib/x86_64-linux-gnu mandir=/usr/man DESTDIR="$stage" uninstall
[ "$(installed "$stage")" = usr/lib/x86_64-linux-gnu/cmake/neap/not-ours ] ||
    complain 'uninstall with DESTDIR: too much or too little'

# A libdir that is not beside bin: neap knows where it was to be installed.
make_into PREFIX="$work/p" LIBDIR="$work/elsewhere" install
"$work/p/bin/neap" version >"$work/out" 2>"$work/err"
prints "library $(cd "$work/elsewhere" && pwd -P)/libneap.so.0"
finish
