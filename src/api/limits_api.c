// neap/neap.h: limits and pressure.
#include "api/export.h"
#include "config/config.h"
#include "front/limit.h"
#include "neap/neap.h"

#include <errno.h>

_Static_assert(NEAP_LIMIT_OFF == LIMIT_NONE && NEAP_LIMIT_OFF == CONFIG_OFF, "the same words");
_Static_assert(NEAP_LIMIT_AUTO == CONFIG_AUTO, "the same words");

static bool is_known(enum neap_limit_kind kind)
{
    return kind == NEAP_SOFT_LIMIT || kind == NEAP_HARD_LIMIT;
}

static enum limit_kind limit_of(enum neap_limit_kind kind)
{
    return kind == NEAP_SOFT_LIMIT ? LIMIT_SOFT : LIMIT_HARD;
}

// Between a size that no machine has and the two words lie the shares of the options.
static bool is_setting(enum neap_limit_kind kind, size_t n_bytes)
{
    if (n_bytes == NEAP_LIMIT_AUTO)
        return kind == NEAP_SOFT_LIMIT;
    return n_bytes == NEAP_LIMIT_OFF || (n_bytes > 0 && n_bytes <= PTRDIFF_MAX);
}

NEAP_API int neap_limit_set(enum neap_limit_kind kind, size_t n_bytes)
{
    if (!is_known(kind) || !is_setting(kind, n_bytes))
        return EINVAL;
    limit_set(limit_of(kind), n_bytes);
    return 0;
}

NEAP_API size_t neap_limit_get(enum neap_limit_kind kind)
{
    return is_known(kind) ? limit_read(limit_of(kind)) : NEAP_LIMIT_OFF;
}

NEAP_API size_t neap_limit_counted(void)
{
    return limit_counted_bytes();
}

static void tell(const struct callback *callback, const struct news *news)
{
    neap_pressure_callback *function = (neap_pressure_callback *)callback->function;
    struct neap_pressure    pressure = {.level = news->level_pct,
                                        .counted_bytes = news->counted_bytes,
                                        .limit_bytes = news->limit_bytes};
    int                     saved_errno = errno;   // the program may be in free()
    function(&pressure, callback->context);
    errno = saved_errno;
}

NEAP_API int neap_pressure_register(neap_pressure_callback *callback, void *context)
{
    if (callback == NULL)
        return EINVAL;
    struct callback entry = {tell, (void (*)(void))callback, context};
    return limit_add_callback(&entry) ? 0 : ENOSPC;
}

NEAP_API int neap_pressure_unregister(neap_pressure_callback *callback, void *context)
{
    if (callback == NULL)
        return ENOENT;
    return limit_remove_callback((void (*)(void))callback, context) ? 0 : ENOENT;
}
