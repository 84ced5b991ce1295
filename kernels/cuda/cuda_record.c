/* cuda_record.c - operations that are kept as a graph and launched with one call.
 *
 * A stream that captures takes every launch into a graph instead of giving it to the device, its
 * arguments by value. So what differs from one run to the next has to lie in memory at the same
 * address. Addresses that the backend chooses itself are the workspace and the counters; where one
 * of them has been other memory since a recording is of no use.
 */
#include "kernels/cuda/cuda_backend.h"

#include <stdlib.h>

struct lt_recording {
    cudaGraphExec_t graph;
    uint64_t moves; /* of the backend's memory, when it was made */
};

lt_status lt_cuda_expect_no_recording(const lt_cuda *c, const char *place, lt_error *err)
{
    return c->recording
               ? lt_fail(err, LT_ERR_FAILED,
                         "cuda: %s: asked for in a recording, which has kernels alone", place)
               : LT_OK;
}

/* Whatever becomes of `work`, the stream captures no longer. *out is
 * NULL unless all of it is in it. */
static lt_status capture(lt_cuda *c, lt_work work, void *user, cudaGraph_t *out, lt_error *err)
{
    *out = NULL;
    LT_CUDA_TRY(cudaStreamBeginCapture(c->stream, cudaStreamCaptureModeThreadLocal), "recording",
                err);
    c->recording = true;
    lt_status s = work(user, err);
    c->recording = false;
    const cudaError_t ended = cudaStreamEndCapture(c->stream, out);
    if (s == LT_OK)
        s = lt_cuda_check(ended, "the end of a recording", err);
    if (s != LT_OK) {
        if (*out != NULL)
            (void)cudaGraphDestroy(*out);
        (void)cudaGetLastError();
        *out = NULL;
    }
    return s;
}

lt_status lt_cuda_record(lt_backend *b, lt_work work, void *user, lt_recording **out, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    *out = NULL;
    LT_TRY(lt_cuda_expect_no_recording(c, "recording", err));
    lt_recording *r = calloc(1, sizeof *r);
    if (r == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for a recording");
    cudaGraph_t graph;
    lt_status s = capture(c, work, user, &graph, err);
    if (s == LT_OK) {
        s = lt_cuda_check(cudaGraphInstantiate(&r->graph, graph, 0), "preparing a recording", err);
        (void)cudaGraphDestroy(graph);
    }
    if (s != LT_OK) {
        free(r);
        return s;
    }
    r->moves = c->moves;
    *out = r;
    return LT_OK;
}

lt_status lt_cuda_replay(lt_backend *b, const lt_recording *r, bool *done, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    *done = r->moves == c->moves;
    return *done ? lt_cuda_check(cudaGraphLaunch(r->graph, c->stream), "replaying a recording", err)
                 : LT_OK;
}

/* Its last run may still be under way. */
void lt_cuda_forget(lt_backend *b, lt_recording *r)
{
    if (r == NULL)
        return;
    (void)cudaStreamSynchronize(lt_cuda_of(b)->stream);
    (void)cudaGraphExecDestroy(r->graph);
    free(r);
}
