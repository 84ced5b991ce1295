/* batch_line.c - reading one line of a list; see batch_line.h. */
#include "pipeline/script/batch_line.h"

#include <math.h>
#include <string.h>

#include "kernels/core/decimal_text.h"
#include "pipeline/script/film_keys.h"

bool batch_line_is_empty(const char *text)
{
    const char first = text[strspn(text, " \t")];
    return first == '\0' || first == '#';
}

static lt_status read_text(const cfg_document *doc, const cfg_node *n, const char **out,
                           lt_error *err)
{
    if (n->kind != CFG_NODE_SCALAR || !n->quoted || n->text[strspn(n->text, " \t")] == '\0')
        return cfg_node_fail(doc, n, err, "'%s': found no text, expected one", n->key);
    *out = n->text;
    return LT_OK;
}

static lt_status read_output(const cfg_document *doc, const cfg_node *n, const char **out,
                             lt_error *err)
{
    LT_TRY(read_text(doc, n, out, err));
    if (strchr(n->text, '/') || n->text[0] == '.' || strcmp(n->text, "-") == 0)
        return cfg_node_fail(doc, n, err, "'output' is '%s', expected a file name without a folder",
                             n->text);
    return LT_OK;
}

static lt_status read_length(const cfg_document *doc, const cfg_node *n, batch_line *l,
                             lt_error *err)
{
    const bool in_frames = strcmp(n->key, "frames") == 0;
    double value = 0;
    if (l->settings.frames >= 0 || l->settings.seconds >= 0)
        return cfg_node_fail(doc, n, err, "'seconds' and 'frames': found both, expected one");
    if (n->kind != CFG_NODE_SCALAR || n->quoted || !lt_parse_decimal(n->text, &value) ||
        !(value > 0 && value < 1e9) || (in_frames && value != floor(value)))
        return cfg_node_fail(doc, n, err, "'%s': expected a %snumber above 0", n->key,
                             in_frames ? "whole " : "");
    if (in_frames)
        l->settings.frames = (int64_t)value;
    else
        l->settings.seconds = value;
    return LT_OK;
}

static lt_status read_object(batch_line *l, lt_error *err)
{
    static const char *const own[] = {"prompt", "output", "seconds", "frames", NULL};
    const cfg_document *doc = l->document;
    for (const cfg_node *n = doc->root->first; n; n = n->next) {
        bool known = false;
        LT_TRY(film_setting(doc, n, &l->settings, &known, err));
        if (known)
            continue;
        if (strcmp(n->key, "prompt") == 0)
            LT_TRY(read_text(doc, n, &l->prompt, err));
        else if (strcmp(n->key, "output") == 0)
            LT_TRY(read_output(doc, n, &l->output, err));
        else if (strcmp(n->key, "seconds") == 0 || strcmp(n->key, "frames") == 0)
            LT_TRY(read_length(doc, n, l, err));
        else if (strcmp(n->key, "model") == 0)
            return cfg_node_key_fail(doc, n, err, "'model' is one for all lines\nhint: -m MODEL");
        else
            return film_unknown_setting(doc, n, own, "the line", err);
    }
    if (!l->prompt)
        return cfg_node_fail(doc, doc->root, err, "found no 'prompt'");
    return LT_OK;
}

static lt_status read_json(const char *text, const char *place, batch_line *l, lt_error *err)
{
    lt_json *json = NULL;
    LT_TRY(lt_json_parse(text, strlen(text), place, &json, err));
    const lt_status s = cfg_json_document(json, place, &l->document, err);
    lt_json_free(json);
    LT_TRY(s);
    return read_object(l, err);
}

lt_status batch_line_read(const char *text, const char *place, batch_line *out, lt_error *err)
{
    longtake_request unset;
    longtake_request_init(&unset);
    *out = (batch_line){.settings = unset.settings};
    text += strspn(text, " \t");
    if (text[0] != '{') {
        out->prompt = text;
        return LT_OK;
    }
    const lt_status s = read_json(text, place, out, err);
    if (s != LT_OK)
        batch_line_clear(out);
    return s;
}

void batch_line_clear(batch_line *l)
{
    cfg_document_close(l->document);
    *l = (batch_line){0};
}
