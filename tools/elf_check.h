// Will a preloaded library take effect in this command? Looks at the file before it is started.
#ifndef NEAP_TOOLS_ELF_CHECK_H
#define NEAP_TOOLS_ELF_CHECK_H

#include <stdbool.h>
#include <stddef.h>

enum elf_verdict {
    ELF_FITS,             // a dynamic program of our architecture, or a text the shell runs
    ELF_MISSING,          // a file that the command needs is not there
    ELF_NOT_EXECUTABLE,   // no permission, a directory, or a damaged file
    ELF_FOREIGN,          // for another architecture
    ELF_STATIC,           // statically linked: no loader that could preload
    ELF_OTHER_LOADER,     // for a C library other than glibc
    ELF_PRIVILEGED,       // set-uid, set-gid or file capabilities: the loader drops LD_PRELOAD
};

#define ELF_REASON_BYTES 1024   // a path and a sentence

struct elf_report {
    enum elf_verdict verdict;
    char             reason[ELF_REASON_BYTES];   // "PATH: what is wrong"; empty when it fits
};

// Looks at the executable file `path`; follows "#!" lines to the interpreter.
void elf_check_command(const char *path, struct elf_report *out);

// The same for a file of the system whose root is the folder `root`: links, interpreters and
// loaders are looked for there.
void elf_check_command_in(const char *root, const char *path, struct elf_report *out);

// Writes where `path` of the system at `root` lies in ours. False: it is not there.
bool elf_resolve_in(const char *root, const char *path, char *out, size_t n_bytes);

// Looks at the shared library `path`: present, readable, our architecture.
void elf_check_library(const char *path, struct elf_report *out);

// Name of an ELF machine number, "machine N" where it has no name here.
// The text may lie in `buffer` (`n_bytes` long).
const char *elf_machine_name(unsigned machine, char *buffer, size_t n_bytes);

#endif
