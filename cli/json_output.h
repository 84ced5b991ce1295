/* json_output.h - JSON that the program prints: texts inside quotes, and
 * documents laid out to be read. */
#ifndef CLI_JSON_OUTPUT_H
#define CLI_JSON_OUTPUT_H

#include <stdio.h>

/* Text inside JSON quotes: file names and arguments may hold any bytes. */
void cli_print_escaped(FILE *out, const char *text);
/* A document of the library on lines of its own, two blanks a level. On one line stay lists of
 * numbers and texts, and small objects in lists:
 *
 *     {
 *       "frames": 24,
 *       "plan": [
 *         {"window": 0, "shot": 0},
 *         {"window": 1, "shot": 0}
 *       ]
 *     }
 */
void cli_print_layout(FILE *out, const char *json);
/* The lines of longtake_print_config() as one object on one line: "a.b: 8  # mini.yaml:4" becomes
 * {"a.b":{"value":8,"origin":"mini.yaml:4"}}. Numbers and lists stay what they are, words become
 * texts. */
void cli_print_config_object(FILE *out, const char *lines);

#endif
