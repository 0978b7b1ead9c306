// The kernels for AVX-512 (F, BW, DQ, VL). Every function of this file carries the target as an
// attribute, so that the rest of the program runs on any x86-64.
#include "tl.h"
#ifdef __x86_64__
#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
#define TL_ISA 512
#define TL_TABLE tl_kernels_avx512
#include "vec.h"
#include "vecmath.h"
#include "gemm.h"
#include "elementwise.h"
#include "rows.h"
#include "gemm_bf16.h"
#include "loss.h"
#include "rope.h"
#include "attention.h"
#include "table.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
const tl_kernel tl_kernels_avx512[] = {{0, 0}};
#endif
