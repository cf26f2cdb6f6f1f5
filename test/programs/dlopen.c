// neap opened by dlopen beside libc's malloc: its objects outlive dlclose, its own calls stay its
// own, and libc's malloc goes on. Argument: the library.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
    fprintf(stderr, "dlopen.c: does not hold: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fail("an argument");
    char *kept = NULL;
    for (int i = 0; i < 20; i++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            return fail(dlerror());
        void *(*own_malloc)(size_t) = (void *(*)(size_t))dlsym(library, "neap_malloc");
        void *(*own_memalign)(size_t, size_t) =
            (void *(*)(size_t, size_t))dlsym(library, "neap_memalign");
        void *(*own_reallocarray)(void *, size_t, size_t) =
            (void *(*)(void *, size_t, size_t))dlsym(library, "neap_reallocarray");
        void (*own_free)(void *) = (void (*)(void *))dlsym(library, "neap_free");
        size_t (*own_size)(void *) = (size_t(*)(void *))dlsym(library, "neap_malloc_usable_size");
        if (kept != NULL) {
            if (strcmp(kept, "still here") != 0 || own_size(kept) < 1000)
                return fail("an object outlives dlclose");
            own_free(kept);
        }
        kept = strcpy(own_malloc(1000), "still here");
        void *aligned = own_reallocarray(own_memalign(64, 100), 10, 100);
        if (own_size(aligned) < 1000)   // 0 for an object of libc's
            return fail("what neap calls is neap");
        own_free(aligned);
        free(malloc(1000));
        dlclose(library);
    }
    if (strcmp(kept, "still here") != 0)
        return fail("an object outlives the last dlclose");
    puts("everything holds");
    return 0;
}
