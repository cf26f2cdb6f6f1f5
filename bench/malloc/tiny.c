// Symbolic computation: very many tiny objects in trees and lists, built, rewritten, thrown away.
#include "workload.h"

// ---- expressions: derived again and again, simplified -----------------------------------------

enum kind { NUMBER, VARIABLE, SUM, PRODUCT };

struct expression {
    enum kind          kind;
    int32_t            number;
    struct expression *left, *right;
};

static struct expression *leaf(enum kind kind, int32_t number)
{
    struct expression *made = take(sizeof *made);
    *made = (struct expression){.kind = kind, .number = number};
    return made;
}

static struct expression *node(enum kind kind, struct expression *left, struct expression *right)
{
    struct expression *made = take(sizeof *made);
    *made = (struct expression){kind, 0, left, right};
    return made;
}

static void drop(struct expression *whole)
{
    if (whole->kind >= SUM) {
        drop(whole->left);
        drop(whole->right);
    }
    free(whole);
}

static struct expression *copy(const struct expression *from)
{
    if (from->kind < SUM)
        return leaf(from->kind, from->number);
    return node(from->kind, copy(from->left), copy(from->right));
}

static struct expression *grown(uint64_t *random, unsigned depth)
{
    uint64_t choice = bench_random(random) % 8;
    if (depth == 0)
        return choice < 4 ? leaf(VARIABLE, 0) : leaf(NUMBER, (int32_t)choice - 4);
    enum kind          kind = choice < 4 ? SUM : PRODUCT;
    struct expression *left = grown(random, depth - 1);
    return node(kind, left, grown(random, depth - 1));
}

static struct expression *derived(const struct expression *from)
{
    if (from->kind == NUMBER)
        return leaf(NUMBER, 0);
    if (from->kind == VARIABLE)
        return leaf(NUMBER, 1);
    if (from->kind == SUM)
        return node(SUM, derived(from->left), derived(from->right));
    return node(SUM, node(PRODUCT, derived(from->left), copy(from->right)),
                node(PRODUCT, copy(from->left), derived(from->right)));
}

static bool is_number(const struct expression *each, int32_t number)
{
    return each->kind == NUMBER && each->number == number;
}

// The other one stays, `whole` and `gone` go.
static struct expression *keep(struct expression *whole, struct expression *kept,
                               struct expression *gone)
{
    drop(gone);
    free(whole);
    return kept;
}

static struct expression *simplified(struct expression *whole)
{
    if (whole->kind < SUM)
        return whole;
    struct expression *left = whole->left = simplified(whole->left);
    struct expression *right = whole->right = simplified(whole->right);
    int32_t            neutral = whole->kind == SUM ? 0 : 1;
    if (is_number(left, neutral))
        return keep(whole, right, left);
    if (is_number(right, neutral))
        return keep(whole, left, right);
    if (whole->kind == PRODUCT && is_number(left, 0))
        return keep(whole, left, right);
    if (whole->kind == PRODUCT && is_number(right, 0))
        return keep(whole, right, left);
    if (left->kind == NUMBER && right->kind == NUMBER) {
        uint32_t a = (uint32_t)left->number, b = (uint32_t)right->number;
        left->number = (int32_t)(whole->kind == SUM ? a + b : a * b);
        return keep(whole, left, right);
    }
    return whole;
}

static uint32_t value(const struct expression *whole, uint32_t variable)
{
    if (whole->kind == NUMBER)
        return (uint32_t)whole->number;
    if (whole->kind == VARIABLE)
        return variable;
    uint32_t left = value(whole->left, variable), right = value(whole->right, variable);
    return whole->kind == SUM ? left + right : left * right;
}

void run_expressions(void)
{
    uint64_t random = 88172645463325252u, sum = 0;
    for (uint64_t i = 0; i < option("times"); i++) {
        struct expression *whole = simplified(grown(&random, 9));
        for (size_t order = 0; order < 3; order++) {
            struct expression *next = simplified(derived(whole));
            drop(whole);
            whole = next;
        }
        sum = sum * 31 + value(whole, 7);
        drop(whole);
    }
    checksum(sum);
}

// ---- polynomials: lists of terms, sorted by exponent ------------------------------------------

struct term {
    uint64_t     factor;
    uint32_t     exponent;
    struct term *next;
};

static struct term **term_add(struct term **at, uint64_t factor, uint32_t exponent)
{
    while (*at != NULL && (*at)->exponent < exponent)
        at = &(*at)->next;
    if (*at != NULL && (*at)->exponent == exponent) {
        (*at)->factor += factor;
        return at;
    }
    struct term *made = take(sizeof *made);
    *made = (struct term){factor, exponent, *at};
    *at = made;
    return at;
}

static struct term *product(const struct term *a, const struct term *b)
{
    struct term *made = NULL;
    for (; a != NULL; a = a->next) {
        struct term **at = &made;
        for (const struct term *each = b; each != NULL; each = each->next)
            at = term_add(at, a->factor * each->factor, a->exponent + each->exponent);
    }
    return made;
}

static uint64_t drop_terms(struct term *first)
{
    uint64_t sum = 0;
    while (first != NULL) {
        struct term *next = first->next;
        sum = sum * 31 + first->factor + first->exponent;
        free(first);
        first = next;
    }
    return sum;
}

void run_polynomials(void)
{
    uint64_t random = 88172645463325252u, sum = 0;
    for (uint64_t i = 0; i < option("times"); i++) {
        struct term *factors[2] = {NULL, NULL};
        for (size_t j = 0; j < 2; j++) {
            for (size_t n = 0; n < 24; n++)
                term_add(&factors[j], bench_random(&random), bench_random(&random) % 4096);
        }
        sum += drop_terms(product(factors[0], factors[1]));
        sum += drop_terms(factors[0]) ^ drop_terms(factors[1]);
    }
    checksum(sum);
}
