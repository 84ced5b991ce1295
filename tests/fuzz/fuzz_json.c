/* fuzz_json.c - any bytes as JSON; what is read is written again and must be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lt_json *copy_of(const lt_json *n)
{
    switch (lt_json_kind_of(n)) {
    case LT_JSON_BOOL:
        return lt_json_new_bool(lt_json_bool(n));
    case LT_JSON_INT:
        return lt_json_new_int(lt_json_int(n));
    case LT_JSON_REAL:
        return lt_json_new_real(lt_json_real(n));
    case LT_JSON_STRING:
        return lt_json_new_string(lt_json_string(n, NULL));
    case LT_JSON_ARRAY: {
        lt_json *const array = lt_json_new_array();
        for (size_t i = 0; i < lt_json_count(n); i++)
            lt_json_append(array, copy_of(lt_json_at(n, i)));
        return array;
    }
    case LT_JSON_OBJECT: {
        lt_json *const object = lt_json_new_object();
        void *cursor = NULL;
        const char *key;
        const lt_json *value;
        while (lt_json_next(n, &cursor, &key, &value))
            lt_json_set(object, key, copy_of(value));
        return object;
    }
    case LT_JSON_NULL:
        break;
    }
    return lt_json_new_bool(false); /* a null cannot be made anew; here it becomes false on both
                                       sides */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lt_json *root = NULL;
    lt_error err = {0};
    if (lt_json_parse((const char *)data, size, "fuzz", &root, &err) != LT_OK)
        return 0;
    lt_json *const copy = copy_of(root);
    char *const first = lt_json_text(copy);
    lt_json *again = NULL;
    if (!first || lt_json_parse(first, strlen(first), "again", &again, &err) != LT_OK)
        abort();
    char *const second = lt_json_text(again);
    if (!second || strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
    lt_json_free(again);
    lt_json_free(copy);
    lt_json_free(root);
    return 0;
}
