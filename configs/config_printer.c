/* config_printer.c - a configuration as lines "section.key: value", in the order of the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configs/config_fields.h"
#include "configs/decimal_text.h"
#include "configs/model_config.h"

static void print_real(FILE *out, double value)
{
    char text[CFG_DECIMAL_BYTES];
    cfg_decimal_text(value, text);
    fputs(text, out);
}

static void print_float(FILE *out, float value)
{
    char text[CFG_DECIMAL_BYTES];
    cfg_float_text(value, text);
    fputs(text, out);
}

static void print_list(FILE *out, const cfg_field *field, const char *base)
{
    const int count = field->count_at == CFG_FIXED ? field->capacity : *(const int *)(const void *)(base + field->count_at);
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

static void print_section(FILE *out, const cfg_model *cfg, const char *path, const cfg_table *table, const char *base)
{
    for (int i = 0; i < table->count; i++) {
        const cfg_field *field = &table->fields[i];
        char child[96];
        snprintf(child, sizeof child, "%s%s%s", path, path[0] != '\0' ? "." : "", field->key);
        if (field->kind != CFG_SECTION) {
            fprintf(out, "%s: ", child);
            print_value(out, field, base);
            fputc('\n', out);
        } else if (field->split != NULL && !cfg->one_text_encoder) {
            print_section(out, cfg, child, field->split, base);
        } else {
            print_section(out, cfg, child, field->section, base + field->at);
        }
    }
}

char *cfg_text_of(const cfg_model *cfg)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return NULL;
    print_section(out, cfg, "", &cfg_model_table, (const char *)cfg);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
