// Children, what they write to stderr, and how they end.
#include "child.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// Of a child that was stopped, an emulator has a line of its own to say.
static void without_emulators_line(char *text)
{
    char *line = strstr(text, "qemu: uncaught target signal");
    if (line != NULL)
        *line = '\0';
}

// Runs `function` in a child and returns its wait status; its stderr, cut short, in `text`.
static int run_in_child(void (*function)(void *), void *argument, char *text, size_t text_bytes)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        // Without cmocka's handlers, and an assertion that does not hold ends the child: either
        // would go on with the next test.
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        dup2(pipe_ends[1], STDERR_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        function(argument);
        _exit(0);
    }
    close(pipe_ends[1]);
    size_t  length = 0;
    ssize_t n_read;
    while ((n_read = read(pipe_ends[0], text + length, text_bytes - 1 - length)) > 0)
        length += (size_t)n_read;
    text[length] = '\0';
    without_emulators_line(text);
    close(pipe_ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

void expect_dies(void (*function)(void *), void *argument, const char *text)
{
    char written[4096];
    int  status = run_in_child(function, argument, written, sizeof written);
    assert_int_not_equal(status, 0);
    if (strstr(written, text) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", text, written);
}

void expect_stops(void (*function)(void *), void *argument, const char *line)
{
    char written[4096];
    int  status = run_in_child(function, argument, written, sizeof written);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("the child ended with status 0x%x: %s", (unsigned)status, written);
    if (strncmp(written, line, strlen(line)) != 0 ||
        strchr(written, '\n') != written + strlen(written) - 1)
        fail_msg("expected one line \"%s...\", got \"%s\"", line, written);
}

void expect_survives(void (*function)(void *), void *argument)
{
    char written[4096];
    int  status = run_in_child(function, argument, written, sizeof written);
    if (status != 0)
        fail_msg("the child ended with status 0x%x: %s", (unsigned)status, written);
}
