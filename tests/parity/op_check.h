/* op_check.h - one case of the parity table on one backend: guarded tensors, known values, a bound
 * for every element.
 *
 * A case makes its operands and weights here, calls one entry of the backend's table, and gives the
 * wanted values with their bounds. Every operand lies in a buffer whose other bytes are 0xff (NaN
 * as a float) and must stay so.
 */
#ifndef OP_CHECK_H
#define OP_CHECK_H

#include "kernels/backend.h"

enum { OP_OPERANDS = 13, OP_WEIGHTS = 3, OP_PARAMETERS = 12 };

typedef enum {
    OP_PACKED,
    OP_PADDED, /* three elements lie between rows, so that rows are not aligned */
    OP_HEADS   /* [B, n, h, d] seen in memory [B, h, n, d] */
} op_layout;

typedef struct {
    lt_tensor view;   /* what the operation gets */
    lt_tensor buffer; /* u8, all of it */
    unsigned char *before;
    double *value; /* packed elements of `view` */
    bool written;  /* an output: its own bytes may change */
} op_operand;

typedef struct {
    lt_weight weight;
    void *stored; /* host memory that the weight was made of */
    float *scale;
    double *value;
    bool prepared;
} op_parameter;

typedef struct {
    lt_backend *backend;
    lt_dtype dtype;  /* of activations */
    char place[256]; /* backend and case, for messages */
    lt_error error;  /* of the last call */
    uint32_t drawn;  /* random numbers so far; every case starts from 0 */
    double worst;    /* largest |got - want| / bound of the case */
    int failures;
    uint64_t trace; /* over every byte that came out: equal for equal results */
    int operands;
    op_operand operand[OP_OPERANDS];
    int parameters;
    op_parameter parameter[OP_WEIGHTS];
} op_check;

typedef struct {
    const char *op;
    const char *keys; /* names of the parameters, for messages: "n i o" */
    void (*check)(op_check *t, const int64_t *p);
    int64_t p[OP_PARAMETERS];
} op_case;

/* The table (op_cases.c). */
extern const op_case op_cases[];
extern const int op_case_count;

/* Runs one case in activations of `dtype`; `label` names the backend in
 * messages. Failures are printed. */
void op_run_case(op_check *t, lt_backend *backend, lt_dtype dtype, const char *label,
                 const op_case *c);

/* Runs every case of the table, or of the one operation `only`, on `backend`, and again on `other`,
 * which must give the same bytes. Prints the worst use of a bound per operation; returns the number
 * of cases that failed, and 1 where there is none. */
int op_run_table(lt_backend *backend, lt_backend *other, lt_dtype dtype, const char *name,
                 const char *only);

/* Uniform in [low, high], rounded to bf16 so that every dtype holds it exactly. */
op_operand *op_input(op_check *t, lt_dtype dtype, lt_shape shape, op_layout layout, double low,
                     double high);
op_operand *op_output(op_check *t, lt_dtype dtype, lt_shape shape, op_layout layout);
op_operand *op_ints(op_check *t, int64_t count, int64_t low, int64_t high);
/* f32 that an operation may write over, of any values. */
op_operand *op_given_floats(op_check *t, lt_shape shape, const float *values);
op_operand *op_given_ints(op_check *t, int64_t count, const int32_t *values);
/* A prepared weight and its exact values, bf16 numbers but for a head, which keeps f32. `stored`
 * I8, Q8 and Q4 come with scales that are powers of two. A matrix allows products of int8 where the
 * backend says it makes them. */
const lt_weight *op_weight(op_check *t, lt_role role, lt_dtype stored, lt_shape shape, double low,
                           double high, const double **values);

/* Counts a failed call that was given t->error. */
void op_done(op_check *t, lt_status s);
/* Compares `out` with `want` (packed); |got - want| <= bound, and no byte besides may have changed.
 * bound NULL: exact. */
void op_compare(op_check *t, op_operand *out, const double *want, const double *bound);

/* Unit roundoff of a dtype, half the distance between 1 and the next number: 8 bits of precision in
 * bf16, 24 in f32. */
double op_roundoff(lt_dtype dtype);

#endif
