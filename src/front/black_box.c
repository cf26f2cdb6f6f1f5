// Writing the file.
#include "front/black_box.h"

#include "base/check.h"
#include "config/config.h"
#include "front/heap.h"
#include "os/host.h"

#include <string.h>

static void name_process(struct black_box *box)
{
    char   name[BLACK_BOX_NAME_BYTES + 1] = {0};   // it ends with a newline
    size_t n_bytes = 0;
    if (host_read_file("/proc/self/comm", name, BLACK_BOX_NAME_BYTES, &n_bytes) != HOST_FILE_READ)
        n_bytes = 0;
    name[n_bytes] = '\0';
    name[strcspn(name, "\n")] = '\0';
    memcpy(box->name, name, sizeof box->name);
    box->name[sizeof box->name - 1] = '\0';
}

// "FOLDER/neap-PID". False: too long.
static bool name_file(struct black_box *box, const char *folder)
{
    char        digits[NUMBER_TEXT_BYTES];
    const char *number = number_to_text((uintptr_t)box->process, digits);
    size_t      length = strlen(folder);
    if (length + sizeof "/neap-" + strlen(number) > sizeof box->path)
        return false;
    memcpy(box->path, folder, length);
    memcpy(box->path + length, "/neap-", sizeof "/neap-");
    memcpy(box->path + length + sizeof "/neap-" - 1, number, strlen(number) + 1);
    return true;
}

static void turn_off(struct black_box *box)
{
    static const char line[] = "neap: NEAP_BLACKBOX: no such folder in memory (tmpfs) that may be"
                               " written to; no black box is kept\n";
    box->is_off = true;
    host_say(line, sizeof line - 1);
}

static struct black_box_head head_of(struct heap *heap, const struct history_sample *sample,
                                     uint64_t n)
{
    struct black_box_head head = {.magic = BLACK_BOX_MAGIC,
                                  .layout = BLACK_BOX_LAYOUT,
                                  .head_bytes = sizeof head,
                                  .version = NEAP_VERSION,
                                  .process = heap->black_box.process,
                                  .n_samples = n + 1,
                                  .n_rows = HISTORY_SECONDS,
                                  .row_bytes = sizeof *sample,
                                  .wall_time_ns = host_wall_time_ns(),
                                  .time_ns = sample->time_ns,
                                  .soft_limit_bytes = heap->limits.told_bytes[LIMIT_SOFT],
                                  .hard_limit_bytes = heap->limits.told_bytes[LIMIT_HARD],
                                  .n_refused = load_relaxed(&heap->counters.n_refused),   // counter
                                  .n_shortages =
                                      load_relaxed(&heap->counters.n_shortages)};   // counter
    memcpy(head.name, heap->black_box.name, sizeof head.name);
    return head;
}

void black_box_write(struct heap *heap, const struct history_sample *sample, uint64_t n)
{
    struct black_box *box = &heap->black_box;
    const char       *folder = config_get()->blackbox;
    if (*folder == '\0' || box->is_off)
        return;
    bool is_first = !box->is_begun;
    if (is_first) {
        box->is_begun = true;
        box->process = host_process_id();
        name_process(box);
        if (!name_file(box, folder)) {
            turn_off(box);
            return;
        }
    }
    struct black_box_head   head = head_of(heap, sample, n);
    const struct host_piece pieces[] = {
        {sample, sizeof *sample, sizeof head + n % HISTORY_SECONDS * sizeof *sample},
        {&head, sizeof head, 0}};   // last: it says that the sample is there
    if (!host_write_file_in_memory(box->path, pieces, 2, is_first))
        turn_off(box);
    else
        box->has_file = true;
}

void black_box_remove(void)
{
    const struct black_box *box = &process_heap.black_box;
    if (box->has_file && box->process == host_process_id())
        host_remove_file(box->path);
}

void black_box_fork_child(struct black_box *box)
{
    box->is_begun = box->has_file = false;
}
