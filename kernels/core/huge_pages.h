/* huge_pages.h - large blocks of memory in pages of 2 MB where the system has them. */
#ifndef LT_HUGE_PAGES_H
#define LT_HUGE_PAGES_H

#include <stddef.h>

/* At least `bytes` of memory, aligned to a cache line; NULL where there is none. For free(). Huge
 * pages are asked for, and not had everywhere, from 4 MB on: rows of a tile lie far apart, and
 * translating the addresses of small pages takes up to a tenth of a product's time, most in a
 * virtual machine, and up to a quarter of a step's. */
void *lt_huge_pages(size_t bytes);

#endif
