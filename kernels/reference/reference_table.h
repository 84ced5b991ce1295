/* reference_table.h - the entries of the reference backend, one operation per file. backend.h
 * states what each computes.
 *
 * Plain loops that read as the definition. Activations may be f32 or bf16; every sum is kept in
 * double and rounded once.
 */
#ifndef LT_REFERENCE_TABLE_H
#define LT_REFERENCE_TABLE_H

#include "kernels/backend.h"

/* reference_memory.c */
lt_status lt_ref_alloc(lt_backend *b, size_t bytes, void **out, lt_error *err);
void lt_ref_release(lt_backend *b, void *memory);
lt_status lt_ref_upload(lt_backend *b, void *device, const void *host, size_t bytes, lt_error *err);
lt_status lt_ref_download(lt_backend *b, void *host, const void *device, size_t bytes,
                          lt_error *err);
lt_status lt_ref_wait(lt_backend *b, lt_error *err);

/* reference_prepare.c */
lt_status lt_ref_prepare(lt_backend *b, lt_weight *w, lt_error *err);
void lt_ref_unprepare(lt_backend *b, lt_weight *w);
size_t lt_ref_prepared_bytes(lt_backend *b, const lt_weight *w);

/* reference_<operation>.c */
lt_status lt_ref_gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                        lt_error *err);
lt_status lt_ref_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, lt_act act, lt_error *err);
lt_status lt_ref_attention(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                           const lt_attention_args *a, lt_error *err);
lt_status lt_ref_layer_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                            lt_error *err);
lt_status lt_ref_rms_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                          lt_error *err);
lt_status lt_ref_group_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, const lt_group_norm_args *a, lt_error *err);
lt_status lt_ref_rope(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                      lt_error *err);
lt_status lt_ref_activate(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err);
lt_status lt_ref_gated_act(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                           lt_error *err);
lt_status lt_ref_axpby(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                       lt_tensor y, lt_error *err);
lt_status lt_ref_gated_add(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                           lt_error *err);
lt_status lt_ref_conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                      const lt_weight *bias, const lt_conv_args *a, lt_error *err);
lt_status lt_ref_upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                          lt_error *err);
lt_status lt_ref_copy(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
lt_status lt_ref_fill(lt_backend *b, lt_tensor out, float value, lt_error *err);
lt_status lt_ref_normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err);
lt_status lt_ref_to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);

/* act(x), the definition of lt_act (reference_activate.c). */
double lt_ref_act(double x, lt_act act);

#endif
