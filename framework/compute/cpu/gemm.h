// Single-precision matrix product. Every element of C is one chain of FMAs over
// each block of KC terms of K, and the blocks are added in order; M and N alone
// are split between threads and tiles. So the bits depend on nothing but the data.
#if TL_ISA == 512
enum { MR = 14, NV = 2 };
#elif TL_ISA == 2
enum { MR = 6, NV = 1 };
#else
enum { MR = 4, NV = 1 };
#endif
enum { NR = 16 * NV, KC = 384, NC = 384, AP = 16 };

// How a tile meets C: assign, add, or assign with the bias of its columns.
enum { SET, ADD, BIAS };

// One tile of mr x nr. A is packed (AP floats for each k) or lies in rows of
// stride ars. b is a packed panel of NR floats for each k.
FN void tile_body(int mr, int packed, int kc, const float *a, ptrdiff_t ars, const float *b, float *c, ptrdiff_t ldc, int nr, int mode, const float *bias) {
  v16 acc[MR][NV];
  const float *p0 = a, *p1 = a + 3 * ars, *p2 = a + 6 * ars, *p3 = a + 9 * ars, *p4 = a + 12 * ars;
#pragma GCC unroll 14
  for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
    for (int h = 0; h < NV; h++) acc[i][h] = v_set(0.0f);
  for (int k = 0; k < kc; k++) {
    v16 bv[NV];
#pragma GCC unroll 2
    for (int h = 0; h < NV; h++) bv[h] = v_ld(b + 16 * h);
#pragma GCC unroll 14
    for (int i = 0; i < mr; i++) {
      const float *q = i < 3 ? p0 : i < 6 ? p1 : i < 9 ? p2 : i < 12 ? p3 : p4;
      v16 x = v_set(packed ? p0[i] : q[(i % 3) * ars]);
#pragma GCC unroll 2
      for (int h = 0; h < NV; h++) acc[i][h] = v_fma(x, bv[h], acc[i][h]);
    }
    b += NR;
    if (packed) {
      p0 += AP;
    } else {
      p0++, p1++, p2++, p3++, p4++;
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < mr; i++) {
    float *d = c + i * ldc;
#pragma GCC unroll 2
    for (int h = 0; h < NV; h++) {
      int w = nr - 16 * h;
      if (w >= 16) {
        v16 v = acc[i][h];
        if (mode == ADD) v = v_add(v_ld(d + 16 * h), v);
        if (mode == BIAS) v = v_add(v_ld(bias + 16 * h), v);
        v_st(d + 16 * h, v);
      } else if (w > 0) {
        v16 v = acc[i][h];
        if (mode == ADD) v = v_add(v_ldn(d + 16 * h, w), v);
        if (mode == BIAS) v = v_add(v_ldn(bias + 16 * h, w), v);
        v_stn(d + 16 * h, v, w);
      }
    }
  }
}

#define TILE(n) case n: tile_body(n, packed, kc, a, ars, b, c, ldc, nr, mode, bias); break;
#define TILES_4 TILE(1) TILE(2) TILE(3) TILE(4)
#define TILES_6 TILES_4 TILE(5) TILE(6)
#define TILES_14 TILES_6 TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)
#if TL_ISA == 512
#define TILES TILES_14
#elif TL_ISA == 2
#define TILES TILES_6
#else
#define TILES TILES_4
#endif
#define TILE_FN(name, packed_) \
  static void name(int mr, int kc, const float *a, ptrdiff_t ars, const float *b, float *c, ptrdiff_t ldc, int nr, int mode, const float *bias) { \
    enum { packed = packed_ }; \
    switch (mr) { TILES } \
  }
TILE_FN(tile_packed, 1)
TILE_FN(tile_rows, 0)

#include "transpose.h"

// Packs w <= 16 lanes and kc terms of X(l, k) = X[l*ls + k*ks] as P[k*pst + l];
// the lanes from w on are zero. One of ls and ks is 1.
static void pack16(int w, int kc, const float *X, ptrdiff_t ls, ptrdiff_t ks, float *P, int pst) {
  if (w == 16 && ls == 1) {
    for (int k = 0; k < kc; k++) v_st(P + (size_t)k * pst, v_ld(X + k * ks));
  } else if (ls == 1) {
    for (int k = 0; k < kc; k++) v_st(P + (size_t)k * pst, v_ldn(X + k * ks, w));
  } else {
    transpose16(w, kc, X, ls, P, pst);
  }
}

static void pack_b(int nc, int kc, const float *B, ptrdiff_t brs, ptrdiff_t bcs, float *pb) {
  for (int j = 0; j < nc; j += NR) {
    float *panel = pb + (size_t)(j / NR) * kc * NR;
    for (int h = 0; h < NV; h++) {
      int w = nc - j - 16 * h;
      w = w > 16 ? 16 : w;
      if (w > 0) {
        pack16(w, kc, B + (ptrdiff_t)(j + 16 * h) * bcs, bcs, brs, panel + 16 * h, NR);
      } else {
        for (int k = 0; k < kc; k++) v_st(panel + (size_t)k * NR + 16 * h, v_set(0.0f));
      }
    }
  }
}

// C[m,n] (+)= A B + bias on one thread. A(i,k) = A[i*ars + k*acs] and B(k,j) =
// B[k*brs + j*bcs]; one stride of each is 1. Uses scratch slots 0 and 1.
static void gemm(tl_pool *pool, int tid, int m, int n, int K, const float *A, ptrdiff_t ars, ptrdiff_t acs, const float *B, ptrdiff_t brs, ptrdiff_t bcs, const float *bias, float *c, ptrdiff_t ldc, int add) {
  if (m <= 0 || n <= 0) return;
  int nc_max = n < NC ? (n + NR - 1) / NR * NR : NC, kc_max = K < KC ? K : KC;
  float *pb = tl_scratch(pool, tid, 0, sizeof(float) * (size_t)nc_max * (size_t)(kc_max + 1));
  float *pa = tl_scratch(pool, tid, 1, sizeof(float) * AP * (KC + 1));
  int panels = (m + MR - 1) / MR;
  for (int jc = 0; jc < n; jc += NC) {
    int nc = n - jc < NC ? n - jc : NC;
    for (int pc = 0; pc == 0 || pc < K; pc += KC) {
      int kc = K - pc < KC ? K - pc : KC;
      int mode = add || pc > 0 ? ADD : bias ? BIAS : SET;
      pack_b(nc, kc, B + pc * brs + jc * bcs, brs, bcs, pb);
      for (int t = 0; t < panels; t++) {
        int i = (int)((int64_t)m * t / panels), mr = (int)((int64_t)m * (t + 1) / panels) - i;
        const float *a = A + i * ars + pc * acs;
        if (acs != 1) pack16(mr, kc, a, 1, acs, pa, AP);
        for (int j = 0; j < nc; j += NR) {
          int nr = nc - j < NR ? nc - j : NR;
          const float *b = pb + (size_t)(j / NR) * kc * NR;
          float *d = c + i * ldc + jc + j;
          if (acs != 1)
            tile_packed(mr, kc, pa, 0, b, d, ldc, nr, mode, bias + (bias ? jc + j : 0));
          else
            tile_rows(mr, kc, a, ars, b, d, ldc, nr, mode, bias + (bias ? jc + j : 0));
        }
      }
      // With a bias and an addition at once, the bias comes after the first block.
      if (add && bias && pc == 0)
        for (int i = 0; i < m; i++)
          for (int j = 0; j < nc; j++) c[i * ldc + jc + j] += bias[jc + j];
    }
  }
}

// ints: M N K ta tb acc; bufs: a b bias c.
static void k_gemm(tl_args *a, int tid, int nt) {
  int M = (int)a->i[0], N = (int)a->i[1], K = (int)a->i[2];
  ptrdiff_t ars = a->i[3] ? 1 : K, acs = a->i[3] ? M : 1, brs = a->i[4] ? 1 : N, bcs = a->i[4] ? K : 1;
  const float *A = a->buf[0], *B = a->buf[1], *bias = a->buf[2];
  float *c = a->buf[3];
  // A matrix with one row or column has both strides 1 in effect; keep the walks apart.
  int m0 = 0, m1 = M, n0 = 0, n1 = N;
  if (N >= M && N >= 2 * NR * nt) {
    int64_t u = (N + NR - 1) / NR;
    n0 = (int)(u * tid / nt) * NR;
    n1 = (int)(u * (tid + 1) / nt) * NR;
    n1 = n1 > N ? N : n1;
  } else {
    m0 = (int)((int64_t)M * tid / nt);
    m1 = (int)((int64_t)M * (tid + 1) / nt);
  }
  gemm(a->pool, tid, m1 - m0, n1 - n0, K, A + m0 * ars, ars, acs, B + n0 * bcs, brs, bcs, bias ? bias + n0 : NULL, c + (ptrdiff_t)m0 * N + n0, N, (int)a->i[5]);
}
