// What environment and file make of the defaults, what is said about mistakes, and that nothing of
// it is read beyond its end. config/complaint.h makes the lines, config/config.h is the face.
#include "config/settings.h"

#include "base/units.h"
#include "config/complaint.h"
#include "host_fake.h"
#include "unit_kit.h"

#include <stdlib.h>

#define ENTRIES_MAX 6
#define EXPECTED_MAX 4

struct expected_value {
    enum option_id     id;
    const char        *text;
    enum config_origin origin;
};

struct settings_row {
    const char           *name;
    const char           *entries[ENTRIES_MAX];   // of the environment
    const char           *file;                   // what NEAP_CONF's file contains
    bool                  is_secure;
    const char           *said;                     // NULL: nothing
    struct expected_value expected[EXPECTED_MAX];   // `text` NULL: no more; others are defaults
};

#define FROM_ENVIRONMENT(field, text)                                                              \
    {                                                                                              \
        OPTION_##field, text, CONFIG_FROM_ENVIRONMENT                                              \
    }
#define FROM_FILE(field, text)                                                                     \
    {                                                                                              \
        OPTION_##field, text, CONFIG_FROM_FILE                                                     \
    }

static const struct settings_row rows[] = {
    {.name = "no environment is all defaults", .entries = {NULL}},
    {.name = "others' variables are nothing to us",
     .entries = {"HOME=/root", "NEAPOLITAN=1", "neap_arena=1", "=NEAP_ARENA=1M", "XNEAP_ARENA=1M"}},
    {.name = "names of the project's scripts are known", .entries = {"NEAP_BUILD=/x"}},
    {.name = "every unit",
     .entries = {"NEAP_DISABLE=yes", "NEAP_ARENA=1.5MiB", "NEAP_RETAIN=200%",
                 "NEAP_EXIT_STATS=/tmp/a b"},
     .expected = {FROM_ENVIRONMENT(disable, "on"), FROM_ENVIRONMENT(arena_bytes, "1536KiB"),
                  FROM_ENVIRONMENT(retain_pct, "200%"), FROM_ENVIRONMENT(exit_stats, "/tmp/a b")}},
    {.name = "off",
     .entries = {"NEAP_RETAIN=OFF"},
     .expected = {FROM_ENVIRONMENT(retain_pct, "off")}},
    {.name = "auto",
     .entries = {"NEAP_LIMIT=AUTO"},
     .expected = {FROM_ENVIRONMENT(soft_limit, "auto")}},
    {.name = "a share",
     .entries = {"NEAP_LIMIT=80%", "NEAP_HARD_LIMIT=2GiB"},
     .expected = {FROM_ENVIRONMENT(soft_limit, "80%"), FROM_ENVIRONMENT(hard_limit, "2GiB")}},
    {.name = "the default, written by the user, comes from the user",
     .entries = {"NEAP_ARENA=64M"},
     .expected = {FROM_ENVIRONMENT(arena_bytes, "64MiB")}},
    {.name = "a known name without a value is none", .entries = {"NEAP_ARENA", "NEAP_CONF"}},
    {.name = "an empty value is none",
     .entries = {"NEAP_ARENA=", "NEAP_EXIT_STATS=", "NEAP_CONF="}},
    {.name = "the first of two counts, as for getenv",
     .entries = {"NEAP_ARENA=1M", "NEAP_ARENA=2M"},
     .expected = {FROM_ENVIRONMENT(arena_bytes, "1MiB")}},
    {.name = "an equals sign may be in a value",
     .entries = {"NEAP_EXIT_STATS=a=b"},
     .expected = {FROM_ENVIRONMENT(exit_stats, "a=b")}},
    {.name = "a process with more rights than its user has the defaults, and is silent",
     .entries = {"NEAP_ARENA=1M", "NEAP_ARENNA=1", "NEAP_CONF=f.conf"},
     .file = "retain=200\nnonsense\n",
     .is_secure = true},

    {.name = "an unknown name and the nearest known",
     .entries = {"NEAP_ARENNA=1M"},
     .said = "neap: NEAP_ARENNA is not an option: did you mean NEAP_ARENA?\n"},
    {.name = "an unknown name far from all",
     .entries = {"NEAP_XYZZY=1M"},
     .said = "neap: NEAP_XYZZY is not an option (see neap-env(7))\n"},
    {.name = "an unknown name without a value",
     .entries = {"NEAP_RETAIM"},
     .said = "neap: NEAP_RETAIM is not an option: did you mean NEAP_RETAIN?\n"},
    {.name = "not of its unit: bytes",
     .entries = {"NEAP_ARENA=64Q"},
     .said = "neap: NEAP_ARENA=64Q is not a size (such as 64MiB): using 64MiB\n"},
    {.name = "not of its unit: percent",
     .entries = {"NEAP_RETAIN=much"},
     .said = "neap: NEAP_RETAIN=much is not a percentage (such as 110%), or off: using 110%\n"},
    {.name = "not of its unit: count",
     .entries = {"NEAP_PAGE_CACHES=-1"},
     .said = "neap: NEAP_PAGE_CACHES=-1 is not a count (such as 8): using 0\n"},
    {.name = "not of its unit: switch",
     .entries = {"NEAP_DISABLE=maybe"},
     .said = "neap: NEAP_DISABLE=maybe is not a switch (on or off): using off\n"},
    {.name = "not of its unit: limit",
     .entries = {"NEAP_LIMIT=most"},
     .said = "neap: NEAP_LIMIT=most is not a size (such as 64MiB) or a share (1% to 100%), auto, "
             "or off: using auto\n"},
    {.name = "out of range",
     .entries = {"NEAP_ARENA=2T"},
     .said = "neap: NEAP_ARENA=2T is not in the range from 1MiB to 1TiB: using 64MiB\n"},
    {.name = "out of range, where off is in it",
     .entries = {"NEAP_RETAIN=99"},
     .said = "neap: NEAP_RETAIN=99 is not in the range from 100% to 1000%, or off: using 110%\n"},
    {.name = "no multiple",
     .entries = {"NEAP_ARENA=1234567"},
     .said = "neap: NEAP_ARENA=1234567 is not a multiple of 64KiB: using 64MiB\n"},
    {.name = "control characters are not passed on",
     .entries = {"NEAP_ARENA=\x1b[31m\n1\x7f"},
     .said = "neap: NEAP_ARENA=?[31m?1? is not a size (such as 64MiB): using 64MiB\n"},
    {.name = "a line for each mistake",
     .entries = {"NEAP_ARENA=x", "NEAP_RETAIM=1", "NEAP_DISABLE=1", "NEAP_PAGE_CACHES=65"},
     .said = "neap: NEAP_ARENA=x is not a size (such as 64MiB): using 64MiB\n"
             "neap: NEAP_PAGE_CACHES=65 is not in the range from 0 to 64: using 0\n"
             "neap: NEAP_RETAIM is not an option: did you mean NEAP_RETAIN?\n",
     .expected = {FROM_ENVIRONMENT(disable, "on")}},

    {.name = "a file",
     .entries = {"NEAP_CONF=f.conf"},
     .file = "NEAP_ARENA=1MiB\nretain = off\n  Page_Caches\t=\t3  \r\nexit_stats = a b",
     .expected = {FROM_FILE(arena_bytes, "1MiB"), FROM_FILE(retain_pct, "off"),
                  FROM_FILE(page_caches, "3"), FROM_FILE(exit_stats, "a b")}},
    {.name = "comments and empty lines",
     .entries = {"NEAP_CONF=f.conf"},
     .file = "# arena=x\n\n \t\r\n  # arena=x\narena=1M # small\nexit_stats=a#b\n#",
     .expected = {FROM_FILE(arena_bytes, "1MiB"), FROM_FILE(exit_stats, "a#b")}},
    {.name = "an empty file", .entries = {"NEAP_CONF=f.conf"}, .file = ""},
    {.name = "the last of two lines counts, an empty value none",
     .entries = {"NEAP_CONF=f.conf"},
     .file = "arena=1M\narena=2M\narena=\n",
     .expected = {FROM_FILE(arena_bytes, "2MiB")}},
    {.name = "the environment wins over the file",
     .entries = {"NEAP_ARENA=1M", "NEAP_CONF=f.conf"},
     .file = "arena=2M\nretain=300",
     .expected = {FROM_ENVIRONMENT(arena_bytes, "1MiB"), FROM_FILE(retain_pct, "300%")}},
    {.name = "a mistake in the environment leaves what the file says",
     .entries = {"NEAP_ARENA=x", "NEAP_CONF=f.conf"},
     .file = "arena=2M\n",
     .said = "neap: NEAP_ARENA=x is not a size (such as 64MiB): using 2MiB\n",
     .expected = {FROM_FILE(arena_bytes, "2MiB")}},
    {.name = "mistakes in a file",
     .entries = {"NEAP_CONF=f.conf"},
     .file = "arena 1M\n\narenna=1M\nretain=5\n=7\nconf=g.conf\nretain=120\n",
     .said = "neap: f.conf:1: arena 1M is not NAME=VALUE: ignored\n"
             "neap: f.conf:3: arenna is not an option: did you mean NEAP_ARENA?\n"
             "neap: f.conf:4: NEAP_RETAIN=5 is not in the range from 100% to 1000%, or off: "
             "ignored\n"
             "neap: f.conf:5: =7 is not NAME=VALUE: ignored\n"
             "neap: f.conf:6: conf is only for the environment: ignored\n",
     .expected = {FROM_FILE(retain_pct, "120%")}},
};

