/* import_request.c - longtake_import of the public interface. */
#include <string.h>

#include "configs/model_folder.h"
#include "kernels/core/clock.h"
#include "pipeline/data_folders.h"
#include "pipeline/engine.h"
#include "pipeline/import/import_release.h"
#include "pipeline/output_kind.h"
#include "pipeline/take_clock.h"

typedef struct {
    const longtake_import_request *request;
    double began;
    bool stop; /* asked for while a warning was told; the next step ends the import */
} teller;

static void tell(teller *t, longtake_event event)
{
    take_event_fill(&event, t->began);
    event.eta_seconds = event.kind == LONGTAKE_EVENT_DONE ? 0 : -1;
    if (event.step > 0)
        event.eta_seconds =
            event.elapsed_seconds / (double)event.step * (double)(event.steps - event.step);
    if (t->request->on_event && t->request->on_event(t->request->user, &event) != 0)
        t->stop = true;
}

static void tell_warning(void *user, const char *line)
{
    tell(user,
         (longtake_event){.kind = LONGTAKE_EVENT_WARNING, .stage = "import", .message = line});
}

static int tell_step(void *user, const char *file, int done, int total)
{
    teller *const t = user;
    tell(t, (longtake_event){.kind = LONGTAKE_EVENT_STEP,
                             .stage = "import",
                             .windows = 1,
                             .step = done,
                             .steps = total,
                             .message = file});
    return t->stop;
}

void longtake_import_request_init(longtake_import_request *request)
{
    *request = (longtake_import_request){0};
}

static bool dtype_of(const char *name, lt_dtype *out)
{
    static const lt_dtype kinds[] = {LT_F32, LT_BF16, LT_F16};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(lt_dtype_name(kinds[i]), name) == 0) {
            *out = kinds[i];
            return true;
        }
    return false;
}

static lt_status run_import(teller *t, lt_error *err)
{
    const longtake_import_request *const r = t->request;
    if (!r->release || !r->output)
        return lt_fail(err, LT_ERR_USAGE, "import: no %s folder was given",
                       r->release ? "output" : "release");
    LT_TRY(take_folder_check("--output", r->output, err)); /* before gigabytes are read */
    take_quantize quantize = TAKE_AS_STORED;
    if (r->quantize && !take_quantize_of(r->quantize, &quantize))
        return lt_fail(err, LT_ERR_USAGE, "--quantize: found \"%s\", expected q8, q4 or mixed",
                       r->quantize);
    lt_dtype dtype = LT_NO_DTYPE;
    if (r->dtype && !dtype_of(r->dtype, &dtype))
        return lt_fail(err, LT_ERR_USAGE, "--dtype: found \"%s\", expected f32, bf16 or f16",
                       r->dtype);
    take_data_folders beside;
    take_data_folders_find(&beside);
    cfg_model_files released = {0};
    if (!r->config)
        LT_TRY(
            cfg_find_model("landiff", NULL, r->search ? r->search : beside.list, &released, err));
    const lt_warnings warnings = {.warn = tell_warning, .user = t};
    const take_import_request request = {.release = r->release,
                                         .output = r->output,
                                         .config = r->config ? r->config : released.config,
                                         .t5 = r->t5,
                                         .theia = r->theia,
                                         .quantize = quantize,
                                         .dtype = dtype,
                                         .warnings = &warnings,
                                         .progress = tell_step,
                                         .user = t};
    tell(t, (longtake_event){.kind = LONGTAKE_EVENT_STAGE, .stage = "import", .windows = 1});
    const lt_status s = take_import(&request, err);
    cfg_model_files_close(&released);
    return s;
}

longtake_status longtake_import(const longtake_import_request *request, longtake_error *error)
{
    lt_error err = {0};
    teller t = {.request = request};
    t.began = lt_clock_seconds();
    lt_status s = take_need(request, "request", &err);
    if (s == LT_OK)
        s = run_import(&t, &err);
    if (s == LT_OK)
        tell(&t, (longtake_event){
                     .kind = LONGTAKE_EVENT_DONE, .stage = "import", .message = request->output});
    return take_give_error(s, &err, error);
}
