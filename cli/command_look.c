/* command_look.c - the commands that look, compare and convert: info,
 * check, bench, devices, import. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"

static int print_document(cli_context *c, longtake_status s, char *json,
                          const longtake_error *error)
{
    if (s != LONGTAKE_OK)
        return cli_fail(c, error);
    cli_print_document(c, json);
    longtake_free(json);
    return LONGTAKE_OK;
}

int cli_info(cli_context *c)
{
    if (c->values->words != 1)
        return cli_usage(c, "info: found %d files, expected one", c->values->words);
    longtake_error error = {0};
    char *json = NULL;
    const longtake_status s = longtake_info(c->values->word[0], &json, &error);
    return print_document(c, s, json, &error);
}

int cli_devices(cli_context *c)
{
    if (c->values->words > 0)
        return cli_usage(c, "devices: found \"%s\", expected no arguments", c->values->word[0]);
    longtake_error error = {0};
    char *json = NULL;
    const longtake_status s = longtake_devices(&json, &error);
    return print_document(c, s, json, &error);
}

/* The preview map of a model that is there already. */
static int write_preview_map(cli_context *c)
{
    const cli_values *v = c->values;
    if (v->words > 0 || v->output || v->t5 || v->theia || v->quantize || v->dtype)
        return cli_usage(
            c, "--preview-map: found what an import needs as well, expected a model (-m) alone");
    if (!v->model) /* the shipped one has its map */
        return cli_usage(
            c, "--preview-map: found no model, expected -m MODEL, which it is written into");
    int code = LONGTAKE_OK;
    longtake_error error = {0};
    char *path = NULL;
    longtake *engine = cli_engine(c, &code);
    if (engine && longtake_write_preview_map(engine, &path, &error) != LONGTAKE_OK)
        code = cli_fail(c, &error);
    if (path)
        cli_print_output(c, path);
    longtake_free(path);
    cli_engine_close(c, engine);
    return code;
}

int cli_import(cli_context *c)
{
    const cli_values *v = c->values;
    if (v->preview_map)
        return write_preview_map(c);
    if (v->set.count > 0)
        return cli_usage(c, "--set: found %s, an import takes none%s", v->set.item[0],
                         cli_said(v, "set") ? "\nhint: --config FILE gives the model other values"
                                            : "");
    if (v->words != 1)
        return cli_usage(c, "import: found %d folders, expected one: the release", v->words);
    if (!v->output)
        return cli_usage(c, "--output: found none, expected the model folder to make");
    longtake_import_request request;
    cli_interrupt_watch();
    longtake_import_request_init(&request);
    request.release = v->word[0];
    request.output = v->output;
    request.config = v->config;
    request.search = c->search;
    request.t5 = v->t5;
    request.theia = v->theia;
    request.quantize = v->quantize;
    request.dtype = v->dtype;
    request.on_event = cli_hear_event;
    request.user = c;
    longtake_error error = {0};
    if (longtake_import(&request, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    cli_print_output(c, v->output);
    return LONGTAKE_OK;
}

/* ---- check ---- */

typedef struct {
    bool json;
    int lines;
} check_output;

static void print_member(const char *key, const char *text)
{
    printf("\"%s\":\"", key);
    cli_print_escaped(stdout, text);
    fputs("\",", stdout);
}

static void on_check_line(void *user, const longtake_check_line *line)
{
    check_output *o = user;
    const char *verdict = line->ok ? "ok" : "FAILED";
    char bound[32];
    snprintf(bound, sizeof bound, isfinite(line->bound) ? "%.1e" : "none", line->bound);
    if (!o->json) {
        if (line->exact)
            printf("%-24s %-20s %.0f differ  bound exact  %s\n", line->component, line->output,
                   line->rel_l2, verdict);
        else
            printf("%-24s %-20s rel_l2 %.1e  bound %s  %s\n", line->component, line->output,
                   line->rel_l2, bound, verdict);
        return;
    }
    /* What is infinite has no JSON number. */
    char distance[32];
    snprintf(distance, sizeof distance, isfinite(line->rel_l2) ? "%.6e" : "null", line->rel_l2);
    snprintf(bound, sizeof bound, isfinite(line->bound) ? "%.6e" : "null", line->bound);
    printf("%s{", o->lines++ ? ",\n " : "");
    print_member("file", line->file);
    print_member("component", line->component);
    print_member("output", line->output);
    printf("\"rel_l2\":%s,\"bound\":%s,\"exact\":%s,\"ok\":%s}", distance, bound,
           line->exact ? "true" : "false", line->ok ? "true" : "false");
}

int cli_check(cli_context *c)
{
    const cli_values *v = c->values;
    if (v->words == 0)
        return cli_usage(c, "check: found no files, expected golden files");
    int code = LONGTAKE_OK;
    longtake *engine = cli_engine(c, &code);
    if (!engine)
        return code;
    check_output output = {.json = v->json};
    if (v->json)
        putchar('[');
    for (int i = 0; i < v->words; i++) {
        longtake_error error = {0};
        const longtake_status s =
            longtake_check(engine, v->word[i], on_check_line, &output, &error);
        if (s != LONGTAKE_OK && s != LONGTAKE_ERR_LIMIT)
            cli_fail(c, &error);
        /* The first file that could not be checked outweighs every number out of its bound. */
        if (s != LONGTAKE_OK && (code == LONGTAKE_OK || code == LONGTAKE_ERR_LIMIT))
            code = (int)s;
    }
    if (v->json)
        puts("]");
    cli_engine_close(c, engine);
    return code;
}

/* ---- bench ---- */

static void on_bench_line(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
    fflush(stdout);
}

int cli_bench(cli_context *c)
{
    const cli_values *v = c->values;
    if (v->words > 0)
        return cli_usage(c, "bench: found \"%s\", expected no arguments\nhint: --stage %s",
                         v->word[0], v->word[0]);
    if (cli_said(v, "ceilings") && cli_said(v, "stage"))
        return cli_usage(c, "--ceilings and --stage: found both, expected one");
    int code = LONGTAKE_OK;
    longtake *engine = cli_engine(c, &code);
    if (!engine)
        return code;
    longtake_error error = {0};
    const char *stage = v->ceilings ? "ceilings" : v->stage ? v->stage : "all";
    code = (int)longtake_bench(engine, stage, on_bench_line, NULL, &error);
    if (code != LONGTAKE_OK)
        cli_fail(c, &error);
    cli_engine_close(c, engine);
    return code;
}