static struct settings settings;   // 8 KiB

// Everything else is a default.
static void expect_values(const struct expected_value expected[EXPECTED_MAX], bool has_conf)
{
    for (enum option_id id = 0; id < OPTIONS; id++) {
        char               text[CONFIG_TEXT_BYTES], wanted[CONFIG_TEXT_BYTES] = "";
        enum config_origin origin = CONFIG_FROM_DEFAULT;
        if (!options[id].is_text)
            option_print(&options[id], options[id].initial, wanted);
        for (size_t i = 0; i < EXPECTED_MAX && expected[i].text != NULL; i++) {
            if (expected[i].id == id) {
                strcpy(wanted, expected[i].text);
                origin = expected[i].origin;
            }
        }
        if (id == OPTION_conf && has_conf) {
            strcpy(wanted, "f.conf");
            origin = CONFIG_FROM_ENVIRONMENT;
        }
        settings_print(&settings, id, text);
        assert_string_equal(text, wanted);
        assert_int_equal(settings.origins[id], origin);
    }
}

static void load(const char *const *entries, bool is_secure)
{
    memset(&settings, 0, sizeof settings);
    host_fake_forget_said();
    host_fake_set_environment(entries, is_secure);
    settings_load(&settings);
}

static void environment_and_file_are_read(void **state)
{
    const struct settings_row *row = unit_case_of(state)->row;
    bool                       has_conf = row->file != NULL && !row->is_secure;
    if (row->file != NULL)
        host_fake_set_file(HOST_FILE_READ, row->file, strlen(row->file));
    load(row->entries, row->is_secure);
    assert_string_equal(host_fake_said(), row->said != NULL ? row->said : "");
    assert_string_equal(host_fake_path_read(), has_conf ? "f.conf" : "");
    expect_values(row->expected, has_conf);
    host_fake_set_file(HOST_FILE_ABSENT, NULL, 0);
}

