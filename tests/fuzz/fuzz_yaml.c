/* fuzz_yaml.c - any bytes as a configuration file, and as the value of --set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "configs/model_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line of the input, as an assignment. */
static void set_line(const char *text, size_t bytes)
{
    const char *end = memchr(text, '\n', bytes);
    char *line = strndup(text, end != NULL ? (size_t)(end - text) : bytes);
    static cfg_model cfg;
    lt_error err = {0};
    if (line != NULL)
        (void)cfg_set(&cfg, line, &err);
    free(line);
}

static void check_places(const cfg_node *n)
{
    if (n->line < 1 || n->column < 1)
        abort();
    for (const cfg_node *child = n->first; child != NULL; child = child->next)
        check_places(child);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    cfg_document *doc;
    cfg_model cfg;
    lt_error err = {0};
    if (cfg_yaml_parse(text, size, "fuzz", &doc, &err) == LT_OK) {
        check_places(doc->root);
        if (cfg_read_document(doc, &cfg, &err) == LT_OK) {
            char *printed = cfg_text_with_origins(&cfg, doc, NULL);
            free(printed);
        }
        cfg_document_close(doc);
    }
    set_line(text, size);
    return 0;
}
