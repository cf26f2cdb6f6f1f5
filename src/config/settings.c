// Loading: from the host's environment and a file into the fields of struct config.
#include "config/settings.h"

#include "base/units.h"
#include "config/complaint.h"
#include "os/host.h"

// Where a value was written. In the environment `path` is NULL.
struct place {
    const char *path;
    size_t      line;
};

static const struct place environment = {NULL, 0};

// The file's contents while they are read. Static, because a thread's stack may be small.
static char file_text[SETTINGS_FILE_BYTES_MAX];

// ---- fields -----------------------------------------------------------------------------------

static size_t number_get(const struct settings *settings, enum option_id id)
{
    size_t number;
    memcpy(&number, (const char *)&settings->values + options[id].offset, sizeof number);
    return number;
}

static void number_set(struct settings *settings, enum option_id id, size_t number)
{
    memcpy((char *)&settings->values + options[id].offset, &number, sizeof number);
}

static const char *string_get(const struct settings *settings, enum option_id id)
{
    return (const char *)&settings->values + options[id].offset;
}

// Requires: text.length < CONFIG_TEXT_BYTES.
static void string_set(struct settings *settings, enum option_id id, struct text text)
{
    char *field = (char *)&settings->values + options[id].offset;
    memcpy(field, text.start, text.length);
    field[text.length] = '\0';
}

void settings_print(const struct settings *settings, enum option_id id,
                    char out_text[CONFIG_TEXT_BYTES])
{
    if (options[id].is_text)
        strcpy(out_text, string_get(settings, id));
    else
        option_print(&options[id], number_get(settings, id), out_text);
}

// ---- complaints -------------------------------------------------------------------------------

static void begin_at(struct complaint *complaint, const struct place *place)
{
    complaint_begin(complaint);
    if (place->path == NULL)
        return;
    complaint_quote(complaint, text_of(place->path));
    complaint_add(complaint, ":");
    complaint_add_number(complaint, place->line);
    complaint_add(complaint, ": ");
}

// About a name, or a line, that cannot be used at all.
static void complain(const struct place *place, struct text written, const char *words)
{
    struct complaint complaint;
    begin_at(&complaint, place);
    complaint_quote(&complaint, written);
    complaint_add(&complaint, words);
    complaint_say(&complaint);
}

static void complain_of_name(const struct place *place, struct text name)
{
    struct complaint complaint;
    enum option_id   nearest = option_nearest(name);
    if (nearest == OPTIONS) {
        complain(place, name, " is not an option (see neap-env(7))");
        return;
    }
    begin_at(&complaint, place);
    complaint_quote(&complaint, name);
    complaint_add(&complaint, " is not an option: did you mean ");
    complaint_add(&complaint, options[nearest].name);
    complaint_add(&complaint, "?");
    complaint_say(&complaint);
}

// Why a number was refused: " is not ...".
static void add_reason(struct complaint *complaint, const struct option *option,
                       enum option_verdict verdict)
{
    char low[VALUE_TEXT_BYTES], high[VALUE_TEXT_BYTES];
    complaint_add(complaint, " is not ");
    if (verdict == OPTION_NOT_OF_UNIT) {
        complaint_add(complaint, value_unit_text(option->unit));
    } else if (verdict == OPTION_OUT_OF_RANGE) {
        option_print(option, option->lowest, low);
        option_print(option, option->highest, high);
        complaint_add(complaint, "in the range from ");
        complaint_add(complaint, low);
        complaint_add(complaint, " to ");
        complaint_add(complaint, high);
    } else {
        option_print(option, option->multiple_of, low);
        complaint_add(complaint, "a multiple of ");
        complaint_add(complaint, low);
    }
    if (option->may_be_off)
        complaint_add(complaint, option->may_be_auto ? ", auto, or off" : ", or off");
}

static void complain_of_number(const struct settings *settings, const struct place *place,
                               enum option_id id, struct text value, enum option_verdict verdict)
{
    struct complaint complaint;
    char             kept[VALUE_TEXT_BYTES];
    begin_at(&complaint, place);
    complaint_add(&complaint, options[id].name);
    complaint_add(&complaint, "=");
    complaint_quote(&complaint, value);
    add_reason(&complaint, &options[id], verdict);
    if (place->path != NULL) {   // the environment may still say something else
        complaint_add(&complaint, ": ignored");
    } else {
        option_print(&options[id], number_get(settings, id), kept);
        complaint_add(&complaint, ": using ");
        complaint_add(&complaint, kept);
    }
    complaint_say(&complaint);
}

// ---- one value --------------------------------------------------------------------------------

