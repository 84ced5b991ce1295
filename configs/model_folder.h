/* model_folder.h - from what the user calls a model to its files.
 *
 *     const char *roots[] = { "/usr/share/longtake", NULL };     // each holds configs/ and models/
 *     cfg_model_files files;
 *     LT_TRY(cfg_find_model("mini", NULL, roots, &files, err));
 *     LT_TRY(cfg_read(files.config, &cfg, err));
 *     ...
 *     cfg_model_files_close(&files);
 *
 * A model is a folder of weights and a configuration: config.yaml inside the folder, else, of a
 * folder that was named by its path, configs/NAME.yaml two folders above it (models/ and configs/
 * side by side), else configs/NAME.yaml of a root.
 */
#ifndef CFG_MODEL_FOLDER_H
#define CFG_MODEL_FOLDER_H

#include "kernels/core/status.h"

typedef struct {
    char *name;   /* "mini": what was asked for, or the folder's last part, as UTF-8 */
    char *config; /* path of the YAML file */
    char *folder; /* path of the weights; NULL where only a configuration is there */
} cfg_model_files;

/* `model` with a slash, "." or ".." is a folder. A bare name is looked for as models/NAME and
 * configs/NAME.yaml in each root in turn (NULL-terminated), last as a folder in the working
 * directory. `config`: path of a YAML file that is the model's instead, or NULL; a folder then
 * needs none. LT_ERR_INPUT when nothing is found. */
lt_status cfg_find_model(const char *model, const char *config, const char *const *roots,
                         cfg_model_files *out, lt_error *err);
void cfg_model_files_close(cfg_model_files *files); /* accepts a zeroed one */

/* Path of one file of the folder, "ar_model.safetensors" for example; free() it. LT_ERR_INPUT when
 * there is no folder. */
lt_status cfg_model_file(const cfg_model_files *files, const char *file, char **path,
                         lt_error *err);

#endif
