// Earning and spending.
#include "front/pacer.h"

void pacer_init(struct pacer *pacer, unsigned share_pct, uint64_t now_ns)
{
    pacer_init_saving(pacer, share_pct, PACER_SAVED_NS_MAX, now_ns);
}

void pacer_init_saving(struct pacer *pacer, unsigned share_pct, int64_t saved_ns_max,
                       uint64_t now_ns)
{
    *pacer = (struct pacer){.share_pct = share_pct,
                            .saved_ns_max = saved_ns_max,
                            .credit_ns = saved_ns_max,
                            .at_ns = now_ns};
}

uint64_t pacer_allowance_ns(struct pacer *pacer, uint64_t now_ns)
{
    // Whole earnings only, so that asking often loses nothing.
    uint64_t earned_ns = (now_ns - pacer->at_ns) / 100 * pacer->share_pct;
    pacer->at_ns += (now_ns - pacer->at_ns) / 100 * 100;
    uint64_t room_ns = (uint64_t)(pacer->saved_ns_max - pacer->credit_ns);
    pacer->credit_ns += (int64_t)(earned_ns < room_ns ? earned_ns : room_ns);
    return pacer->credit_ns >= PACER_WORTH_NS ? (uint64_t)pacer->credit_ns : 0;
}

void pacer_spend(struct pacer *pacer, uint64_t cpu_ns)
{
    pacer->credit_ns -= (int64_t)cpu_ns;
}
