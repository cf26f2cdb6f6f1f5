// Sizes that objects may be freed with, from C++ and by C23's functions: none of them stops the
// program. api/sized_free.h, front/sized.c. What is stopped: misuse.c.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>
#include <memory>
#include <new>
#include <string>
#include <vector>

using sized   = void (*)(void *, std::size_t);
using aligned = void (*)(void *, std::size_t, std::size_t);
static sized   free_sized_;
static aligned free_aligned_sized_;

static const std::size_t sizes_beyond[] = {32768, 32769, 40000, 65536, 300000, 5000000};

template <typename Use> static void for_all_sizes(Use use)
{
    for (std::size_t n = 0; n < 3000; n++)
        use(n);
    for (std::size_t n = 3000; n < 40000; n += 97)
        use(n);
    for (std::size_t n : sizes_beyond)
        use(n);
}

static void deleted_with_its_size(std::size_t n)
{
    ::operator delete(::operator new(n), n);
    ::operator delete[](::operator new[](n), n);
    ::operator delete(::operator new(n, std::nothrow), n);
}

static void deleted_with_size_and_alignment(std::size_t n)
{
    for (std::size_t alignment = 1; alignment <= 1 << 17; alignment *= 2) {
        auto at = std::align_val_t(alignment);
        ::operator delete(::operator new(n, at), n, at);
        ::operator delete[](::operator new[](n, at, std::nothrow), n, at);
        free_aligned_sized_(std::aligned_alloc(alignment, n), alignment, n);
    }
}

static void freed_with_its_size(std::size_t n)
{
    free_sized_(std::malloc(n), n);
    free_sized_(std::calloc(1, n), n);
    free_sized_(std::realloc(nullptr, n), n);
}

// In place or not, the last size is the right one.
static void resized_and_freed(std::size_t n)
{
    for (std::size_t eighths : {1, 3, 5, 7, 9, 20}) {
        std::size_t resized = n * eighths / 8 + 1;
        free_sized_(std::realloc(std::malloc(n), resized), resized);
        void *of_another_place = std::aligned_alloc(64, n);
        free_sized_(std::realloc(of_another_place, resized), resized);
    }
}

static void freed_nothing()
{
    free_sized_(nullptr, 100);
    free_aligned_sized_(nullptr, 64, 100);
    ::operator delete(nullptr, std::size_t(100));
}

struct base {
    virtual ~base() = default;
    char own[40];
};
struct alignas(128) derived : base {
    std::string text = std::string(100, 'x');
};

static void used_as_programs_do()
{
    std::unique_ptr<base>             object(new derived);
    std::vector<std::vector<derived>> many(10, std::vector<derived>(20));
    auto                              array = std::make_unique<std::string[]>(33);
    auto                              shared = std::make_shared<derived>();
    array[5] = std::string(1000, 'y');
}

int main()
{
    free_sized_ = reinterpret_cast<sized>(dlsym(RTLD_DEFAULT, "free_sized"));
    free_aligned_sized_ = reinterpret_cast<aligned>(dlsym(RTLD_DEFAULT, "free_aligned_sized"));
    if (free_sized_ == nullptr || free_aligned_sized_ == nullptr) {
        std::fprintf(stderr, "sized_free: this malloc has no free_sized\n");
        return 2;
    }
    for_all_sizes(deleted_with_its_size);
    for_all_sizes(deleted_with_size_and_alignment);
    for_all_sizes(freed_with_its_size);
    for_all_sizes(resized_and_freed);
    freed_nothing();
    used_as_programs_do();
    std::puts("freed with every size that is right");
}
