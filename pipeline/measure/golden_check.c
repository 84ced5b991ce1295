/* golden_check.c - which stage checks which golden file. */
#include <string.h>

#include "ar_model/ar_check.h"
#include "mmdit/dit_check.h"
#include "pipeline/engine.h"
#include "pipeline/measure/take_check.h"
#include "temporal_vae/vae_check.h"
#include "text_encoder/text_check.h"
#include "tokenizer/tok_check.h"

typedef lt_status (*stage_check)(lt_golden *g, lt_backend *backend, lt_error *err);

static const struct {
    const char *prefix;
    stage_check check;
} stages[] = {{"text.", text_check},
              {"tokenizer.", tok_check},
              {"ar.", ar_check},
              {"mmdit.", dit_check},
              {"vae.", vae_check}};

static lt_status check_component(longtake *e, lt_golden *g, lt_error *err)
{
    const char *component = lt_golden_component(g);
    if (strcmp(component, "take") == 0)
        return take_check(e, g, err);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (strncmp(component, stages[i].prefix, strlen(stages[i].prefix)) == 0)
            return stages[i].check(g, e->backend, err);
    return lt_fail(err, LT_ERR_INPUT, "%s: component \"%s\" is unknown", lt_golden_place(g),
                   component);
}

/* Whatever a golden file makes a stage complain of is the file's own fault; the
 * message begins with its name. */
static lt_status blame_file(const char *path, lt_status s, const lt_error *why, lt_error *err)
{
    if (s == LT_OK)
        return LT_OK;
    const size_t length = strlen(path);
    const bool named = strncmp(why->message, path, length) == 0 && why->message[length] == ':';
    const lt_status code = s == LT_ERR_USAGE || s == LT_ERR_FAILED ? LT_ERR_INPUT : s;
    return lt_fail(err, code, "%s%s%s", named ? "" : path, named ? "" : ": ", why->message);
}

longtake_status longtake_check(longtake *e, const char *path, longtake_check_fn fn, void *user,
                               longtake_error *error)
{
    lt_error err = {0};
    lt_golden *g = NULL;
    lt_error why = {0};
    if (take_need(path, "path", &err) != LT_OK || take_need(fn, "fn", &err) != LT_OK ||
        take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = lt_golden_open(path, &g, &err);
    if (s == LT_OK)
        s = blame_file(path, check_component(e, g, &why), &why, &err);
    if (s == LT_OK) {
        const lt_golden_line *line = NULL;
        const int lines = lt_golden_verdict(g, e->backend->activation == LT_BF16, &line);
        for (int i = 0; i < lines; i++) {
            const longtake_check_line out = {path,           lt_golden_component(g), line[i].name,
                                             line[i].rel_l2, line[i].bound,          line[i].exact,
                                             line[i].ok};
            fn(user, &out);
            if (!line[i].ok)
                s = lt_fail(&err, LT_ERR_LIMIT, "%s: %s is out of its bound", path, line[i].name);
        }
    }
    lt_golden_close(g);
    take_engine_leave(e);
    return take_give_error(s, &err, error);
}
