/* fuzz_wording.c - any bytes as a model's list of wordings, and, behind a first zero, as the prompt
 * that it is used on, and, behind a second, the one that it goes on from. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/script/prompt_events.h"
#include "pipeline/script/prompt_wording.h"
#include "pipeline/script/wording_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 3);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = text[size + 1] = text[size + 2] = '\0';
    const char *prompt = text + strlen(text) + 1;
    const char *before = prompt + strlen(prompt) + (prompt < text + size);
    take_wording *words = NULL;
    size_t end[TAKE_MAX_EVENTS];
    const int events = take_prompt_events(prompt, end);
    const lt_status s = take_wording_parse(text, "fuzz", &words, NULL);
    for (int begun = 0; begun <= events && s == LT_OK; begun++) {
        take_prompt_state said = {0};
        int left = 0;
        do {
            if (take_prompt_begun(words, prompt, end, events, begun, left, &said, NULL) == LT_OK &&
                said.restated > begun)
                abort();
            free(said.text);
        } while (left++ < said.between && left < 4);
    }
    char *known = NULL, *planned = NULL, *goes_on = NULL;
    char told[40];
    if (s == LT_OK) {
        (void)take_prompt_reworded(words, prompt, &known, told, sizeof told, NULL);
        (void)take_prompt_told(words, prompt, true, &planned, NULL);
        (void)take_prompt_going_on(words, before, prompt, &goes_on, NULL);
        told[0] = '\0';
        (void)take_prompt_too_many(words, prompt, told, sizeof told, NULL);
    }
    free(known);
    free(planned);
    free(goes_on);
    take_wording_close(words);
    free(text);
    return 0;
}