struct unreadable_row {
    const char           *name;
    enum host_file_result result;
    const char           *said;
};

static const struct unreadable_row unreadable_rows[] = {
    {"absent", HOST_FILE_ABSENT, "neap: NEAP_CONF=f.conf is not there: going on without it\n"},
    {"forbidden", HOST_FILE_FORBIDDEN,
     "neap: NEAP_CONF=f.conf may not be read: going on without it\n"},
    {"too long", HOST_FILE_TOO_LONG,
     "neap: NEAP_CONF=f.conf is longer than 16KiB: going on without it\n"},
    {"unreadable", HOST_FILE_UNREADABLE,
     "neap: NEAP_CONF=f.conf cannot be read: going on without it\n"},
};

static void a_file_that_cannot_be_read_is_one_line(void **state)
{
    const struct unreadable_row *row = unit_case_of(state)->row;
    const char *const            entries[] = {"NEAP_CONF=f.conf", "NEAP_ARENA=1M", NULL};
    host_fake_set_file(row->result, NULL, 0);
    load(entries, false);
    assert_string_equal(host_fake_said(), row->said);
    assert_int_equal(settings.values.arena_bytes, MIB);
}

static void where_there_is_no_environment_there_are_the_defaults(void **state)
{
    static const struct expected_value none[EXPECTED_MAX];
    load(NULL, false);
    expect_values(none, false);
}

