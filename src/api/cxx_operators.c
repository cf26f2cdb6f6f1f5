// C++'s operators new and delete, under the names that C++ compilers give them.
//
// Written in C so that the library needs no C++ runtime. A throwing operator that finds no memory
// calls the program's new_handler as long as there is one, and then throws std::bad_alloc through
// the runtime that the program itself has loaded. A nothrow operator leaves the handler to the
// runtime's own, since C cannot catch what a handler throws; that calls ours in turn.
#include "api/export.h"
#include "api/sized_free.h"
#include "base/check.h"
#include "base/compiler.h"
#include "front/fast.h"

#include <dlfcn.h>

// The C++ runtime's std::get_new_handler() and std::__throw_bad_alloc().
typedef void (*new_handler)(void);
extern new_handler _ZSt15get_new_handlerv(void) __attribute__((weak));
extern void        _ZSt17__throw_bad_allocv(void) __attribute__((weak));

static new_handler current_new_handler(void)
{
    return _ZSt15get_new_handlerv != NULL ? _ZSt15get_new_handlerv() : NULL;
}

static void *allocate(size_t n_bytes, size_t alignment)
{
    return alignment == 0 ? malloc(n_bytes) : aligned_alloc(alignment, n_bytes);
}

static NOINLINE void *allocate_slowly_or_throw(size_t n_bytes, size_t alignment)
{
    for (;;) {
        void *object = allocate(n_bytes, alignment);
        if (LIKELY(object != NULL))
            return object;
        new_handler handler = current_new_handler();
        if (handler == NULL)
            break;
        handler();
    }
    if (_ZSt17__throw_bad_allocv != NULL)
        _ZSt17__throw_bad_allocv();
    static const char *const parts[] = {"neap: operator new: out of memory, and no C++ runtime ",
                                        "of the GNU kind to throw std::bad_alloc with"};
    stop_with_line(parts, sizeof parts / sizeof parts[0]);
}

static inline void *allocate_or_throw(size_t n_bytes)
{
    void *object = fast_allocate(n_bytes);
    return LIKELY(object != NULL) ? object : allocate_slowly_or_throw(n_bytes, 0);
}

struct nothrow;   // std::nothrow_t: only its address is passed

// Absent where a program is linked statically: then the handler is not called.
extern void *dlsym(void *handle, const char *name) __attribute__((weak));
extern int   dladdr(const void *address, Dl_info *out_info) __attribute__((weak));

typedef void *nothrow_new(size_t n_bytes, const struct nothrow *tag);
typedef void *nothrow_aligned_new(size_t n_bytes, size_t alignment, const struct nothrow *tag);

// The operator of the program's C++ runtime that ours stands in front of; NULL: no handler asks
// for it, or there is no such runtime. The next operator in the program may be another malloc's
// (tcmalloc's, a sanitizer's), whose objects we could not free: the runtime's lies in the same
// file as its std::get_new_handler().
static void *runtime_operator(const char *name)
{
    Dl_info at_operator, at_handler;
    if (current_new_handler() == NULL || dlsym == NULL || dladdr == NULL)
        return NULL;
    void *found = dlsym(RTLD_NEXT, name);
    if (dladdr(found, &at_operator) == 0 ||
        dladdr(dlsym(RTLD_NEXT, "_ZSt15get_new_handlerv"), &at_handler) == 0)
        return NULL;
    return at_operator.dli_fbase == at_handler.dli_fbase ? found : NULL;
}

static void *allocate_nothrow(size_t n_bytes, const struct nothrow *tag, const char *name)
{
    void *object = malloc(n_bytes);
    if (LIKELY(object != NULL))
        return object;
    nothrow_new *runtime_new = (nothrow_new *)runtime_operator(name);
    return runtime_new != NULL ? runtime_new(n_bytes, tag) : NULL;
}

static void *allocate_aligned_nothrow(size_t n_bytes, size_t alignment, const struct nothrow *tag,
                                      const char *name)
{
    void *object = aligned_alloc(alignment, n_bytes);
    if (LIKELY(object != NULL))
        return object;
    nothrow_aligned_new *runtime_new = (nothrow_aligned_new *)runtime_operator(name);
    return runtime_new != NULL ? runtime_new(n_bytes, alignment, tag) : NULL;
}

// Operators that the program has instead of ours: what it allocates with its own new, perhaps not
// starting where its malloc did, its own delete must get, also from the sized forms, which a
// program need not have. Set once, before main; NULL: ours.
static void (*delete_of_program)(void *object);
static void (*delete_array_of_program)(void *object);
static void (*delete_aligned_of_program)(void *object, size_t alignment);
static void (*delete_array_aligned_of_program)(void *object, size_t alignment);

// A shared library may have a new of its own that nobody else sees, which asks malloc for more than
// it is asked for, and leave the sized delete to us.
static const struct sized_function one = {.name = "operator delete", .may_tell_less = true};
static const struct sized_function array = {.name = "operator delete[]", .may_tell_less = true};

#define NEW(name, ...) NEAP_API void *name(size_t n_bytes __VA_OPT__(, ) __VA_ARGS__)
#define DELETE(name, ...) NEAP_API void name(void *object __VA_OPT__(, ) __VA_ARGS__)
#define UNUSED __attribute__((unused))

