// A shared library (-DLIBRARY) with operators new and delete that only it sees, and a program that
// uses it. Its new asks malloc for more than it is asked for, and its sized delete is everybody's.
// With an argument the program itself deletes with more than an object has. api/cxx_operators.c.
#include <cstddef>
#include <cstdlib>
#include <new>

extern "C" void use_own_new();

#ifdef LIBRARY
void *operator new(std::size_t n_bytes) { return std::aligned_alloc(256, (n_bytes | 255) + 1); }
void  operator delete(void *object) noexcept { std::free(object); }

extern "C" void use_own_new()
{
    static const std::size_t sizes[] = {1, 100, 5000, 32700, 100000};
    for (std::size_t n_bytes : sizes)
        ::operator delete(::operator new(n_bytes), n_bytes);
}
#else
int main(int n_words, char **)
{
    use_own_new();
    if (n_words > 1)
        ::operator delete(::operator new(100), std::size_t(400));
}
#endif
