// neap doctor about a program that is not running: can it be preloaded, and which malloc would it
// call then?
#include "diagnosis.h"
#include "elf_check.h"
#include "launch.h"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#define SYMBOLS_MAX 4000000   // of a table; the largest programs have fewer

// Allocators as they show in a file: a symbol of theirs, and how their libraries are named.
static const struct {
    const char *name, *symbol, *library;
} allocators[] = {
    {"jemalloc", "mallctl", "libjemalloc.so"}, {"jemalloc", "je_mallctl", NULL},
    {"jemalloc", "_rjem_malloc", NULL},        {"mimalloc", "mi_malloc", "libmimalloc.so"},
    {"tcmalloc", "tc_malloc", "libtcmalloc"},  {"snmalloc", "sn_malloc", "libsnmallocshim"},
    {"rpmalloc", "rpmalloc", "librpmalloc"},   {"TBB's malloc", "scalable_malloc", "libtbbmalloc"},
};
#define N_ALLOCATORS (sizeof allocators / sizeof *allocators)

// What a file tells about the malloc that it uses.
struct file_facts {
    bool        exports_malloc;   // the loader prefers it to every library
    const char *inside;           // an allocator linked in; NULL: none
    const char *asked_for;        // an allocator's library that the loader is to load
    bool        has_neap;
};

static void note_symbol(const char *name, bool is_dynamic, struct file_facts *facts)
{
    if (is_dynamic && strcmp(name, "malloc") == 0)
        facts->exports_malloc = true;
    if (strcmp(name, "neap_version") == 0)
        facts->has_neap = true;
    for (size_t i = 0; i < N_ALLOCATORS && facts->inside == NULL; i++) {
        if (strcmp(name, allocators[i].symbol) == 0)
            facts->inside = allocators[i].name;
    }
}

static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
                         struct file_facts *facts)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t    n = header->sh_entsize > 0 ? header->sh_size / header->sh_entsize : 0;
    for (size_t i = 0; data != NULL && i < n && i < SYMBOLS_MAX; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL || symbol.st_shndx == SHN_UNDEF)
            continue;
        const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (name != NULL)
            note_symbol(name, header->sh_type == SHT_DYNSYM, facts);
    }
}

static void read_needed(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
                        struct file_facts *facts)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Dyn  entry;
    for (int i = 0; data != NULL && gelf_getdyn(data, i, &entry) != NULL; i++) {
        if (entry.d_tag == DT_NULL)
            break;
        const char *name =
            entry.d_tag == DT_NEEDED ? elf_strptr(elf, header->sh_link, entry.d_un.d_val) : NULL;
        if (name == NULL)
            continue;
        if (strncmp(name, "libneap.so", strlen("libneap.so")) == 0)
            facts->has_neap = true;
        for (size_t j = 0; j < N_ALLOCATORS; j++) {
            const char *library = allocators[j].library;
            if (library != NULL && strncmp(name, library, strlen(library)) == 0)
                facts->asked_for = allocators[j].name;
        }
    }
}

static void read_file(const char *path, struct file_facts *facts)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)elf_version(EV_CURRENT);
    Elf     *elf = elf_begin(fd, ELF_C_READ, NULL);
    Elf_Scn *section = NULL;
    while (elf != NULL && (section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL)
            continue;
        if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
            read_symbols(elf, section, &header, facts);
        else if (header.sh_type == SHT_DYNAMIC)
            read_needed(elf, section, &header, facts);
    }
    (void)elf_end(elf);
    (void)close(fd);
}

void diagnose_file(struct diagnosis *diagnosis, const char *path)
{
    struct file_facts facts = {0};
    read_file(path, &facts);
    if (facts.has_neap) {
        diagnosis_add(diagnosis, FINDING_OK, "allocator", "%s: linked with neap already", path);
    } else if (facts.exports_malloc) {
        diagnosis_add(diagnosis, FINDING_FAIL, "allocator",
                      "%s: brings its own malloc (%s), which the loader prefers to every library",
                      path, facts.inside != NULL ? facts.inside : "unknown");
        diagnosis_fix(diagnosis, "build the program without it, or link it with -lneap");
    } else if (facts.inside != NULL) {
        diagnosis_add(diagnosis, FINDING_WARN, "allocator",
                      "%s: has %s inside; what the program asks of that, neap does not see", path,
                      facts.inside);
        diagnosis_fix(diagnosis, "build the program to use the system's malloc");
    } else if (facts.asked_for != NULL) {
        diagnosis_add(diagnosis, FINDING_OK, "allocator",
                      "%s: linked with %s's library; preloaded, neap takes its place", path,
                      facts.asked_for);
    } else {
        diagnosis_add(diagnosis, FINDING_OK, "allocator", "%s: no allocator of its own", path);
    }
}

// What mends each refusal of elf_check.
static const char *fix_of(enum elf_verdict verdict)
{
    switch (verdict) {
    case ELF_STATIC:
        return "link the program with -lneap: cc ... -static -lneap -pthread";
    case ELF_FOREIGN:
        return "install libneap0 for that architecture and start the program with"
               " LD_PRELOAD=libneap.so.0 (a bare name: the loader picks the right one)";
    case ELF_OTHER_LOADER:
        return "link the program with a libneap.a built for its C library";
    case ELF_PRIVILEGED:
        return "link the program with -lneap";
    default:
        return "";
    }
}

void diagnose_command(struct diagnosis *diagnosis, const char *root, const char *command)
{
    char              path[LAUNCH_PATH_BYTES];
    struct elf_report report;
    bool              is_found = root != NULL ? elf_resolve_in(root, command, path, sizeof path)
                                              : launch_locate(command, path, sizeof path) == 0;
    if (!is_found) {
        diagnosis_add(diagnosis, FINDING_FAIL, "program", "%s: no such command%s%s", command,
                      root != NULL ? " in " : " in PATH", root != NULL ? root : "");
        diagnosis_fix(diagnosis, "name it with its path");
        return;
    }
    elf_check_command_in(root, path, &report);
    if (report.verdict != ELF_FITS) {
        diagnosis_add(diagnosis, FINDING_FAIL, "program", "%s", report.reason);
        diagnosis_fix(diagnosis, "%s", fix_of(report.verdict));
        return;
    }
    diagnosis_add(diagnosis, FINDING_OK, "program",
                  "%s: can be preloaded: dynamic, this architecture and C library", path);
    diagnose_file(diagnosis, path);
}