static void a_file_may_be_as_long_as_the_buffer(void **state)
{
    const char *const entries[] = {"NEAP_CONF=f.conf", NULL};
    char             *text = malloc(SETTINGS_FILE_BYTES_MAX + 1);
    memset(text, '#', SETTINGS_FILE_BYTES_MAX + 1);
    memcpy(text + SETTINGS_FILE_BYTES_MAX - 9, "\narena=1M", 9);
    host_fake_set_file(HOST_FILE_READ, text, SETTINGS_FILE_BYTES_MAX);
    load(entries, false);
    assert_int_equal(settings.values.arena_bytes, MIB);
    host_fake_set_file(HOST_FILE_READ, text, SETTINGS_FILE_BYTES_MAX + 1);
    load(entries, false);
    assert_int_equal(settings.values.arena_bytes, 64 * MIB);
    free(text);
}

// "NEAP_EXIT_STATS=" and a path of `length` bytes.
static char *entry_with_long_path(size_t length)
{
    static const char name[] = "NEAP_EXIT_STATS=";
    char             *entry = malloc(sizeof name + length);
    memcpy(entry, name, sizeof name - 1);
    memset(entry + sizeof name - 1, 'x', length);
    entry[sizeof name - 1 + length] = '\0';
    return entry;
}

static void a_text_may_be_as_long_as_its_field(void **state)
{
    char             *entry = entry_with_long_path(CONFIG_TEXT_BYTES - 1);
    const char *const entries[] = {entry, NULL};
    load(entries, false);
    assert_string_equal(host_fake_said(), "");
    assert_int_equal(strlen(settings.values.exit_stats), CONFIG_TEXT_BYTES - 1);
    free(entry);
}

static void a_longer_text_is_refused(void **state)
{
    char             *entry = entry_with_long_path(CONFIG_TEXT_BYTES);
    const char *const entries[] = {entry, NULL};
    load(entries, false);
    assert_string_equal(host_fake_said(),
                        "neap: NEAP_EXIT_STATS is longer than a path can be: ignored\n");
    assert_string_equal(settings.values.exit_stats, "");
    free(entry);
}

static void a_long_line_is_cut_so_that_its_end_is_seen(void **state)
{
    char  entry[3000] = "NEAP_CONF=";
    char  line[3000] = "arena=";
    char *entries[] = {entry, NULL};
    memset(entry + strlen(entry), 'p', 2000);
    memset(line + strlen(line), '9', 2000);
    host_fake_set_file(HOST_FILE_READ, line, strlen(line));
    load((const char *const *)entries, false);
    const char *said = host_fake_said();
    assert_true(strlen(said) < COMPLAINT_LINE_BYTES);
    assert_non_null(strstr(said, "ppp...:1: NEAP_ARENA=999"));
    assert_non_null(strstr(said, "999... is not in the range from 1MiB to 1TiB: ignored\n"));
}

static void a_complaint_is_never_overrun(void **state)
{
    struct complaint complaint;
    host_fake_forget_said();
    complaint_begin(&complaint);
    for (size_t i = 0; i < 1000; i++)
        complaint_add(&complaint, "seven..");
    complaint_say(&complaint);
    assert_int_equal(strlen(host_fake_said()), COMPLAINT_LINE_BYTES);
    assert_int_equal(host_fake_said()[COMPLAINT_LINE_BYTES - 1], '\n');
}

// ---- any text ---------------------------------------------------------------------------------

