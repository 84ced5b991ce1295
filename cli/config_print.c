/* config_print.c - the library's lines, and over them what flags say; see config_print.h. */
#include "cli/config_print.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/flag_values.h"
#include "cli/json_output.h"

typedef enum { VALUE_INT, VALUE_REAL, VALUE_WORD } value_kind;

#define SETTING(section, name, kind)                                                               \
    {                                                                                              \
        section "." #name, #name, kind, offsetof(longtake_settings, name)                          \
    }

/* Settings of a take that the configuration has a value for. --fps is none: it is the file's rate,
 * and the model's stays what it is. */
static const struct {
    const char *key;
    const char *name; /* of the setting, in films and with dashes as a flag */
    value_kind kind;
    size_t at;
} settings[] = {
    SETTING("mmdit", steps, VALUE_INT),
    SETTING("mmdit", carry, VALUE_WORD),
    SETTING("pipeline", lm_cfg, VALUE_REAL),
    SETTING("pipeline", shot_cfg, VALUE_REAL),
    SETTING("pipeline", temperature, VALUE_REAL),
    SETTING("pipeline", top_k, VALUE_INT),
    SETTING("pipeline", top_p, VALUE_REAL),
    SETTING("pipeline", motion, VALUE_REAL),
    SETTING("pipeline", lm_context, VALUE_INT),
    SETTING("pipeline", cfg_scale, VALUE_REAL),
    SETTING("pipeline", cfg_schedule, VALUE_WORD),
    SETTING("pipeline", guidance, VALUE_WORD),
    SETTING("pipeline", overlap, VALUE_INT),
};

enum { SETTINGS = sizeof settings / sizeof *settings, VALUE_BYTES = 32 };

/* What stands instead of a value of the configuration. */
typedef struct {
    char value[VALUE_BYTES]; /* empty: nothing */
    char origin[PATH_MAX + 32];
} override;

static void value_of(int i, const longtake_settings *s, char text[VALUE_BYTES])
{
    const void *place = (const char *)s + settings[i].at;
    text[0] = '\0';
    if (settings[i].kind == VALUE_WORD && *(const char *const *)place)
        snprintf(text, VALUE_BYTES, "%s", *(const char *const *)place);
    else if (settings[i].kind == VALUE_INT && *(const int *)place >= 0)
        snprintf(text, VALUE_BYTES, "%d", *(const int *)place);
    else if (settings[i].kind == VALUE_REAL && *(const double *)place >= 0)
        snprintf(text, VALUE_BYTES, "%.10g", *(const double *)place);
}

/* "--lm-cfg", "LONGTAKE_LM_CFG", "film.yaml:3" or "ball.mp4". */
static void origin_of(int i, const cli_values *v, const longtake_film *film, char *text,
                      size_t bytes)
{
    char name[VALUE_BYTES];
    snprintf(name, sizeof name, "%s", settings[i].name);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : *c;
    const cli_flag *flag = cli_flag_of_name(name);
    const int line = film ? longtake_film_line(film, settings[i].name) : 0;
    if (cli_said(v, name))
        snprintf(text, bytes, "--%s", name);
    else if (cli_has_value(flag, v))
        cli_variable_of(flag, text, bytes);
    else if (line > 0)
        snprintf(text, bytes, "%s:%d", v->word[0], line);
    else
        snprintf(text, bytes, "%s", v->recipe ? v->recipe : v->word[0]);
}

static int index_of(const char *name)
{
    int i = 0;
    while (strcmp(settings[i].name, name) != 0)
        i++;
    return i;
}

/* The tail of what may be drawn is cut in one way: saying one turns the other off. */
static void turn_off_other(override *of, const char *said, const char *other)
{
    const override *one = &of[index_of(said)];
    override *off = &of[index_of(other)];
    if (one->value[0] == '\0' || strcmp(one->value, "0") == 0 || off->value[0] != '\0')
        return;
    *off = *one;
    snprintf(off->value, sizeof off->value, "0");
}

/* The setting that the line "KEY: VALUE  # ORIGIN" is of, or -1. */
static int setting_of_line(const char *line)
{
    for (int i = 0; i < SETTINGS; i++) {
        const size_t length = strlen(settings[i].key);
        if (strncmp(line, settings[i].key, length) == 0 && line[length] == ':')
            return i;
    }
    return -1;
}

/* NULL where memory is out; free() it. */
static char *lines_with(const char *lines, const override *of)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    for (const char *line = lines; out && *line;) {
        const size_t length = strcspn(line, "\n");
        const int i = setting_of_line(line);
        if (i >= 0 && of[i].value[0] != '\0')
            fprintf(out, "%s: %s  # %s\n", settings[i].key, of[i].value, of[i].origin);
        else
            fprintf(out, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    if (!out || fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int print(cli_context *c, longtake *engine, const override *of)
{
    char *text = NULL;
    longtake_error error = {0};
    if (longtake_print_config(engine, &text, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    char *lines = lines_with(text, of);
    longtake_free(text);
    if (!lines) {
        error = (longtake_error){LONGTAKE_ERR_RESOURCES, "configuration: out of memory"};
        return cli_fail(c, &error);
    }
    if (c->values->json)
        cli_print_config_object(stdout, lines);
    else
        fputs(lines, stdout);
    free(lines);
    return LONGTAKE_OK;
}

int cli_print_config(cli_context *c, longtake *engine)
{
    const override none[SETTINGS] = {0};
    return print(c, engine, none);
}

int cli_print_take_config(cli_context *c, longtake *engine, const longtake_film *film,
                          const longtake_request *r)
{
    override of[SETTINGS] = {0};
    for (int i = 0; i < SETTINGS; i++) {
        value_of(i, &r->settings, of[i].value);
        if (of[i].value[0] != '\0')
            origin_of(i, c->values, film, of[i].origin, sizeof of[i].origin);
    }
    turn_off_other(of, "top_k", "top_p");
    turn_off_other(of, "top_p", "top_k");
    return print(c, engine, of);
}
