#include "objects.h"

#include "base/check.h"
#include "base/units.h"
#include "granules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define WHOLE_BYTES_MAX ((size_t)256 << 10)   // filled whole now and then
#define WHOLE_ONE_IN 16

static struct object *new_objects(void)
{
    void *made = mmap(NULL, OBJECTS_MAX * sizeof(struct object), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(made != MAP_FAILED);
    return made;
}

void objects_start(struct object_table *table, const struct entry_points *entry, uint64_t seed)
{
    granules_start();
    struct object *objects = table->objects != NULL ? table->objects : new_objects();
    *table = (struct object_table){.entry = entry, .seed = seed, .objects = objects};
}

bool objects_complain(struct object_table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (table->message[0] == '\0')
        vsnprintf(table->message, sizeof table->message, format, arguments);
    va_end(arguments);
    return false;
}

static struct pattern new_pattern(struct object_table *table, size_t asked_bytes,
                                  size_t usable_bytes)
{
    uint64_t number = table->seed + table->n_made++;
    return (struct pattern){
        .seed = number * UINT64_C(0x9E3779B97F4A7C15),
        .asked_bytes = asked_bytes,
        .usable_bytes = usable_bytes,
        .is_whole =
            table->is_whole || (usable_bytes <= WHOLE_BYTES_MAX && number % WHOLE_ONE_IN == 0),
    };
}

static void count(struct object_table *table, const struct object *object)
{
    table->n_live++;
    table->asked_bytes += object->pattern.asked_bytes;
    table->usable_bytes += object->pattern.usable_bytes;
}

static void discount(struct object_table *table, const struct object *object)
{
    table->n_live--;
    table->asked_bytes -= object->pattern.asked_bytes;
    table->usable_bytes -= object->pattern.usable_bytes;
}

bool objects_add(struct object_table *table, size_t index, const struct object *wanted)
{
    struct object *object = &table->objects[index];
    size_t         asked_bytes = wanted->pattern.asked_bytes;
    size_t         alignment = size_max(wanted->alignment, GRANULE_BYTES);
    CHECK(object->start == NULL);
    if ((uintptr_t)wanted->start % alignment != 0)
        return objects_complain(table, "o%zu: %p is not aligned to %zu", index,
                                (void *)wanted->start, alignment);
    size_t usable_bytes = table->entry->usable_size(wanted->start);
    if (usable_bytes < asked_bytes)
        return objects_complain(table, "o%zu: %zu of %zu bytes are usable", index, usable_bytes,
                                asked_bytes);
    if (!granules_take((uintptr_t)wanted->start, usable_bytes))
        return objects_complain(table, "o%zu: [%p, %zu bytes) overlaps with another object", index,
                                (void *)wanted->start, usable_bytes);
    *object = *wanted;
    object->pattern = new_pattern(table, asked_bytes, usable_bytes);
    pattern_fill(&object->pattern, object->start);
    count(table, object);
    return true;
}

bool objects_check(struct object_table *table, size_t index)
{
    const struct object *object = &table->objects[index];
    size_t               usable_bytes = object->pattern.usable_bytes;
    size_t same_bytes = pattern_compare(&object->pattern, object->start, usable_bytes);
    if (same_bytes != usable_bytes)
        return objects_complain(table, "o%zu: byte %zu of %zu (%zu asked for) has changed", index,
                                same_bytes, usable_bytes, object->pattern.asked_bytes);
    size_t now_bytes = table->entry->usable_size(object->start);
    if (now_bytes != usable_bytes)
        return objects_complain(table, "o%zu: usable were %zu bytes and are %zu", index,
                                usable_bytes, now_bytes);
    return true;
}

bool objects_check_all(struct object_table *table)
{
    size_t n_left = table->n_live;
    for (size_t index = 0; n_left > 0 && index < OBJECTS_MAX; index++) {
        if (table->objects[index].start == NULL)
            continue;
        n_left--;
        if (!objects_check(table, index))
            return false;
    }
    return true;
}

bool objects_lift(struct object_table *table, size_t index)
{
    const struct object *object = &table->objects[index];
    if (!objects_check(table, index))
        return false;
    CHECK(granules_give((uintptr_t)object->start, object->pattern.usable_bytes));
    return true;
}

bool objects_put_back(struct object_table *table, size_t index)
{
    const struct object *object = &table->objects[index];
    if (!granules_take((uintptr_t)object->start, object->pattern.usable_bytes))
        return objects_complain(table, "o%zu: another object is in its place", index);
    return objects_check(table, index);
}

bool objects_remove(struct object_table *table, size_t index)
{
    if (!objects_lift(table, index))
        return false;
    (void)objects_take_out(table, index);
    return true;
}

struct object objects_take_out(struct object_table *table, size_t index)
{
    struct object object = table->objects[index];
    discount(table, &object);
    table->objects[index] = (struct object){0};
    return object;
}

void objects_put_in(struct object_table *table, size_t index, struct object object)
{
    CHECK(table->objects[index].start == NULL);
    table->objects[index] = object;
    count(table, &object);
}
