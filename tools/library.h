// Where is libneap, and what does LD_PRELOAD become?
#ifndef NEAP_TOOLS_LIBRARY_H
#define NEAP_TOOLS_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#define LIBRARY_NAME "libneap.so.0"
#define LIBRARY_PATH_BYTES 4096

// Finds the library that belongs to this program: beside it (build tree), then in
// ../lib/<multiarch>, ../lib64 and ../lib. Where the loader looks by default, *out_name is the
// bare name, so that a program of another architecture gets its own; else an absolute path.
// Returns: 0, or an exit code after one line on stderr.
int library_find(char *out_name, size_t n_bytes);

// Another allocator, known by a short name.
struct library_peer {
    const char *name, *library, *debian_package;
};

#define LIBRARY_PEER_NAMES "jemalloc mimalloc tcmalloc tbb"

// The allocator of that short name, or NULL.
const struct library_peer *library_find_peer(const char *name);

// Puts `library` in front of what LD_PRELOAD holds already (NULL or "" when nothing).
// Returns false when the result does not fit or the name holds a separator (space, colon).
bool library_preload_text(const char *library, const char *present, char *out, size_t n_bytes);

// True when the loader looks in `folder` without being told.
bool library_folder_is_default(const char *folder);

// Lets this very program be started with LD_PRELOAD=`preload`, and looks whether `library` (a path
// or a bare name) is loaded then. The loader only warns about what it cannot preload.
bool library_can_be_preloaded(const char *preload, const char *library);

// True when the loader has loaded `library` (a path or a bare name) into this process.
bool library_is_loaded(const char *library);

#endif
