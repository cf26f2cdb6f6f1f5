// What limits are in bytes, and when to look again: arithmetic only. No clock, no lock, no globals.
#ifndef NEAP_FRONT_LIMIT_POLICY_H
#define NEAP_FRONT_LIMIT_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#define LIMIT_NONE ((size_t)-1)

// A smaller heap need not know the system's limits.
#define LIMIT_FIRST_LOOK_BYTES ((size_t)8 << 20)

// A limit as it is set (config/config.h), in bytes. `system_bytes`: the limit that the system sets,
// or LIMIT_NONE; `machine_bytes`: of memory in the machine, or 0.
size_t limit_resolve(size_t setting, size_t system_bytes, size_t machine_bytes);

// Does one need to know what the system says?
bool limit_is_relative(size_t setting);

// How much to give back, with a little to spare; 0: nothing.
size_t limit_excess_bytes(size_t counted_bytes, size_t limit_bytes);

// So much more or less is worth an effort.
size_t limit_step_bytes(size_t limit_bytes);

// In the background it begins before the limit: a twentieth. What idles there would soon be given
// back by who grows.
size_t limit_background_bytes(size_t limit_bytes);

// Up to where the heap may grow until the limits are thought of again. Beyond the limit that is not
// with every page: what could not be given back now cannot be a moment later.
size_t limit_next_watch(size_t counted_bytes, size_t limit_bytes, bool is_relative);

// The highest of the levels 75, 90 and 100 % of the limit that is passed, or 0. That which was
// passed before, `before_pct`, stays so until a twentieth of the limit is free below it.
unsigned limit_level_pct(size_t counted_bytes, size_t limit_bytes, unsigned before_pct);

// Where the next level above that begins; LIMIT_NONE: there is none.
size_t limit_level_watch(size_t limit_bytes, unsigned level_pct);

#endif