// Sets an option, or complains. An empty value is none.
static void take_value(struct settings *settings, const struct place *place, enum option_id id,
                       struct text value)
{
    size_t number;
    if (value.length == 0)
        return;
    if (options[id].is_text) {
        if (value.length >= CONFIG_TEXT_BYTES) {
            complain(place, text_of(options[id].name), " is longer than a path can be: ignored");
            return;
        }
        string_set(settings, id, value);
    } else {
        enum option_verdict verdict = option_parse(&options[id], value, &number);
        if (verdict != OPTION_ACCEPTED) {
            complain_of_number(settings, place, id, value, verdict);
            return;
        }
        number_set(settings, id, number);
    }
    settings->origins[id] = place->path != NULL ? CONFIG_FROM_FILE : CONFIG_FROM_ENVIRONMENT;
}

// ---- the file ---------------------------------------------------------------------------------

// A comment begins the line, or follows a blank.
static struct text without_comment(struct text line)
{
    for (size_t i = 0; i < line.length; i++) {
        if (line.start[i] == '#' && (i == 0 || letter_is_blank(line.start[i - 1])))
            return (struct text){line.start, i};
    }
    return line;
}

static void take_line(struct settings *settings, const struct place *place, struct text line)
{
    line = text_trim(without_comment(line));
    if (line.length == 0)
        return;
    size_t         equals_sign = text_find(line, '=');
    struct text    name = text_trim((struct text){line.start, equals_sign});
    enum option_id id = option_find_in_file(name);
    if (equals_sign == line.length || name.length == 0)
        complain(place, line, " is not NAME=VALUE: ignored");
    else if (id == OPTIONS)
        complain_of_name(place, name);
    else if (id == OPTION_conf)
        complain(place, name, " is only for the environment: ignored");
    else
        take_value(settings, place, id, text_trim(text_behind(line, equals_sign + 1)));
}

static void take_lines(struct settings *settings, const char *path, struct text text)
{
    struct place place = {path, 1};
    for (; text.length > 0; place.line++) {
        size_t end = text_find(text, '\n');
        take_line(settings, &place, (struct text){text.start, end});
        text = text_behind(text, size_min(end + 1, text.length));
    }
}

static const char *const unreadable_texts[] = {
    [HOST_FILE_ABSENT] = " is not there: going on without it",
    [HOST_FILE_FORBIDDEN] = " may not be read: going on without it",
    [HOST_FILE_TOO_LONG] = " is longer than 16KiB: going on without it",
    [HOST_FILE_UNREADABLE] = " cannot be read: going on without it",
};

static void take_file(struct settings *settings, const char *path)
{
    size_t                n_bytes;
    enum host_file_result result = host_read_file(path, file_text, sizeof file_text, &n_bytes);
    if (result == HOST_FILE_READ) {
        take_lines(settings, path, (struct text){file_text, n_bytes});
        return;
    }
    struct complaint complaint;
    complaint_begin(&complaint);
    complaint_add(&complaint, "NEAP_CONF=");
    complaint_quote(&complaint, text_of(path));
    complaint_add(&complaint, unreadable_texts[result]);
    complaint_say(&complaint);
}

// ---- the environment --------------------------------------------------------------------------

// The first entry NAME=VALUE, as getenv finds it.
static struct text value_in(const char *const *entries, const char *name)
{
    for (; *entries != NULL; entries++) {
        struct text entry = text_of(*entries);
        size_t      equals_sign = text_find(entry, '=');
        if (equals_sign < entry.length &&
            text_equals((struct text){entry.start, equals_sign}, name))
            return text_behind(entry, equals_sign + 1);
    }
    return text_of("");
}

static void complain_of_unknown(const char *const *entries)
{
    for (; *entries != NULL; entries++) {
        struct text entry = text_of(*entries);
        struct text name = {entry.start, text_find(entry, '=')};
        if (strncmp(*entries, OPTION_PREFIX, strlen(OPTION_PREFIX)) == 0 &&
            option_find(name) == OPTIONS && !option_is_foreign(name))
            complain_of_name(&environment, name);
    }
}

// Of texts, too: they are empty, as they were made of zeros.
static void set_defaults(struct settings *settings)
{
    for (enum option_id id = 0; id < OPTIONS; id++) {
        settings->origins[id] = CONFIG_FROM_DEFAULT;
        if (!options[id].is_text)
            number_set(settings, id, options[id].initial);
    }
}

void settings_load(struct settings *settings)
{
    set_defaults(settings);
    const char *const *entries = host_environment();
    if (entries == NULL || host_is_secure())
        return;
    take_value(settings, &environment, OPTION_conf, value_in(entries, options[OPTION_conf].name));
    if (settings->origins[OPTION_conf] != CONFIG_FROM_DEFAULT)
        take_file(settings, settings->values.conf);
    for (enum option_id id = 0; id < OPTIONS; id++) {
        if (id != OPTION_conf)
            take_value(settings, &environment, id, value_in(entries, options[id].name));
    }
    complain_of_unknown(entries);
}
