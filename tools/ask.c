// Writing the request and waiting for it to be taken away.
#include "ask.h"

#include "clock.h"
#include "exit_code.h"
#include "message.h"
#include "neap/page.h"
#include "page_view_parts.h"

#include <string.h>

#define WAIT_S 2.0   // a thread of neap's looks five times a second at least
#define POLL_S 0.005

struct question {
    struct page_view               *view;
    const struct neap_page_request *row;
    enum process_result             process;   // of the last access
};

static bool read_at(struct question *question, uint32_t offset, void *to, size_t n_bytes)
{
    question->process =
        process_memory_read_one(question->view->pid, question->view->heap + offset, to, n_bytes);
    return question->process == PROCESS_READ;
}

static bool write_at(struct question *question, uint32_t offset, const void *from, size_t n_bytes)
{
    question->process =
        process_memory_write(question->view->pid, question->view->heap + offset, from, n_bytes);
    return question->process == PROCESS_READ;
}

static const struct neap_page_request *find_row(const struct page_view *view, const char *name)
{
    for (size_t i = 0; i < view->table.n_requests; i++) {
        if (strcmp(view->table.requests[i].name, name) == 0)
            return &view->table.requests[i];
    }
    return NULL;
}

// Until it is counted as answered, or for too long; then it is taken back.
static enum ask_result wait_for_answer(struct question *question, uint64_t n_before,
                                       uint64_t *out_result)
{
    const struct neap_page_request *row = question->row;
    double                          end_s = clock_now_s() + WAIT_S;
    uint64_t                        n_answered = n_before;
    uint8_t                         word = 1;
    while (word != 0 && clock_now_s() < end_s) {
        clock_sleep(POLL_S);
        if (!read_at(question, row->word_at, &word, sizeof word))
            return ASK_FAILED;
    }
    if (word != 0) {
        word = 0;
        return write_at(question, row->word_at, &word, sizeof word) ? ASK_NOT_ANSWERED : ASK_FAILED;
    }
    if (!read_at(question, row->count_at, &n_answered, sizeof n_answered) ||
        !read_at(question, row->result_at, out_result, sizeof *out_result))
        return ASK_FAILED;
    return n_answered != n_before ? ASK_ANSWERED : ASK_NOT_ANSWERED;
}

static enum ask_result put_question(struct question *question, uint64_t argument,
                                    uint64_t *out_result)
{
    const struct neap_page_request *row = question->row;
    uint8_t                         word;
    uint64_t                        n_before;
    if (!read_at(question, row->word_at, &word, sizeof word) ||
        !read_at(question, row->count_at, &n_before, sizeof n_before))
        return ASK_FAILED;
    if (word != 0)
        return ASK_BUSY;
    word = (uint8_t)row->word;
    if (!write_at(question, row->argument_at, &argument, sizeof argument) ||
        !write_at(question, row->word_at, &word, sizeof word))
        return ASK_FAILED;
    return wait_for_answer(question, n_before, out_result);
}

enum ask_result ask(struct page_view *view, const char *name, uint64_t argument,
                    uint64_t *out_result, enum process_result *out_process)
{
    struct question question = {.view = view, .row = find_row(view, name)};
    if (question.row == NULL)
        return ASK_UNKNOWN;
    enum ask_result result = put_question(&question, argument, out_result);
    *out_process = question.process;
    return result;
}

int ask_complain(pid_t pid, enum ask_result result, enum process_result process)
{
    int number = (int)pid;
    switch (result) {
    case ASK_FAILED:
        return page_view_complain(pid, process);
    case ASK_BUSY:
        return message_exit(EXIT_CODE_FAILED, "somebody else is asking process %d; try again",
                            number);
    case ASK_REFUSED:
        return message_exit(EXIT_CODE_FAILED, "process %d does not take that", number);
    case ASK_UNKNOWN:
        return message_exit(EXIT_CODE_FAILED, "process %d runs a neap that cannot be asked that",
                            number);
    case ASK_ANSWERED:
    case ASK_NOT_ANSWERED:
        break;
    }
    return message_exit(EXIT_CODE_FAILED,
                        "process %d does not answer: it has no thread of neap's, as little is idle,"
                        " and allocates nothing at the moment",
                        number);
}
