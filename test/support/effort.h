// How much the long tests do: one build does all of it, those with checks, another compiler or an
// emulated processor run the same code on fewer cases.
#ifndef NEAP_TEST_EFFORT_H
#define NEAP_TEST_EFFORT_H

#if !NEAP_DEBUG && !defined(__clang__) && !defined(NEAP_TEST_IN_PART)
#define EFFORT(in_full, in_part) (in_full)
#else
#define EFFORT(in_full, in_part) (in_part)
#endif

#endif
