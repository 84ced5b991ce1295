/* fuzz_tokens.c - any bytes as a token file; what is accepted keeps every rule, and comes back the
 * same when it is written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/token_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const tok_layout toy = {
    .segment_frames = 3, .i_tokens = 4, .p_tokens = 2, .codebook_size = 10};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_same(const tok_plan *a, const tok_plan *b)
{
    require(a->token_count == b->token_count && a->segments == b->segments);
    require(memcmp(a->tokens, b->tokens, (size_t)a->token_count * sizeof *a->tokens) == 0);
    require(memcmp(a->frames, b->frames, (size_t)a->segments * sizeof *a->frames) == 0);
    require(a->video_frames == b->video_frames && a->note_count == b->note_count);
}

static void write_and_read(const tok_plan *plan)
{
    char *memory = NULL;
    size_t bytes = 0;
    FILE *const stream = open_memstream(&memory, &bytes);
    require(stream && tok_file_write_stream(plan, TOK_FILE_LT, stream, "copy", NULL) == LT_OK);
    fclose(stream);
    tok_plan again;
    require(tok_file_parse(memory, bytes, "copy", &plan->layout, &again, NULL) == LT_OK);
    check_same(plan, &again);
    tok_plan_clear(&again);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tok_layout *const layouts[] = {NULL, &toy}; /* the file's own, and a model's */
    uint8_t *const copy = malloc(size + 1);
    require(copy != NULL);
    memcpy(copy, data, size);
    for (int i = 0; i < 2; i++) {
        tok_plan plan;
        if (tok_file_parse(copy, size, "fuzz", layouts[i], &plan, NULL) == LT_OK) {
            require(tok_plan_check(&plan, "fuzz", NULL) == LT_OK);
            write_and_read(&plan);
        }
        tok_plan_clear(&plan);
    }
    free(copy);
    return 0;
}
