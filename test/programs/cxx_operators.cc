// Every operator new and delete, from C++: alignment, failure, handlers. Run under the malloc to
// be tested; api/cxx_operators.c is what is meant.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

static int failures;

static void expect(bool holds, const char *text, int line)
{
    if (!holds) {
        std::fprintf(stderr, "cxx_operators.cc:%d: does not hold: %s\n", line, text);
        failures++;
    }
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

static const std::size_t too_large = SIZE_MAX / 2;
static int               handler_calls;

static void handler_that_gives_up()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

template <typename Call> static bool throws_bad_alloc(Call call)
{
    try {
        void *volatile object = call();
        (void)object;
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void failing_operators()
{
    EXPECT(throws_bad_alloc([] { return ::operator new(too_large); }));
    EXPECT(throws_bad_alloc([] { return ::operator new[](too_large); }));
    EXPECT(throws_bad_alloc([] { return ::operator new(too_large, std::align_val_t(64)); }));
    EXPECT(throws_bad_alloc([] { return ::operator new[](too_large, std::align_val_t(64)); }));
    EXPECT(::operator new(too_large, std::nothrow) == nullptr);
    EXPECT(::operator new[](too_large, std::nothrow) == nullptr);
    EXPECT(::operator new(too_large, std::align_val_t(64), std::nothrow) == nullptr);
    EXPECT(::operator new[](too_large, std::align_val_t(64), std::nothrow) == nullptr);

    std::set_new_handler(handler_that_gives_up);
    EXPECT(throws_bad_alloc([] { return ::operator new(too_large); }));
    EXPECT(handler_calls == 3);
}

static void nothrow_operators_call_the_handler()
{
    handler_calls = 0;
    std::set_new_handler(handler_that_gives_up);
    EXPECT(::operator new(too_large, std::nothrow) == nullptr);
    EXPECT(handler_calls == 3);
    handler_calls = 0;
    std::set_new_handler(handler_that_gives_up);
    EXPECT(::operator new[](too_large, std::align_val_t(64), std::nothrow) == nullptr);
    EXPECT(handler_calls == 3);
    std::set_new_handler([] { throw std::bad_alloc(); });
    EXPECT(::operator new[](too_large, std::nothrow) == nullptr);
    EXPECT(::operator new(too_large, std::align_val_t(64), std::nothrow) == nullptr);
    std::set_new_handler(nullptr);
}

static void matching_operators()
{
    for (std::size_t n = 0; n < 100000; n = n * 2 + 1) {
        ::operator delete(::operator new(n));
        ::operator delete(::operator new(n), n);
        ::operator delete[](::operator new[](n));
        ::operator delete[](::operator new[](n), n);
        ::operator delete(::operator new(n, std::nothrow), std::nothrow);
        ::operator delete[](::operator new[](n, std::nothrow), std::nothrow);
        for (std::size_t alignment = 16; alignment <= 65536; alignment *= 4) {
            std::align_val_t at{alignment};
            void            *a = ::operator new(n, at);
            void            *b = ::operator new[](n, at);
            void            *c = ::operator new(n, at, std::nothrow);
            void            *d = ::operator new[](n, at, std::nothrow);
            EXPECT((std::uintptr_t(a) | std::uintptr_t(b) | std::uintptr_t(c) |
                    std::uintptr_t(d)) % alignment == 0);
            ::operator delete(a, at);
            ::operator delete[](b, n, at);
            ::operator delete(c, at, std::nothrow);
            ::operator delete[](d, at, std::nothrow);
        }
    }
}

int main()
{
    failing_operators();
    nothrow_operators_call_the_handler();
    matching_operators();
    std::vector<std::string> strings;
    for (int i = 0; i < 100000; i++)
        strings.push_back(std::to_string(i) + " is a string long enough to be an object");
    EXPECT(strings[77777].compare(0, 6, "77777 ") == 0);
    if (failures == 0)
        std::puts("everything holds");
    return failures != 0;
}
