/* config_printer.c - a configuration as lines "section.key: value", in the order of the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configs/config_fields.h"
#include "configs/model_config.h"
#include "kernels/core/decimal_text.h"

static void print_real(FILE *out, double value)
{
    char text[LT_DECIMAL_BYTES];
    lt_decimal_text(value, text);
    fputs(text, out);
}

static void print_float(FILE *out, float value)
{
    char text[LT_DECIMAL_BYTES];
    lt_float_text(value, text);
    fputs(text, out);
}

static void print_list(FILE *out, const cfg_field *field, const char *base)
{
    const int count = field->count_at == CFG_FIXED
                          ? field->capacity
                          : *(const int *)(const void *)(base + field->count_at);
    const int *ints = (const int *)(const void *)(base + field->at);
    const double *reals = (const double *)(const void *)(base + field->at);
    fputc('[', out);
    for (int i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (field->kind == CFG_INT_LIST)
            fprintf(out, "%d", ints[i]);
        else
            print_real(out, reals[i]);
    }
    fputc(']', out);
}

static void print_value(FILE *out, const cfg_field *field, const char *base)
{
    const void *at = base + field->at;
    unsigned choice = 0;
    switch (field->kind) {
    case CFG_INT:
        fprintf(out, "%d", *(const int *)at);
        break;
    case CFG_REAL:
        print_real(out, *(const double *)at);
        break;
    case CFG_FLOAT:
        print_float(out, *(const float *)at);
        break;
    case CFG_CHOICE:
        memcpy(&choice, at, sizeof choice);
        fputs(field->words[choice], out);
        break;
    case CFG_INT_LIST:
    case CFG_REAL_LIST:
        print_list(out, field, base);
        break;
    case CFG_SECTION:
        break;
    }
}

typedef struct {
    FILE *out;
    const cfg_model *cfg;
    const cfg_document *file; /* NULL: origins are not asked for */
    const char *const *sets;
} printing;

static const cfg_node *find_path(const cfg_node *n, const char *path)
{
    while (n != NULL && path != NULL) {
        char key[CFG_PATH_BYTES];
        const char *dot = strchr(path, '.');
        snprintf(key, sizeof key, "%.*s", (int)(dot != NULL ? dot - path : (ptrdiff_t)strlen(path)),
                 path);
        n = cfg_node_get(n, key);
        path = dot != NULL ? dot + 1 : NULL;
    }
    return n;
}

static bool was_set(const char *const *sets, const char *path)
{
    const size_t length = strlen(path);
    for (; sets != NULL && *sets != NULL; sets++)
        if (strncmp(*sets, path, length) == 0 && (*sets)[length] == '=')
            return true;
    return false;
}

static void print_origin(const printing *p, const char *path)
{
    const cfg_node *n = find_path(p->file->root, path);
    if (was_set(p->sets, path))
        fputs("  # --set", p->out);
    else if (n != NULL)
        fprintf(p->out, "  # %s:%d", p->file->place, n->line);
    else
        fputs("  # built-in", p->out);
}

static void print_section(const printing *p, const char *path, const cfg_table *table,
                          const char *base)
{
    for (int i = 0; i < table->count; i++) {
        const cfg_field *field = &table->fields[i];
        char child[CFG_PATH_BYTES];
        snprintf(child, sizeof child, "%s%s%s", path, path[0] != '\0' ? "." : "", field->key);
        if (field->kind != CFG_SECTION) {
            fprintf(p->out, "%s: ", child);
            print_value(p->out, field, base);
            if (p->file != NULL)
                print_origin(p, child);
            fputc('\n', p->out);
        } else if (field->split != NULL && !p->cfg->one_text_encoder) {
            print_section(p, child, field->split, base);
        } else {
            print_section(p, child, field->section, base + field->at);
        }
    }
}

static char *print_all(const cfg_model *cfg, const cfg_document *file, const char *const *sets)
{
    char *text = NULL;
    size_t bytes = 0;
    const printing p = {open_memstream(&text, &bytes), cfg, file, sets};
    if (p.out == NULL)
        return NULL;
    print_section(&p, "", &cfg_model_table, (const char *)cfg);
    if (fclose(p.out) == 0)
        return text;
    free(text);
    return NULL;
}

char *cfg_text_of(const cfg_model *cfg)
{
    return print_all(cfg, NULL, NULL);
}

char *cfg_text_with_origins(const cfg_model *cfg, const cfg_document *file, const char *const *sets)
{
    return print_all(cfg, file, sets);
}
