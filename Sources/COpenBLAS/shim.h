#pragma once
#include <cblas.h>

// Whether the processor this is compiled for multiplies and adds in one instruction; without, `fma` is a slow call.
#if defined(__FMA__) || defined(__aarch64__)
#define COPPICE_FUSES_MULTIPLY_ADD 1
#else
#define COPPICE_FUSES_MULTIPLY_ADD 0
#endif

// Whether it is compiled for registers of 512 bits, of which there are twice as many.
#if defined(__AVX512F__)
#define COPPICE_WIDE_VECTORS 1
#else
#define COPPICE_WIDE_VECTORS 0
#endif
