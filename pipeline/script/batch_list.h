/* batch_list.h - a file of prompts -> a request for each line that says something.
 *
 *     batch_list list;
 *     batch_list_open(&list, "prompts.txt", "folder", request, err);
 *     for (int64_t i = 0; i < list.lines; i++) {
 *         batch_take take;
 *         batch_list_take(&list, i, &take, err);      take.request makes line i
 *         batch_take_clear(&take);
 *     }
 *     batch_list_close(&list);
 */
#ifndef TAKE_BATCH_LIST_H
#define TAKE_BATCH_LIST_H

#include "pipeline/script/batch_line.h"

enum { BATCH_PLACE_BYTES = 4096 };

typedef struct {
    char *text;
    int64_t number; /* in the file, from 1 */
    char *output;   /* once its take was asked for, in the order of the lines: none writes over one
                       before, */
    char *growing;  /* also where that has this name while it grows; or NULL */
} batch_entry;

typedef struct {
    const char *path, *folder;       /* the caller's, */
    const longtake_request *request; /* which gives what a line leaves open */
    char *text;
    batch_entry *entry; /* [lines] */
    int64_t lines;
} batch_list;

/* Every line, still unread. LT_ERR_INPUT where the file cannot be read or says
 * nothing. Close it in any case. */
lt_status batch_list_open(batch_list *b, const char *path, const char *folder,
                          const longtake_request *request, lt_error *err);
void batch_list_close(batch_list *b);
/* The folder of the outputs; *made: it was missing, and is there now. */
lt_status batch_list_folder(const batch_list *b, bool *made, lt_error *err);

typedef struct {
    batch_line line;          /* the request borrows from it, */
    longtake_request request; /* and its output from the list */
} batch_take;

/* What line i asks for, LT_ERR_INPUT where that makes no sense. Clear it in any case. */
lt_status batch_list_take(batch_list *b, int64_t i, batch_take *out, lt_error *err);
void batch_take_clear(batch_take *t);

/* "prompts.txt:7" */
void batch_list_place(const batch_list *b, int64_t i, char place[BATCH_PLACE_BYTES]);
/* A message of line i with its place in front, unless it begins so already. */
void batch_list_message(const batch_list *b, int64_t i, const char *message, char *text,
                        size_t bytes);

#endif
