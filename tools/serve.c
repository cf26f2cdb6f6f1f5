// neap serve: answers requests for the statistics of running processes over HTTP.
//
// One thread of libmicrohttpd's handles one request after the other, so the table of processes
// needs no lock; this one waits for a signal that ends it.
#include "commands.h"
#include "exit_code.h"
#include "exposition.h"
#include "message.h"
#include "operand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define PIDS_MAX 64
#define PORT_DEFAULT 9463
#define ADDRESS_DEFAULT "127.0.0.1"
#define CONNECTIONS_MAX 16u
#define IDLE_S 10u   // a connection on which nothing comes is closed

struct serve_settings {
    const char *address;
    unsigned    port;
};

static const struct option_spec serve_options[] = {
    {.name = "address",
     .kind = OPTION_TEXT,
     .value_name = "ADDRESS",
     .choices = ADDRESS_DEFAULT " 0.0.0.0",
     .offset = offsetof(struct serve_settings, address),
     .help = "IPv4 address to listen on; 127.0.0.1 by default, 0.0.0.0 is all of them"},
    {.letter = 'p',
     .name = "port",
     .kind = OPTION_COUNT,
     .value_name = "PORT",
     .minimum = 0,
     .maximum = 65535,
     .offset = offsetof(struct serve_settings, port),
     .help = "port to listen on; 9463 by default, 0 is any that is free"},
    {0},
};

const struct command_spec serve_spec = {
    .name = "serve",
    .summary = "answer Prometheus: /metrics over HTTP",
    .usage = "[OPTION...] [PID...]",
    .examples = "  neap serve                      every process that may be looked into\n"
                "  neap serve --port 9000 4127     this one\n"
                "  curl http://127.0.0.1:9463/metrics\n",
    .notes = "Who can reach the port can read the numbers; there is neither password nor\n"
             "encryption. SIGTERM and SIGINT end it.\n",
    .options = serve_options,
    .operands = OPERANDS_FREE,
    .n_operands_max = PIDS_MAX,
};

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
                                   const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_metrics(struct MHD_Connection *connection, struct targets *targets)
{
    const char *accepted = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    enum exposition_format format =
        accepted != NULL && strstr(accepted, "application/openmetrics-text") != NULL
            ? EXPOSITION_OPENMETRICS
            : EXPOSITION_PROMETHEUS;
    char  *text = NULL;
    size_t n_bytes = 0;
    FILE  *out = targets_refresh(targets) ? open_memstream(&text, &n_bytes) : NULL;
    if (out == NULL)
        return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "cannot read /proc\n");
    exposition_write(targets, format, out);
    bool                 is_whole = fclose(out) == 0;
    struct MHD_Response *response =
        is_whole ? MHD_create_response_from_buffer(n_bytes, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", exposition_content_type(format));
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_request(void *argument, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *data, size_t *n_data, void **state)
{
    (void)version, (void)data, (void)state;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        *n_data = 0;
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    }
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(connection, argument);
    if (strcmp(url, "/") == 0)
        return answer_text(connection, MHD_HTTP_OK, "neap serve: statistics are at /metrics\n");
    return answer_text(connection, MHD_HTTP_NOT_FOUND, "not here; statistics are at /metrics\n");
}

// Listens, says where, and waits for the signal.
static int serve(const struct serve_settings *settings, struct targets *targets)
{
    sigset_t           ending;
    int                signal_number;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)settings->port)};
    if (inet_pton(AF_INET, settings->address, &address.sin_addr) != 1)
        return message_exit(EXIT_CODE_USAGE, "--address: '%s' is no IPv4 address",
                            settings->address);
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ending, NULL);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer_request, targets,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
        CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
    if (daemon == NULL)
        return message_exit(EXIT_CODE_FAILED, "cannot listen on %s:%u: %s; is another there?",
                            settings->address, settings->port, strerror(errno));
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    printf("http://%s:%u/metrics\n", settings->address, info != NULL ? info->port : settings->port);
    int exit_code = fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    if (exit_code == EXIT_CODE_DONE)
        (void)sigwait(&ending, &signal_number);
    MHD_stop_daemon(daemon);
    return exit_code;
}

int command_serve(char **argv)
{
    struct serve_settings settings = {.address = ADDRESS_DEFAULT, .port = PORT_DEFAULT};
    struct targets        targets = {.n_all = 0};
    pid_t                 pids[PIDS_MAX];
    int                   first, exit_code;
    if (!options_take(&serve_spec, argv, &settings, &first, &exit_code))
        return exit_code;
    for (char **operand = argv + first; *operand != NULL; operand++) {
        if (!operand_pid(*operand, &pids[targets.n_wanted++]))
            return EXIT_CODE_USAGE;
    }
    targets.wanted = targets.n_wanted > 0 ? pids : NULL;
    exit_code = serve(&settings, &targets);
    targets_free(&targets);
    return exit_code;
}
