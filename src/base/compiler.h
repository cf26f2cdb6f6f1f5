// What the compilers offer, under names that say what we want from them.
#ifndef NEAP_BASE_COMPILER_H
#define NEAP_BASE_COMPILER_H

#define NODISCARD __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
// Of data: known to lie in this library, so that it is reached without a table of addresses.
#define HIDDEN __attribute__((visibility("hidden")))
// A pointer used again and again is computed once, not anew from its parts at each use.
#define KEEP(pointer) __asm__("" : "+r"(pointer))
// Of a function that reads what others write meanwhile, and can do with what it finds.
#define NO_RACE_CHECK NOINLINE __attribute__((no_sanitize("thread")))
// Few bytes, at a fixed distance from the thread pointer: one instruction to reach, no call that
// might allocate, and little enough that dlopen finds room for it.
#define THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#define CACHE_LINE_BYTES 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE_BYTES)))

// Lock discipline, proved by clang's -Wthread-safety; gcc sees nothing.
#if defined(__clang__)
#define CAPABILITY(name) __attribute__((capability(name)))
#define ACQUIRES(lock) __attribute__((acquire_capability(lock)))
#define TRY_ACQUIRES(lock) __attribute__((try_acquire_capability(true, lock)))
#define RELEASES(lock) __attribute__((release_capability(lock)))
#define REQUIRES(lock) __attribute__((requires_capability(lock)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(name)
#define ACQUIRES(lock)
#define TRY_ACQUIRES(lock)
#define RELEASES(lock)
#define REQUIRES(lock)
#define NO_LOCK_ANALYSIS
#endif

#endif
