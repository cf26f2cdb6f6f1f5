// Does a size fit an object? By size classes: more than that is not known of it.
#include "front/allocate.h"
#include "front/object.h"

static bool is_right_for_large(const struct span *span, unsigned size_class, size_t n_bytes)
{
    return size_class == SPAN_LARGE && n_bytes <= OBJECT_BYTES_MAX &&
           bytes_to_pages_up(size_max(n_bytes, 1)) == span->run.n_pages;
}

bool front_size_may_be_right(const void *object, size_t alignment, size_t n_bytes)
{
    struct span       *span;
    enum front_pointer what = object_find(heap_get(), object, &span);
    if (what != POINTER_TO_OBJECT)
        return true;   // also of the reserve: a signal handler's
    unsigned size_class = allocate_class_for(alignment, n_bytes);
    bool     is_right = span_is_large(span) ? is_right_for_large(span, size_class, n_bytes)
                                            : size_class == span->size_class;
    // hint: set by whoever resized an object here, which he has told the caller about
    return is_right || (n_bytes <= span_object_bytes(span) && load_relaxed(&span->has_resized));
}
