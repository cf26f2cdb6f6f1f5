// Result files are opened early without being emptied: a command that cannot be started
// must not cost the result of yesterday.
#include "out_file.h"

#include "exit_code.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int out_file_open(struct out_file *file, const char *path, const char *option)
{
    *file = (struct out_file){.path = path};
    if (path == NULL)
        return 0;

    file->created = access(path, F_OK) != 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0)
        file->stream = fdopen(fd, "w");   // does not empty it
    if (file->stream != NULL)
        return 0;

    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    file->path = NULL;
    return message_exit(EXIT_CODE_USAGE,
                        "%s: cannot write %s: %s; name a file in a folder that"
                        " exists and is yours",
                        option, path, strerror(error));
}

FILE *out_file_start(struct out_file *file)
{
    // A pipe or /dev/stdout cannot be emptied, and need not be.
    if (ftruncate(fileno(file->stream), 0) != 0)
        clearerr(file->stream);
    return file->stream;
}

int out_file_finish(struct out_file *file)
{
    if (file->path == NULL)
        return 0;
    bool failed = ferror(file->stream) != 0;
    failed |= fclose(file->stream) != 0;
    const char *path = file->path;
    file->path = NULL;
    if (failed)
        return message_exit(EXIT_CODE_NEAP, "cannot write all of %s: %s; is the disk full?", path,
                            strerror(errno));
    return 0;
}

void out_file_discard(struct out_file *file)
{
    if (file->path == NULL)
        return;
    (void)fclose(file->stream);
    if (file->created)
        (void)unlink(file->path);
    file->path = NULL;
}
