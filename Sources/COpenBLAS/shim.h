#pragma once
#include <cblas.h>

// Whether the processor this is compiled for multiplies and adds in one instruction; without, `fma` is a slow call.
#if defined(__FMA__) || defined(__aarch64__)
#define COPPICE_FUSES_MULTIPLY_ADD 1
#else
#define COPPICE_FUSES_MULTIPLY_ADD 0
#endif
