// neap doctor: will neap work here, is it active there, what is in the way, and what mends it.
#include "commands.h"
#include "diagnosis.h"
#include "exit_code.h"
#include "message.h"
#include "operand.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct doctor_settings {
    const char *image;
    bool        system, json;
};

static const struct option_spec doctor_options[] = {
    {.name = "image",
     .kind = OPTION_TEXT,
     .value_name = "DIR",
     .offset = offsetof(struct doctor_settings, image),
     .help = "look at the root of a system that is not running, such as an unpacked\n"
             "container image; CMD is one in it"},
    {.name = "system",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct doctor_settings, system),
     .help = "look at this machine: what there is without CMD and PID"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct doctor_settings, json),
     .help = "one JSON object instead of text, schema neap.doctor/1"},
    {0},
};

const struct command_spec doctor_spec = {
    .name = "doctor",
    .summary = "will neap work here, is it active there, and what mends it if not",
    .usage = "[OPTION...] [CMD|PID]",
    .examples = "  neap doctor ./server            can this program have neap?\n"
                "  neap doctor 4127                has this process got it?\n"
                "  neap doctor                     this machine\n"
                "  neap doctor --image rootfs /usr/bin/server\n",
    .notes = "Nothing is started and nothing is changed. 'ok' is as it should be, 'warn' works\n"
             "but may surprise, 'fail' keeps neap from working: then the exit code is 3.\n",
    .options = doctor_options,
    .operands = OPERANDS_FREE,
    .n_operands_max = 1,
};

static const char *const level_names[] = {
    [FINDING_OK] = "ok", [FINDING_WARN] = "warn", [FINDING_FAIL] = "fail"};

static void print_text(const struct diagnosis *diagnosis)
{
    static const char *const colours[] = {
        [FINDING_OK] = "\033[32m", [FINDING_WARN] = "\033[33m", [FINDING_FAIL] = "\033[31m"};
    bool is_coloured = message_may_colour(stdout);
    for (size_t i = 0; i < diagnosis->n_findings; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        printf("%s%-4s%s  %s\n", is_coloured ? colours[finding->level] : "",
               level_names[finding->level], is_coloured ? "\033[0m" : "", finding->text);
        if (finding->fix[0] != '\0')
            printf("      fix: %s\n", finding->fix);
    }
}

static void print_json(const struct diagnosis *diagnosis)
{
    printf("{\"schema\": \"neap.doctor/1\", \"works\": %s, \"findings\": [",
           diagnosis_has_failed(diagnosis) ? "false" : "true");
    for (size_t i = 0; i < diagnosis->n_findings; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        printf("%s{\"level\": \"%s\", \"topic\": \"%s\", \"text\": ", i > 0 ? ", " : "",
               level_names[finding->level], finding->topic);
        text_write_json(stdout, finding->text);
        if (finding->fix[0] != '\0') {
            printf(", \"fix\": ");
            text_write_json(stdout, finding->fix);
        }
        printf("}");
    }
    printf("]}\n");
}

static bool is_pid(const char *operand)
{
    return operand != NULL && operand[0] != '\0' && operand[strspn(operand, "0123456789")] == '\0';
}

// Looks at what the command line names. Returns 0, or an exit code after one line.
static int look(const struct doctor_settings *settings, const char *operand,
                struct diagnosis *diagnosis)
{
    pid_t       pid;
    struct stat status;
    if (settings->image != NULL) {
        if (stat(settings->image, &status) != 0 || !S_ISDIR(status.st_mode))
            return message_exit(EXIT_CODE_USAGE, "--image: %s: %s", settings->image,
                                errno != 0 ? strerror(errno) : strerror(ENOTDIR));
        diagnose_image(diagnosis, settings->image);
        if (operand != NULL)
            diagnose_command(diagnosis, settings->image, operand);
    } else if (is_pid(operand)) {
        if (!operand_pid(operand, &pid))
            return EXIT_CODE_USAGE;
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return message_exit(EXIT_CODE_NO_PROCESS, "there is no process %d", (int)pid);
        diagnose_process(diagnosis, pid);
    } else if (operand != NULL) {
        diagnose_command(diagnosis, NULL, operand);
        diagnose_environment(diagnosis, (const char *const *)environ, "");
    }
    if (settings->system || (operand == NULL && settings->image == NULL)) {
        diagnose_system(diagnosis);
        if (operand == NULL)
            diagnose_environment(diagnosis, (const char *const *)environ, "");
    }
    return EXIT_CODE_DONE;
}

int command_doctor(char **argv)
{
    static struct diagnosis diagnosis;   // large
    struct doctor_settings  settings = {0};
    int                     first, exit_code;
    if (!options_take(&doctor_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    errno = 0;
    exit_code = look(&settings, argv[first], &diagnosis);
    if (exit_code != 0)
        return exit_code;
    if (settings.json)
        print_json(&diagnosis);
    else
        print_text(&diagnosis);
    return diagnosis_has_failed(&diagnosis) ? EXIT_CODE_FINDING : EXIT_CODE_DONE;
}
