/* fuzz_events.c - any bytes as a model's list of events, and, behind a first zero, as the prompt that it is used on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/event_words.h"
#include "pipeline/prompt_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 2);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = text[size + 1] = '\0';
    const char *prompt = text + strlen(text) + 1;
    take_event_words *words = NULL;
    size_t end[TAKE_MAX_EVENTS];
    const int events = take_prompt_events(prompt, end);
    const lt_status s = take_event_words_parse(text, "fuzz", &words, NULL);
    for (int begun = 0; begun <= events && s == LT_OK; begun++) {
        char *said = NULL;
        int restated = 0;
        if (take_prompt_begun(words, prompt, end, events, begun, &said, &restated, NULL) == LT_OK && restated > begun)
            abort();
        free(said);
    }
    take_event_words_close(words);
    free(text);
    return 0;
}