static size_t random_lines(struct unit_random *random, char *out_text, size_t length_max)
{
    static const char *const words[] = {
        "NEAP_", "ARENA", "retain", "conf", "page_caches", "exit_stats", "=",   "=",
        " ",     "\n",    "\n",     "#",    "64M",         "110%",       "off", "99999999999",
    };
    size_t length = 0;
    size_t wanted = unit_random_below(random, length_max + 1);
    while (length < wanted) {
        const char *word = words[unit_random_below(random, LENGTH_OF(words))];
        size_t      n = size_min(strlen(word), wanted - length);
        memcpy(out_text + length, word, n);
        if (unit_random_below(random, 30) == 0)
            out_text[length] = (char)unit_random_next(random);
        length += n;
    }
    return length;
}

static void expect_whole_clean_lines(const char *said)
{
    while (*said != '\0') {
        const char *end = strchr(said, '\n');
        assert_non_null(end);
        assert_memory_equal(said, "neap: ", 6);
        for (; said < end; said++)
            assert_true((unsigned char)*said >= ' ' && *said != 0x7F);
        said++;
    }
}

// File and entry lie in memory that ends with them, so that ASan sees any byte read too many.
static void any_text_may_be_read(void **state)
{
    struct unit_random random = unit_random_start();
    char               letters[400];
    for (size_t i = 0; i < 20000; i++) {
        size_t n_bytes = random_lines(&random, letters, i % sizeof letters);
        char  *file = malloc(n_bytes);
        memcpy(file, letters, n_bytes);
        letters[random_lines(&random, letters, i % 100)] = '\0';
        char             *entry = strdup(letters);
        const char *const entries[] = {entry, "NEAP_CONF=f.conf", NULL};
        host_fake_set_file(HOST_FILE_READ, file, n_bytes);
        load(entries, false);
        expect_whole_clean_lines(host_fake_said());
        free(file);
        free(entry);
    }
}

// ---- the face ---------------------------------------------------------------------------------

static void the_process_reads_its_options_once(void **state)
{
    const char *const                entries[] = {"NEAP_RETAIN=150", "NEAP_EXIT_STATS=-", NULL};
    const char *const                later[] = {"NEAP_RETAIN=250", "NEAP_ARENA=x", NULL};
    static struct config_description description;
    host_fake_forget_said();
    host_fake_set_environment(entries, false);
    config_load_once();
    host_fake_set_environment(later, false);
    config_load_once();
    assert_string_equal(host_fake_said(), "");
    assert_int_equal(config_get()->retain_pct, 150);
    assert_int_equal(config_get()->arena_bytes, 64 * MIB);
    assert_string_equal(config_get()->exit_stats, "-");

    assert_int_equal(config_n_options(), OPTIONS);
    config_describe(OPTION_retain_pct, &description);
    assert_string_equal(description.name, "NEAP_RETAIN");
    assert_string_equal(description.help, options[OPTION_retain_pct].help);
    assert_string_equal(description.default_text, "110%");
    assert_string_equal(description.value_text, "150%");
    assert_int_equal(description.origin, CONFIG_FROM_ENVIRONMENT);
    config_describe(OPTION_exit_stats, &description);
    assert_string_equal(description.default_text, "");
    assert_string_equal(description.value_text, "-");
    config_describe(OPTION_arena_bytes, &description);
    assert_string_equal(description.value_text, "64MiB");
    assert_int_equal(description.origin, CONFIG_FROM_DEFAULT);
}

static const struct unit_sentence sentences[] = {
    {"where there is no environment there are the defaults",
     where_there_is_no_environment_there_are_the_defaults},
    {"a file may be as long as the buffer", a_file_may_be_as_long_as_the_buffer},
    {"a text may be as long as its field", a_text_may_be_as_long_as_its_field},
    {"a longer text is refused", a_longer_text_is_refused},
    {"a long line is cut so that its end is seen", a_long_line_is_cut_so_that_its_end_is_seen},
    {"a complaint is never overrun", a_complaint_is_never_overrun},
    {"any text may be read", any_text_may_be_read},
    {"the process reads its options once", the_process_reads_its_options_once},
};

int main(void)
{
    unit_add_table(UNIT_TABLE("settings:", rows, 0, environment_and_file_are_read));
    unit_add_table(UNIT_TABLE("settings, a file that is", unreadable_rows, 0,
                              a_file_that_cannot_be_read_is_one_line));
    ADD_SENTENCES("settings,", sentences, 0);
    return cmocka_run_group_tests_name("settings", unit_tests, NULL, NULL);
}
