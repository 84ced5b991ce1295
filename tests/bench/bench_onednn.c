/* bench_onednn.c - the same shapes as bench_ops.c through oneDNN 2, to compare with: bench_onednn
 * [f32|bf16]
 *
 * Built where libdnnl is installed. Threads: OMP_NUM_THREADS=1, and compare with bench_ops
 * --threads 1 of the same minute. Weights are in the layout that the library likes best, images
 * channels-last, or in its own blocked layout ("blocked"). A causal 3x3x3 kernel sees zeros before
 * the first frame, which the library skips: the work that is done is counted.
 */
#include <dnnl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if DNNL_VERSION_MAJOR == 2

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_data_type_t type = dnnl_f32;

static void must(dnnl_status_t s, const char *what)
{
    if (s == dnnl_success)
        return;
    fprintf(stderr, "bench_onednn: %s: status %d\n", what, (int)s);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static dnnl_memory_t zeros(const dnnl_memory_desc_t *shape)
{
    const size_t bytes = (dnnl_memory_desc_get_size(shape) + 63) / 64 * 64;
    void *values = aligned_alloc(64, bytes);
    if (values == NULL)
        exit(1);
    memset(values, 0, bytes);
    dnnl_memory_t m;
    must(dnnl_memory_create(&m, shape, engine, values), "memory");
    return m;
}

static void measure(dnnl_primitive_desc_t desc, const char *name, double flop)
{
    static const int argument[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    static const dnnl_query_t query[] = {dnnl_query_src_md, dnnl_query_weights_md,
                                         dnnl_query_dst_md};
    dnnl_primitive_t primitive;
    must(dnnl_primitive_create(&primitive, desc), "primitive");
    dnnl_exec_arg_t args[3];
    for (int i = 0; i < 3; i++)
        args[i] =
            (dnnl_exec_arg_t){argument[i], zeros(dnnl_primitive_desc_query_md(desc, query[i], 0))};
    double best = 1e9;
    for (int run = 0; run < 5; run++) {
        const double begun = now();
        must(dnnl_primitive_execute(primitive, stream, 3, args), "execute");
        must(dnnl_stream_wait(stream), "wait");
        const double took = now() - begun;
        best = took < best ? took : best;
    }
    const char *kernel = "";
    must(dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &kernel), "query");
    printf("%-52s %10.3f ms %9.1f GFLOP/s   %s\n", name, best * 1e3, flop / best / 1e9, kernel);
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        void *values;
        must(dnnl_memory_get_data_handle(args[i].memory, &values), "memory");
        must(dnnl_memory_destroy(args[i].memory), "memory");
        free(values);
    }
    must(dnnl_primitive_destroy(primitive), "primitive");
    must(dnnl_primitive_desc_destroy(desc), "primitive");
}

static void linear(int64_t rows, int64_t in, int64_t out)
{
    dnnl_memory_desc_t x;
    dnnl_memory_desc_t w;
    dnnl_memory_desc_t y;
    must(dnnl_memory_desc_init_by_tag(&x, 2, (dnnl_dims_t){rows, in}, type, dnnl_ab), "x");
    must(dnnl_memory_desc_init_by_tag(&w, 2, (dnnl_dims_t){in, out}, type, dnnl_format_tag_any),
         "w");
    must(dnnl_memory_desc_init_by_tag(&y, 2, (dnnl_dims_t){rows, out}, type, dnnl_ab), "y");
    dnnl_matmul_desc_t product;
    dnnl_primitive_desc_t desc;
    must(dnnl_matmul_desc_init(&product, &x, &w, NULL, &y), "matmul");
    must(dnnl_primitive_desc_create(&desc, &product, NULL, engine, NULL), "matmul");
    char name[80];
    (void)snprintf(name, sizeof name, "linear %lld x %lld -> %lld", (long long)rows, (long long)in,
                   (long long)out);
    measure(desc, name, 2.0 * (double)(rows * in * out));
}

static void conv(int64_t frames, int64_t height, int64_t width, int64_t in, int64_t out, int64_t kt)
{
    int64_t seen = 0; /* frames of input, over all frames of output */
    for (int64_t t = 0; t < frames; t++)
        seen += t + 1 < kt ? t + 1 : kt;
    for (int blocked = 0; blocked <= 1; blocked++) {
        const dnnl_format_tag_t layout = blocked ? dnnl_format_tag_any : dnnl_ndhwc;
        dnnl_memory_desc_t x;
        dnnl_memory_desc_t w;
        dnnl_memory_desc_t y;
        must(dnnl_memory_desc_init_by_tag(&x, 5, (dnnl_dims_t){1, in, frames, height, width}, type,
                                          layout),
             "x");
        must(dnnl_memory_desc_init_by_tag(&w, 5, (dnnl_dims_t){out, in, kt, 3, 3}, type,
                                          dnnl_format_tag_any),
             "w");
        must(dnnl_memory_desc_init_by_tag(&y, 5, (dnnl_dims_t){1, out, frames, height, width}, type,
                                          layout),
             "y");
        dnnl_convolution_desc_t product;
        dnnl_primitive_desc_t desc;
        must(dnnl_convolution_forward_desc_init(
                 &product, dnnl_forward_inference, dnnl_convolution_direct, &x, &w, NULL, &y,
                 (dnnl_dims_t){1, 1, 1}, (dnnl_dims_t){kt - 1, 1, 1}, (dnnl_dims_t){0, 1, 1}),
             "convolution");
        must(dnnl_primitive_desc_create(&desc, &product, NULL, engine, NULL), "convolution");
        char name[80];
        (void)snprintf(name, sizeof name, "conv %lldx3x3 %lld x %lld x %lld, %lld -> %lld%s",
                       (long long)kt, (long long)frames, (long long)height, (long long)width,
                       (long long)in, (long long)out, blocked ? " blocked" : "");
        measure(desc, name, 2.0 * (double)(seen * height * width * in * out * 9));
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "bf16") == 0)
        type = dnnl_bf16;
    must(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    must(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    linear(1296, 256, 768);
    linear(1296, 256, 1024);
    linear(1296, 1024, 256);
    linear(226, 4096, 10240);
    linear(4444, 1920, 7680);
    conv(8, 128, 192, 16, 16, 3);
    conv(8, 128, 192, 32, 16, 3);
    conv(8, 64, 96, 32, 32, 3);
    conv(4, 32, 48, 64, 64, 3);
    conv(2, 16, 24, 96, 96, 3);
    conv(8, 128, 192, 32, 32, 1);
    conv(8, 128, 192, 16, 3, 3);
    conv(2, 240, 352, 128, 128, 3);
    conv(2, 60, 90, 512, 512, 3);
    must(dnnl_stream_destroy(stream), "stream");
    must(dnnl_engine_destroy(engine), "engine");
    return 0;
}

#else

int main(void)
{
    puts("bench_onednn is written for oneDNN 2");
    return 77;
}

#endif
