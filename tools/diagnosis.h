// What neap doctor has found: a list of findings, each with the line that mends it.
#ifndef NEAP_TOOLS_DIAGNOSIS_H
#define NEAP_TOOLS_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define FINDINGS_MAX 64
#define FINDING_TEXT_BYTES 1280   // what elf_check says, and a word or two

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct finding {
    enum finding_level level;
    const char        *topic;   // for programs: "architecture", "preload", ...
    char               text[FINDING_TEXT_BYTES];
    char               fix[FINDING_TEXT_BYTES];   // "": nothing to mend
};

struct diagnosis {
    size_t         n_findings;
    struct finding findings[FINDINGS_MAX];   // more are left out
};

// Adds a finding; `topic` is kept by reference.
void diagnosis_add(struct diagnosis *diagnosis, enum finding_level level, const char *topic,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

// Says what mends the finding added last.
void diagnosis_fix(struct diagnosis *diagnosis, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Has something been found that keeps neap from working?
bool diagnosis_has_failed(const struct diagnosis *diagnosis);

// ---- what is looked at ------------------------------------------------------------------------

// A command, found as the shell would, or in the tree at `root` if that is not NULL.
void diagnose_command(struct diagnosis *diagnosis, const char *root, const char *command);

// An executable file's own allocator: linked in, or asked of the loader.
void diagnose_file(struct diagnosis *diagnosis, const char *path);

// LD_PRELOAD, options of ours and of other allocators, in NAME=VALUE strings. Paths in LD_PRELOAD
// start at `root`.
void diagnose_environment(struct diagnosis *diagnosis, const char *const *entries,
                          const char *root);

// A running process.
void diagnose_process(struct diagnosis *diagnosis, pid_t pid);

// This machine, for any program.
void diagnose_system(struct diagnosis *diagnosis);

// The root of a system that does not run.
void diagnose_image(struct diagnosis *diagnosis, const char *root);

#endif
