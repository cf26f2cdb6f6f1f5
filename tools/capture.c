// Capture: a temporary file rather than a pipe, so that a command never waits for its reader
// while it is measured.
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES 65536   // both blocks of a comparison lie on the stack

#define FNV_START 14695981039346656037u
#define FNV_PRIME 1099511628211u

bool capture_open(struct capture *capture)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    *capture = (struct capture){.fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (capture->fd >= 0)
        return true;

    // The file system has no nameless files.
    char path[] = "/tmp/neap-XXXXXX";
    capture->fd = mkostemp(path, O_CLOEXEC);
    if (capture->fd >= 0)
        (void)unlink(path);
    return capture->fd >= 0;
}

void capture_close(struct capture *capture)
{
    if (capture->fd >= 0)
        (void)close(capture->fd);
    capture->fd = -1;
}

// Reads until the block is full or the file ends. Returns the bytes read, -1 with errno.
static ssize_t read_block(int fd, unsigned char *block, uint64_t at)
{
    size_t n_read = 0;
    while (n_read < BLOCK_BYTES) {
        ssize_t got = pread(fd, block + n_read, BLOCK_BYTES - n_read, (off_t)(at + n_read));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n_read += (size_t)got;
    }
    return (ssize_t)n_read;
}

bool capture_seal(struct capture *capture)
{
    unsigned char block[BLOCK_BYTES];
    uint64_t      checksum = FNV_START, at = 0;
    ssize_t       got;
    while ((got = read_block(capture->fd, block, at)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            checksum = (checksum ^ block[i]) * FNV_PRIME;
        at += (uint64_t)got;
    }
    capture->n_bytes = at;
    capture->checksum = checksum;
    return got == 0;
}

int capture_compare(const struct capture *a, const struct capture *b, uint64_t *out_offset)
{
    unsigned char block_a[BLOCK_BYTES], block_b[BLOCK_BYTES];
    uint64_t      at = 0;
    for (;;) {
        ssize_t got_a = read_block(a->fd, block_a, at);
        ssize_t got_b = read_block(b->fd, block_b, at);
        if (got_a < 0 || got_b < 0)
            return -1;

        ssize_t common = got_a < got_b ? got_a : got_b;
        ssize_t same = 0;
        while (same < common && block_a[same] == block_b[same])
            same++;
        if (same < common || got_a != got_b) {
            *out_offset = at + (uint64_t)same;
            return 0;
        }
        if (got_a == 0)
            return 1;
        at += (uint64_t)got_a;
    }
}
