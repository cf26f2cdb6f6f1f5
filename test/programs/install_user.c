// What a user of the installed library writes, in C or C++: prints how it is linked, "static" or
// "dynamic", when malloc and a page heap of its own are neap's.
#include <neap/neap.h>
#include <neap/pageheap.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Names of neap's inside: those of a static library must not be in the way of a program's own.
extern int page_heap_init, central_fetch, front_allocate, process_heap, span_init;
int page_heap_init = 1, central_fetch = 2, front_allocate = 3, process_heap = 4, span_init = 5;

static int library_is_mapped(void)
{
    char  line[4096];
    int   found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        found |= strstr(line, "libneap.so") != NULL;
    if (maps != NULL)
        fclose(maps);
    return found;
}

static int page_heap_works(void)
{
    neap_pageheap          *heap = neap_pageheap_create(NULL);
    struct neap_run_request request;
    struct neap_run         run;
    memset(&request, 0, sizeof request);
    request.bytes = 100000;
    void *start = neap_pageheap_alloc(heap, &request, &run);
    int   works = start != NULL && run.bytes >= request.bytes && neap_pageheap_free(heap, start) &&
                neap_pageheap_verify(heap) == NULL;
    neap_pageheap_destroy(heap);
    return works;
}

int main(void)
{
    void *object = malloc(1000);   // 0 bytes are usable of an object that is not neap's
    if (neap_malloc_usable_size(object) < 1000 || !page_heap_works() || page_heap_init != 1)
        return 1;
    free(object);
#ifdef __cplusplus
    char *text = new char[1000];
    if (neap_malloc_usable_size(text) < 1000)
        return 2;
    delete[] text;
#endif
    return puts(library_is_mapped() ? "dynamic" : "static") < 0;
}
