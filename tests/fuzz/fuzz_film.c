/* fuzz_film.c - any bytes as a script, and as a line of a list of prompts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/script/batch_line.h"
#include "pipeline/script/film.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    longtake_film *film = NULL;
    if (film_parse(text, size, "fuzz", &film, NULL) == LT_OK) {
        longtake_request request;
        longtake_request_init(&request);
        (void)film_apply(film, 8, &request, NULL);
    }
    film_close(film);
    batch_line line = {0};
    (void)batch_line_read(text, "fuzz", &line, NULL);
    batch_line_clear(&line);
    free(text);
    return 0;
}
