#!/bin/sh
# cxx_operators.cc under libc (the control) and under neap, preloaded and linked in; skipped
# where there is no C++ compiler.
set -eu
here=$(dirname "$0")
build=$(cd "${NEAP_BUILD:-build}" && pwd)
command -v g++ >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=c++17 -O1 -g -fno-builtin -Wall -Wextra -Wno-alloc-size-larger-than"
g++ $flags "$here/cxx_operators.cc" -o "$work/operators"
g++ $flags "$here/cxx_operators.cc" "$build/libneap.a" -o "$work/operators_neap"

echo "libc:";            "$work/operators"
echo "neap, preloaded:"; LD_PRELOAD="$build/libneap.so.0" "$work/operators"
echo "neap, linked in:"; "$work/operators_neap"

# Behind neap, another malloc that has an operator of its own: its objects are not ours to hand out.
cat >"$work/other.cc" <<'END'
#include <new>
static char object_of_another_malloc[64];
void *operator new(std::size_t, const std::nothrow_t &) noexcept { return object_of_another_malloc; }
END
cat >"$work/asks.cc" <<'END'
#include <new>
int main(int n_arguments, char **)
{
    std::set_new_handler([] { std::set_new_handler(nullptr); });
    return ::operator new(~std::size_t(4096) + n_arguments, std::nothrow) == nullptr ? 0 : 3;
}
END
g++ $flags -shared -fPIC "$work/other.cc" -o "$work/libother.so"
g++ $flags "$work/asks.cc" -Wl,--no-as-needed -L"$work" -Wl,-rpath,"$work" -lother -o "$work/asks"
status=0; "$work/asks" || status=$?
[ "$status" -eq 3 ]
LD_PRELOAD="$build/libneap.so.0" "$work/asks"

nm "$work/operators_neap" | grep -q ' T _Znwm$'
