/* test_cudnn_faults.c - what cuDNN says when it finds no plan, by a stand-in for it
 * (cudnn_stand_in.c, first in the loader's path): a word on the shape is an answer and is
 * remembered, a fault of the machine is a failure and is not, unless another proposal works. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "cudnn_stand_in.h"
#include "kernels/cuda/cuda_conv.h"
#include "kernels/cuda/cudnn_graph.h"

enum {
    FINE = 0,
    SUBLIBRARY_VERSION_MISMATCH = 1002,
    NOT_THIS_SHAPE = 3002,
    PREREQUISITE_MISSING = 3008,
    SUBLIBRARY_UNAVAILABLE = 3009,
    COMPILATION_FAILED = 4001,
    NO_HOST_MEMORY = 4003,
    NO_DEVICE_MEMORY = 4004,
    DRIVER_FAILED = 5001
};

enum { MOST_CODES = 3 };

static const struct {
    const char *what;
    int plans[MOST_CODES]; /* the last one for all further ones as well */
    int look;
    lt_status status;
    bool found;
} cases[] = {
    {"the first proposal works", {FINE, FINE, FINE}, FINE, LT_OK, true},
    {"no engine for this shape",
     {NOT_THIS_SHAPE, COMPILATION_FAILED, NOT_THIS_SHAPE},
     FINE,
     LT_OK,
     false},
    {"nowhere to look", {FINE, FINE, FINE}, NOT_THIS_SHAPE, LT_OK, false},
    {"a fault, then a plan", {SUBLIBRARY_UNAVAILABLE, FINE, FINE}, FINE, LT_OK, true},
    {"a driver that fails once", {DRIVER_FAILED, NOT_THIS_SHAPE, FINE}, FINE, LT_OK, true},
    {"a part of the library is missing",
     {NOT_THIS_SHAPE, SUBLIBRARY_UNAVAILABLE, NOT_THIS_SHAPE},
     FINE,
     LT_ERR_DEVICE,
     false},
    {"what it needs is missing",
     {PREREQUISITE_MISSING, NOT_THIS_SHAPE, NOT_THIS_SHAPE},
     FINE,
     LT_ERR_DEVICE,
     false},
    {"parts of two releases",
     {SUBLIBRARY_VERSION_MISMATCH, NOT_THIS_SHAPE, NOT_THIS_SHAPE},
     FINE,
     LT_ERR_DEVICE,
     false},
    {"no memory on the host",
     {NO_HOST_MEMORY, NOT_THIS_SHAPE, NOT_THIS_SHAPE},
     FINE,
     LT_ERR_RESOURCES,
     false},
    {"no memory on the device",
     {NOT_THIS_SHAPE, NO_DEVICE_MEMORY, NOT_THIS_SHAPE},
     FINE,
     LT_ERR_DEVICE_MEMORY,
     false},
    {"the device is lost",
     {DRIVER_FAILED, DRIVER_FAILED, DRIVER_FAILED},
     FINE,
     LT_ERR_DEVICE,
     false},
    {"nowhere to look, for a part is missing",
     {FINE, FINE, FINE},
     SUBLIBRARY_UNAVAILABLE,
     LT_ERR_DEVICE,
     false},
};

typedef struct {
    void (*answers)(const int *codes, int count, int look);
    int (*plans)(void);
} stand_in;

static bool load(stand_in *s)
{
    void *library = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);
    void *answers = library != NULL ? dlsym(library, "stand_in_answers") : NULL;
    void *plans = library != NULL ? dlsym(library, "stand_in_plans") : NULL;
    /* ISO C has no cast from an object to a function */
    memcpy(&s->answers, &answers, sizeof answers);
    memcpy(&s->plans, &plans, sizeof plans);
    return answers != NULL && plans != NULL;
}

static lt_conv_piece some_piece(lt_dtype type)
{
    static float somewhere[4];
    lt_conv_piece p;
    memset(&p, 0, sizeof p);
    p.type = type;
    p.in = p.w = p.out = somewhere;
    p.frames = p.kt = p.kh = p.kw = p.stride = 1;
    p.in_rows = p.out_rows = p.in_columns = p.out_columns = 8;
    p.in_channels = p.out_channels = 8;
    p.in_frame = p.out_frame = 512;
    return p;
}

/* f32 looks for plans of its own, bf16 for shared ones first. What was no failure is not asked for
 * again; what was is, and may be there. */
static int try_case(const stand_in *s, int i, lt_dtype type)
{
    static const int fine[] = {FINE};
    lt_error err = {0};
    lt_cudnn *l = NULL;
    lt_cudnn_plan *plan = NULL;
    const lt_conv_piece p = some_piece(type);
    if (lt_cudnn_open_without_device("{}", &l, &err) != LT_OK) {
        printf("FAILED %s: %s\n", cases[i].what, err.message);
        return 1;
    }
    s->answers(cases[i].plans, MOST_CODES, cases[i].look);
    const lt_status status = lt_cudnn_conv_plan(l, &p, &plan, &err);
    const bool right =
        status == cases[i].status &&
        (status == LT_OK ? (plan != NULL) == cases[i].found : err.message[0] != '\0');
    s->answers(fine, 1, FINE);
    plan = NULL;
    const lt_status later = lt_cudnn_conv_plan(l, &p, &plan, &err);
    const bool asked = s->plans() > 0;
    const bool kept = later == LT_OK && asked == (status != LT_OK) &&
                      (plan != NULL) == (cases[i].found || status != LT_OK);
    if (!right || !kept)
        printf("FAILED %s, %s: status %d (%s), %s; then %d, %s, %s\n", lt_dtype_name(type),
               cases[i].what, (int)status, err.message,
               cases[i].found ? "a plan wanted" : "none wanted", (int)later,
               asked ? "asked again" : "remembered", plan != NULL ? "a plan" : "none");
    lt_cudnn_close(l);
    return !right || !kept;
}

int main(void)
{
    stand_in s;
    int failed = 0;
    if (!load(&s)) {
        printf("FAILED the stand-in is not what the loader finds\n");
        return 1;
    }
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++)
        failed += try_case(&s, i, LT_F32) + try_case(&s, i, LT_BF16);
    printf("%d failed\n", failed);
    return failed > 0;
}
