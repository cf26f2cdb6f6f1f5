// Which sanitizer a test was compiled with, for those that need address space or none of its calls.
#ifndef NEAP_TEST_SANITIZER_H
#define NEAP_TEST_SANITIZER_H

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZES_ADDRESS 1
#else
#define SANITIZES_ADDRESS 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define SANITIZES_THREAD 1
#else
#define SANITIZES_THREAD 0
#endif

#endif
