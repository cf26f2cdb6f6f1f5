// Adding up what the page says that there is to add up.
#include "observe/statistics.h"

#include "base/bits.h"
#include "front/heap.h"
#include "os/host.h"

// Attempts at finding the books in balance: some microseconds each. Whoever changes them has lost
// the CPU if the first ones fail; he is given time to get it back, a fifth of a second at most.
#define ATTEMPTS_AT_ONCE 20
#define ATTEMPTS 1000
#define WAIT_NS 200000
#define ELEMENTS_MAX 65536   // of a list, in case others change it all the time

// A word that others may be writing, read whole. Not as an atomic one: under a lock its owner
// writes it as he likes.
static NO_RACE_CHECK uint64_t word_at(uintptr_t address, unsigned n_bytes)
{
    switch (n_bytes) {
    case 8:
        return *(const volatile uint64_t *)address;
    case 4:
        return *(const volatile uint32_t *)address;
    default:
        return *(const volatile uint8_t *)address;
    }
}

static uint64_t operand(const struct neap_page_term *term, uintptr_t member)
{
    if (term->operation == NEAP_PAGE_ONE)
        return 1;
    uint64_t word = word_at(member + term->offset, term->word_bytes);
    return term->operation == NEAP_PAGE_BITS ? bits_count(word) : word;
}

static uint64_t sum_over_array(const struct neap_page_term *term, uintptr_t element)
{
    uintptr_t                     heap = (uintptr_t)&process_heap;
    const struct neap_page_place *place = &stats_page.places[term->place];
    size_t                        n_members = place->count;
    uint64_t                      sum = 0;
    if (place->count_at != 0)
        n_members = word_at(heap + place->count_at, sizeof(uint32_t));
    for (size_t i = 0; i < n_members; i++) {
        uint64_t word = operand(term, element + place->start + i * place->stride);
        sum += term->weights == WEIGHTS_ONE ? word : word * stats_page.weights[term->weights][i];
    }
    return sum;
}

static uint64_t sum_of(const struct neap_page_term *term)
{
    uintptr_t                     heap = (uintptr_t)&process_heap;
    const struct neap_page_place *place = &stats_page.places[term->place];
    if (!place->is_list)
        return sum_over_array(term, heap);
    uint64_t  sum = 0;
    uintptr_t element = word_at(heap + place->first, sizeof element);
    for (size_t i = 0; i < ELEMENTS_MAX && element != 0; i++) {
        sum += sum_over_array(term, element);
        element = word_at(element + place->next, sizeof element);
    }
    return sum;
}

static bool is_same_sum(const struct neap_page_term *a, const struct neap_page_term *b)
{
    return a->place == b->place && a->offset == b->offset && a->operation == b->operation &&
           a->weights == b->weights;
}

// Reads each sum once, so that statistics made of the same sums agree whatever others do meanwhile.
static void add_up(uint64_t out_values[STATISTICS])
{
    uint64_t sums[PAGE_TERMS];
    for (size_t i = 0; i < STATISTICS; i++)
        out_values[i] = 0;
    for (size_t i = 0; i < PAGE_TERMS; i++) {
        const struct neap_page_term *term = &stats_page.terms[i];
        size_t                       first = 0;
        while (!is_same_sum(&stats_page.terms[first], term))
            first++;
        sums[i] = first < i ? sums[first] : sum_of(term);
        out_values[term->statistic] += (uint64_t)term->factor * sums[i];
    }
}

// Seen at one instant, as far as can be told.
static bool is_whole(const uint64_t values[STATISTICS])
{
    for (size_t i = 0; i < STATISTICS; i++) {
        uint32_t kind = statistic_row(i)->kind;
        if ((kind == NEAP_PAGE_CHECK && values[i] != 0) ||
            (kind == NEAP_PAGE_GAUGE && (int64_t)values[i] < 0))
            return false;
    }
    return true;
}

void statistics_read(uint64_t out_values[STATISTICS])
{
    // A signal handler that has interrupted a change of the books would wait for itself.
    int n_attempts = lock_this_thread_has_any() ? 1 : ATTEMPTS;
    add_up(out_values);
    for (int i = 1; i < n_attempts && !is_whole(out_values); i++) {
        if (i > ATTEMPTS_AT_ONCE)
            host_sleep_ns(WAIT_NS);
        add_up(out_values);
    }
    for (size_t i = 0; i < STATISTICS; i++) {
        uint32_t kind = statistic_row(i)->kind;
        if (kind == NEAP_PAGE_LIMIT && out_values[i] == 0)
            out_values[i] = STATISTICS_NO_LIMIT;   // the heap has not been made yet
        if (kind == NEAP_PAGE_GAUGE && (int64_t)out_values[i] < 0)
            out_values[i] = 0;   // in a signal handler that has interrupted a change of the books
    }
}
