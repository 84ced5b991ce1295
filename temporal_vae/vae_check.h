/* vae_check.h - golden files of the temporal VAE: components vae.encode and vae.decode. */
#ifndef VAE_CHECK_H
#define VAE_CHECK_H

#include "kernels/backend.h"
#include "weights/golden.h"

/* Runs what the file asks for and reports every output to `g`. LT_ERR_INPUT for a
 * file that is not one of ours. */
lt_status vae_check(lt_golden *g, lt_backend *backend, lt_error *err);

#endif
