/* import_plan.h - which tensor of which file becomes which tensor of a model.
 *
 * Every file of a release is a source. A network's tensors are looked for in layers: the same names
 * below some prefix of some source. The first layer wins, as loading it last would; a wrong shape
 * is an error in every layer that has the name.
 *
 *     const import_layer layers[] = {{&diffusion, "first_stage_model."}, {&vae, ""}};
 *     import_plan_add(&plan, &names, "", layers, 2, &complaints);      // writes under "" + name
 *     import_source_check(&vae, &complaints, warnings);  // names that nobody asked for
 */
#ifndef TAKE_IMPORT_PLAN_H
#define TAKE_IMPORT_PLAN_H

#include "pipeline/import/release_names.h"
#include "weights/complaints.h"
#include "weights/warnings.h"
#include "weights/weights.h"

typedef struct {
    lt_weights *weights;        /* NULL: the file is not there */
    bool strict;                /* the official loader refuses unknown names */
    const char *const *ignored; /* beginnings of names without use here; NULL-terminated, or NULL */
    bool *used;                 /* of each tensor */
} import_source;

typedef struct {
    import_source *source;
    const char *prefix;
    bool home; /* where a missing tensor should have been; the last layer when none is */
} import_layer;

typedef struct {
    char *name; /* in the file to be written */
    lt_tensor tensor;
    const char *place; /* file it comes from */
} import_tensor;

typedef struct {
    import_tensor *list;
    int count;
    int capacity;
} import_tensors;

typedef struct {
    import_tensors chosen;     /* to be written */
    import_tensors overridden; /* lost against another layer; must be sound all the same */
} import_plan;

/* Takes over `weights`. LT_ERR_RESOURCES. */
lt_status import_source_open(import_source *s, lt_weights *weights, lt_error *err);
void import_source_close(import_source *s); /* accepts a zeroed one */
/* True when any of the names is there. */
bool import_layer_has_any(const import_layer *layer, const release_names *names);

/* Appends all of `names`, or complaints. LT_ERR_RESOURCES. */
lt_status import_plan_add(import_plan *plan, const release_names *names, const char *out_prefix,
                          const import_layer *layers, int layer_count, lt_complaints *complaints,
                          lt_error *err);
void import_plan_close(import_plan *plan); /* accepts a zeroed one */

/* What is in the file and was not asked for: complaints where it is strict, else one warning. */
void import_source_check(const import_source *s, lt_complaints *complaints,
                         const lt_warnings *warnings);

#endif