// Declared before they are defined, as -Wmissing-prototypes asks.
#define ONE_NEW(name, body, ...)                                                                   \
    NEW(name, __VA_ARGS__);                                                                        \
    NEW(name, __VA_ARGS__)                                                                         \
    {                                                                                              \
        static const char own_name[] UNUSED = #name;                                               \
        return body;                                                                               \
    }
#define BOTH_NEW(suffix, body, ...)                                                                \
    ONE_NEW(_Znwm##suffix, body, __VA_ARGS__)                                                      \
    ONE_NEW(_Znam##suffix, body, __VA_ARGS__)
#define CALLER __builtin_return_address(0)
#define ONE_DELETE(name, body, ...)                                                                \
    DELETE(name, __VA_ARGS__);                                                                     \
    DELETE(name, __VA_ARGS__)                                                                      \
    {                                                                                              \
        body;                                                                                      \
    }
#define DELETE_BY(of_program, by_us, ...)                                                          \
    if (UNLIKELY(of_program != NULL))                                                              \
        of_program(__VA_ARGS__);                                                                   \
    else                                                                                           \
        by_us
#define BOTH_DELETE(suffix, ...)                                                                   \
    ONE_DELETE(_ZdlPv##suffix, free(object), __VA_ARGS__)                                          \
    ONE_DELETE(_ZdaPv##suffix, free(object), __VA_ARGS__)

BOTH_NEW(, allocate_or_throw(n_bytes))
BOTH_NEW(RKSt9nothrow_t, allocate_nothrow(n_bytes, tag, own_name), const struct nothrow *tag)
BOTH_NEW(St11align_val_t, allocate_slowly_or_throw(n_bytes, alignment), size_t alignment)
BOTH_NEW(St11align_val_tRKSt9nothrow_t, allocate_aligned_nothrow(n_bytes, alignment, tag, own_name),
         size_t alignment, const struct nothrow *tag)

BOTH_DELETE()
ONE_DELETE(_ZdlPvm,
           DELETE_BY(delete_of_program, free_sized_for(&one, object, n_bytes, CALLER), object),
           size_t n_bytes)
ONE_DELETE(_ZdaPvm,
           DELETE_BY(delete_array_of_program, free_sized_for(&array, object, n_bytes, CALLER),
                     object),
           size_t n_bytes)
BOTH_DELETE(RKSt9nothrow_t, const struct nothrow *tag UNUSED)
BOTH_DELETE(St11align_val_t, size_t alignment UNUSED)
ONE_DELETE(_ZdlPvmSt11align_val_t,
           DELETE_BY(delete_aligned_of_program,
                     free_aligned_sized_for(&one, object, alignment, n_bytes, CALLER), object,
                     alignment),
           size_t n_bytes, size_t alignment)
ONE_DELETE(_ZdaPvmSt11align_val_t,
           DELETE_BY(delete_array_aligned_of_program,
                     free_aligned_sized_for(&array, object, alignment, n_bytes, CALLER), object,
                     alignment),
           size_t n_bytes, size_t alignment)
BOTH_DELETE(St11align_val_tRKSt9nothrow_t, size_t alignment UNUSED,
            const struct nothrow *tag UNUSED)

static void free_aligned(void *object, size_t alignment UNUSED)
{
    free(object);
}

// The program's operator `name`; NULL: it is ours.
static void *operator_of_program(const char *name, void *ours)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    return found != ours ? found : NULL;
}

#define OPERATOR_OF_PROGRAM(name) operator_of_program(#name, (void *)name)
#define IS_OURS(name) (dlsym(RTLD_DEFAULT, #name) == (void *)name)

// Who has a new of his own and no delete relies on ours to free whatever malloc gave him.
__attribute__((constructor(102))) static void find_operators_of_program(void)
{
    if (dlsym == NULL || (!IS_OURS(_ZdlPvm) && !IS_OURS(_ZdaPvm)))
        return;   // sized deletes of the program do not come here
    *(void **)&delete_of_program = OPERATOR_OF_PROGRAM(_ZdlPv);
    if (delete_of_program == NULL && OPERATOR_OF_PROGRAM(_Znwm) != NULL)
        delete_of_program = free;
    *(void **)&delete_array_of_program = OPERATOR_OF_PROGRAM(_ZdaPv);
    if (delete_array_of_program == NULL && OPERATOR_OF_PROGRAM(_Znam) != NULL)
        delete_array_of_program = delete_of_program != NULL ? delete_of_program : free;
    *(void **)&delete_aligned_of_program = OPERATOR_OF_PROGRAM(_ZdlPvSt11align_val_t);
    if (delete_aligned_of_program == NULL && OPERATOR_OF_PROGRAM(_ZnwmSt11align_val_t) != NULL)
        delete_aligned_of_program = free_aligned;
    *(void **)&delete_array_aligned_of_program = OPERATOR_OF_PROGRAM(_ZdaPvSt11align_val_t);
    if (delete_array_aligned_of_program == NULL &&
        OPERATOR_OF_PROGRAM(_ZnamSt11align_val_t) != NULL)
        delete_array_aligned_of_program =
            delete_aligned_of_program != NULL ? delete_aligned_of_program : free_aligned;
}
