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

// A right-hand matrix: element (k, j) is f[k*rs + j*cs], or the element at that
// place of an NF4 weight (nf4.h) where f is null. One stride is 1.
typedef struct {
  const float *f;
  const uint8_t *codes;
  const float *absmax;
  ptrdiff_t rs, cs;
} matrix;

#include "gemv.h"
#include "nf4.h"

// Packs nc columns and kc terms of B from the element at on.
static void pack_b(int nc, int kc, const matrix *B, int64_t at, float *pb) {
  for (int j = 0; j < nc; j += NR) {
    float *panel = pb + (size_t)(j / NR) * kc * NR;
    for (int h = 0; h < NV; h++) {
      int64_t o = at + (int64_t)(j + 16 * h) * B->cs;
      int w = nc - j - 16 * h;
      w = w > 16 ? 16 : w;
      if (w <= 0) {
        for (int k = 0; k < kc; k++) v_st(panel + (size_t)k * NR + 16 * h, v_set(0.0f));
      } else if (B->f) {
        pack16(w, kc, B->f + o, B->cs, B->rs, panel + 16 * h, NR);
      } else {
        nf4_pack16(w, kc, B, o, B->cs, B->rs, panel + 16 * h, NR);
      }
    }
  }
}

// C[m,n] (+)= A B + bias on one thread. A(i,k) = A[i*ars + k*acs], one stride of
// which is 1; B begins with its element at. Uses scratch slots 0 and 1.
static void gemm_panels(tl_pool *pool, int tid, int m, int n, int K, const float *A, ptrdiff_t ars, ptrdiff_t acs, const matrix *B, int64_t at, const float *bias, float *c, ptrdiff_t ldc, int add) {
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
      pack_b(nc, kc, B, at + pc * B->rs + jc * B->cs, pb);
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
      if (add && bias && pc == 0) bias_after(m, nc, bias + jc, c + jc, ldc);
    }
  }
}

// The same for floats with B(k,j) = B[k*brs + j*bcs]; one stride is 1.
static void gemm(tl_pool *pool, int tid, int m, int n, int K, const float *A, ptrdiff_t ars, ptrdiff_t acs, const float *B, ptrdiff_t brs, ptrdiff_t bcs, const float *bias, float *c, ptrdiff_t ldc, int add) {
  if (m <= SMALL && acs == 1 && brs == 1) {
    if (m > 0) gemv(m, n, K, A, ars, B, bcs, bias, c, ldc, add);
    return;
  }
  matrix b = {.f = B, .rs = brs, .cs = bcs};
  gemm_panels(pool, tid, m, n, K, A, ars, acs, &b, 0, bias, c, ldc, add);
}

// The rows m[0] to m[1] and columns n[0] to n[1] of C[M,N] that are a thread's.
static void gemm_share(int M, int N, int tid, int nt, int m[2], int n[2]) {
  m[0] = n[0] = 0, m[1] = M, n[1] = N;
  if (N >= M && N >= 2 * NR * nt) {
    int64_t u = (N + NR - 1) / NR;
    n[0] = (int)(u * tid / nt) * NR;
    n[1] = (int)(u * (tid + 1) / nt) * NR;
    n[1] = n[1] > N ? N : n[1];
  } else {
    m[0] = (int)((int64_t)M * tid / nt);
    m[1] = (int)((int64_t)M * (tid + 1) / nt);
  }
}

// ints: M N K ta tb acc; bufs: a b bias c.
static void k_gemm(tl_args *a, int tid, int nt) {
  int M = (int)a->i[0], N = (int)a->i[1], K = (int)a->i[2], m[2], n[2];
  ptrdiff_t ars = a->i[3] ? 1 : K, acs = a->i[3] ? M : 1, brs = a->i[4] ? 1 : N, bcs = a->i[4] ? K : 1;
  const float *A = a->buf[0], *B = a->buf[1], *bias = a->buf[2];
  float *c = a->buf[3];
  gemm_share(M, N, tid, nt, m, n);
  gemm(a->pool, tid, m[1] - m[0], n[1] - n[0], K, A + m[0] * ars, ars, acs, B + n[0] * bcs, brs, bcs, bias ? bias + n[0] : NULL, c + (ptrdiff_t)m[0] * N + n[0], N, (int)a->i[5]);
}

// ints: M N K tb acc; bufs: a codes absmax bias c.
static void k_gemm_nf4(tl_args *a, int tid, int nt) {
  int M = (int)a->i[0], N = (int)a->i[1], K = (int)a->i[2], tb = (int)a->i[3], acc = (int)a->i[4], m[2], n[2];
  matrix W = {.codes = a->buf[1], .absmax = a->buf[2], .rs = tb ? 1 : N, .cs = tb ? K : 1};
  gemm_share(M, N, tid, nt, m, n);
  int rows = m[1] - m[0], cols = n[1] - n[0];
  const float *A = (const float *)a->buf[0] + (ptrdiff_t)m[0] * K, *bias = a->buf[3] ? (const float *)a->buf[3] + n[0] : NULL;
  float *c = (float *)a->buf[4] + (ptrdiff_t)m[0] * N + n[0];
  int64_t at = (int64_t)n[0] * W.cs;
  if (rows > 0 && rows <= SMALL && tb) nf4_gemv(a->pool, tid, rows, cols, K, A, &W, at, bias, c, N, acc);
  else gemm_panels(a->pool, tid, rows, cols, K, A, K, 1, &W, at, bias, c, N, acc);
}
