// Where is libneap, and what does LD_PRELOAD become?
#ifndef NEAP_TOOLS_LIBRARY_H
#define NEAP_TOOLS_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#define LIBRARY_NAME "libneap.so.0"
#define LIBRARY_PATH_BYTES 4096

// Where it was configured to be installed; set by the build.
extern const char library_folder[];

// Finds the library that belongs to this program: beside it (build tree), in ../lib/<multiarch>,
// ../lib64 or ../lib, or in library_folder. *out_name is the bare name where
// the loader, left to itself, takes that very file for it: then a program of another architecture
// gets its own. Else it is an absolute path.
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

// Lets this very program be started with LD_PRELOAD=`library` (a path or a bare name), and looks
// whether it is loaded then. The loader only warns about what it cannot preload.
bool library_can_be_preloaded(const char *library);

// True when the loader has loaded `library` into this process: a bare name, or the path of the
// same file by whatever name.
bool library_is_loaded(const char *library);

#endif
