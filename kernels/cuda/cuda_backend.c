/* cuda_backend.c - the door: finds the device, says why it cannot be used, opens what every
 * operation needs. */
#include "kernels/cuda/cuda_backend.h"

#include <stdlib.h>
#include <string.h>

/* Of a card that was refused nothing is asked: the runtime would take its memory for it. */
static void cuda_close(lt_backend *b)
{
    if (((lt_cuda *)b)->stream == NULL) {
        free(b);
        return;
    }
    lt_cuda *c = lt_cuda_of(b);
    (void)cudaStreamSynchronize(c->stream);
    lt_cudnn_close(c->cudnn);
    lt_cublas_close(c->cublas);
    lt_cuda_weight_stream_close(c->weight_stream);
    lt_cuda_memory_close(c);
    (void)cudaStreamDestroy(c->stream);
    free(c->base.profile);
    free(c);
}

static lt_status cuda_again(lt_backend *b, lt_backend **out, lt_error *err)
{
    return lt_cuda_open(out, lt_cuda_of(b)->device, b->activation, err);
}

static const lt_backend_table cuda_table = {
    .name = "cuda",
    .alloc = lt_cuda_alloc,
    .release = lt_cuda_release,
    .upload = lt_cuda_upload,
    .download = lt_cuda_download,
    .wait = lt_cuda_wait,
    .prepare = lt_cuda_prepare,
    .unprepare = lt_cuda_unprepare,
    .prepared_bytes = lt_cuda_prepared_bytes,
    .pinned_bytes = lt_cuda_pinned_bytes,
    .gather = lt_cuda_gather,
    .linear = lt_cuda_linear,
    .linear_add = lt_cuda_linear_add,
    .normed_linear = lt_cuda_normed_linear,
    .gated_linear = lt_cuda_gated_linear,
    .attention = lt_cuda_attention,
    .cached_attention = lt_cuda_cached_attention,
    .layer_norm = lt_cuda_layer_norm,
    .rms_norm = lt_cuda_rms_norm,
    .group_norm = lt_cuda_group_norm,
    .rope = lt_cuda_rope,
    .activate = lt_cuda_activate,
    .gated_act = lt_cuda_gated_act,
    .axpby = lt_cuda_axpby,
    .gated_add = lt_cuda_gated_add,
    .conv = lt_cuda_conv,
    .upsample = lt_cuda_upsample,
    .copy = lt_cuda_copy,
    .fill = lt_cuda_fill,
    .normal = lt_cuda_normal,
    .choose = lt_cuda_choose,
    .to_rgb8 = lt_cuda_to_rgb8,
    .memory_free = lt_cuda_memory_free,
    .let_go = lt_cuda_let_go,
    .again = cuda_again,
    .record = lt_cuda_record,
    .replay = lt_cuda_replay,
    .forget = lt_cuda_forget,
    .open_reading = lt_cuda_open_reading,
    .begin_reading = lt_cuda_begin_reading,
    .finish_reading = lt_cuda_finish_reading,
    .close_reading = lt_cuda_close_reading,
    .close = cuda_close,
};

/* Without a driver the runtime's own words are about versions; these are about what is there. */
lt_status lt_cuda_count(int *devices, lt_error *err)
{
    int driver = 0;
    *devices = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        return lt_fail(err, LT_ERR_DEVICE, "cuda: this machine has no NVIDIA driver");
    const cudaError_t code = cudaGetDeviceCount(devices);
    if (code == cudaErrorInsufficientDriver)
        return lt_fail(err, LT_ERR_DEVICE,
                       "cuda: the driver runs CUDA %d.%d, this build needs a newer one (%s)",
                       driver / 1000, driver % 1000 / 10, lt_cuda_built());
    if (code == cudaErrorNoDevice || (code == cudaSuccess && *devices == 0))
        return lt_fail(err, LT_ERR_DEVICE, "cuda: there is a driver, but no device");
    return lt_cuda_check(code, "looking for devices", err);
}

lt_status lt_cuda_look(int device, lt_cuda_facts *out, lt_error *err)
{
    int count;
    struct cudaDeviceProp properties;
    LT_TRY(lt_cuda_count(&count, err));
    if (device < 0 || device >= count)
        return lt_fail(err, LT_ERR_DEVICE, "cuda: device %d asked for, this machine has %d", device,
                       count);
    LT_CUDA_TRY(cudaGetDeviceProperties(&properties, device), "looking at the device", err);
    *out = (lt_cuda_facts){
        .capability = 10 * properties.major + properties.minor,
        .multiprocessors = properties.multiProcessorCount,
        .memory_bytes = properties.totalGlobalMem,
        .shared_bytes = properties.sharedMemPerBlockOptin,
    };
    (void)cudaDriverGetVersion(&out->driver);
    memcpy(out->name, properties.name, sizeof out->name);
    out->name[sizeof out->name - 1] = '\0';
    if (out->capability < LT_CUDA_OLDEST)
        return lt_fail(err, LT_ERR_DEVICE,
                       "cuda: %s has compute capability %d.%d, expected %d.%d or newer", out->name,
                       out->capability / 10, out->capability % 10, LT_CUDA_OLDEST / 10,
                       LT_CUDA_OLDEST % 10);
    return LT_OK;
}

const char *lt_cuda_built(void)
{
    return LT_CUDA_BUILT;
}

/* The first kernel: a card for which this build has no code says so here and
 * not in the middle of a take. */
static lt_status try_device(lt_cuda *c, lt_error *err)
{
    void *memory;
    int architecture;
    LT_TRY(lt_cuda_compiled_for(&architecture, err));
    c->waits_itself = architecture >= LT_CUDA_EARLY_OLDEST;
    LT_TRY(lt_cuda_workspace(c, LT_CUDA_ALIGN, &memory, err));
    const lt_tensor line =
        lt_view(memory, LT_F32, lt_shape1(LT_CUDA_ALIGN / (int64_t)sizeof(float)));
    LT_TRY(lt_cuda_fill(&c->base, line, 0, err));
    return lt_cuda_wait(&c->base, err);
}

lt_status lt_cuda_open(lt_backend **out, int device, lt_dtype activation, lt_error *err)
{
    *out = NULL;
    if (activation != LT_NO_DTYPE && activation != LT_F32 && activation != LT_BF16)
        return lt_fail(err, LT_ERR_USAGE, "cuda: activations in %s asked for, expected f32 or bf16",
                       lt_dtype_name(activation));
    lt_cuda *c = calloc(1, sizeof *c);
    if (c == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for the backend");
    c->base.table = &cuda_table;
    c->base.activation = activation == LT_F32 ? LT_F32 : LT_BF16;
    c->device = device;
    lt_status s = lt_cuda_look(device, &c->facts, err);
    if (c->base.activation == LT_BF16 && c->facts.capability >= LT_CUDA_E4M3_OLDEST)
        c->base.rounds_to = LT_ROUND_E4M3;
    if (s == LT_OK)
        s = lt_cuda_check(cudaSetDevice(device), "taking the device", err);
    if (s == LT_OK)
        s = lt_cuda_check(cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking),
                          "opening a stream", err);
    if (s == LT_OK)
        s = try_device(c, err);
    if (s != LT_OK) {
        cuda_close(&c->base);
        return s;
    }
    *out = &c->base;
    return LT_OK;
}
