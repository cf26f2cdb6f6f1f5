// A program with operators new and delete of its own, put in front of the object: the sized forms,
// which it leaves out, must come to its own. Exits with 0 if they do. api/cxx_operators.c.
#include <cstdlib>
#include <cstring>
#include <new>

static int n_live;

static const std::size_t room = 16;

static void *take(std::size_t n_bytes)
{
    n_live++;
    return static_cast<char *>(std::malloc(n_bytes + room)) + room;
}

static void give(void *object)
{
    if (object == nullptr)
        return;
    n_live--;
    std::free(static_cast<char *>(object) - room);
}

#ifdef ALIGNED
void *operator new(std::size_t n_bytes, std::align_val_t) { return take(n_bytes); }
void  operator delete(void *object, std::align_val_t) noexcept { give(object); }
void *operator new[](std::size_t n_bytes, std::align_val_t) { return take(n_bytes); }
void  operator delete[](void *object, std::align_val_t) noexcept { give(object); }
#define AT , std::align_val_t(64)
#else
void *operator new(std::size_t n_bytes) { return take(n_bytes); }
void  operator delete(void *object) noexcept { give(object); }
void *operator new[](std::size_t n_bytes) { return take(n_bytes); }
#ifndef NEW_ARRAY_ONLY
void  operator delete[](void *object) noexcept { give(object); }
#endif
#define AT
#endif

int main()
{
    ::operator delete(::operator new(100 AT), std::size_t(100) AT);
    ::operator delete(nullptr, std::size_t(100) AT);
    ::operator delete[](::operator new[](100 AT), std::size_t(100) AT);
    return n_live;
}
