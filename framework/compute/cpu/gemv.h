// Products of few rows, as in generation: C[m,n] = A B with the columns of B
// lying in memory one after the other, as a weight [out,in] does. Columns are
// the lanes, turned in registers, so that B is read once and never copied; each
// element is the chain of FMAs that gemm.h makes.
#if TL_ISA == 512
enum { SMALL = 12 };
#else
enum { SMALL = 4 };
#endif

// The sums of one block of K meet C in m rows of n <= GL columns.
FN void strip_out(int m, const gv *acc, float *c, ptrdiff_t ldc, int n, int mode, const float *bias) {
#pragma GCC unroll 12
  for (int i = 0; i < m; i++) {
    float *d = c + i * ldc, t[GL];
    const float *old = mode == BIAS ? bias : d;
    if (n == GL) {
      g_st(d, mode == SET ? acc[i] : g_add(g_ld(old), acc[i]));
    } else {
      g_st(t, acc[i]);
      for (int l = 0; l < n; l++) d[l] = mode == SET ? t[l] : old[l] + t[l];
    }
  }
}

// acc += A B for m rows and GL columns of B of stride bcs, of which n exist, and
// kc terms. The column as far on as ahead comes to the cache.
FN void strip_body(int m, int kc, const float *a, ptrdiff_t ars, const float *b, ptrdiff_t bcs, ptrdiff_t ahead, int n, gv *acc) {
  gv w[8];
  int k = 0;
  if (n == GL)
    for (; k + 16 <= kc; k += 16) {
#pragma GCC unroll 16
      for (int l = 0; l < GL; l++) __builtin_prefetch(b + ahead + l * bcs + k, 0, 2);
#pragma GCC unroll 2
      for (int h = k; h < k + 16; h += 8) {
        columns8(b + h, bcs, w);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++)
#pragma GCC unroll 12
          for (int i = 0; i < m; i++) acc[i] = g_fma(g_set(a[i * ars + h + j]), w[j], acc[i]);
      }
    }
  for (; k < kc; k += 8) {
    int e = kc - k < 8 ? kc - k : 8;
    float cut[GL * 8] = {0}, t[GL * 8];
    for (int l = 0; l < GL && l < n; l++) memcpy(cut + 8 * l, b + l * bcs + k, sizeof(float) * (size_t)e);
    columns8(cut, 8, w);
    for (int j = 0; j < 8; j++) g_st(t + GL * j, w[j]);
    for (int j = 0; j < e; j++)
#pragma GCC unroll 12
      for (int i = 0; i < m; i++) acc[i] = g_fma(g_set(a[i * ars + k + j]), g_ld(t + GL * j), acc[i]);
  }
}

#if TL_ISA == 512
#define SMALL_CASES ROWS_CASE(1) ROWS_CASE(2) ROWS_CASE(3) ROWS_CASE(4) ROWS_CASE(5) ROWS_CASE(6) ROWS_CASE(7) ROWS_CASE(8) ROWS_CASE(9) ROWS_CASE(10) ROWS_CASE(11) ROWS_CASE(12)
#else
#define SMALL_CASES ROWS_CASE(1) ROWS_CASE(2) ROWS_CASE(3) ROWS_CASE(4)
#endif
#define ROWS_CASE(m_) \
  case m_: { \
    gv acc[m_]; \
    for (int i = 0; i < m_; i++) acc[i] = g_set(0.0f); \
    strip_body(m_, kc, a, ars, b, bcs, ahead, n, acc); \
    strip_out(m_, acc, c, ldc, n, mode, bias); \
  } break;
static void strip(int m, int kc, const float *a, ptrdiff_t ars, const float *b, ptrdiff_t bcs, ptrdiff_t ahead, float *c, ptrdiff_t ldc, int n, int mode, const float *bias) {
  switch (m) { SMALL_CASES }
}
#undef ROWS_CASE

// With a bias and an addition at once, the bias comes after the first block of K.
static void bias_after(int m, int n, const float *bias, float *c, ptrdiff_t ldc) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) c[i * ldc + j] += bias[j];
}

// As gemm, for m <= SMALL, acs = 1 and brs = 1.
static void gemv(int m, int n, int K, const float *A, ptrdiff_t ars, const float *B, ptrdiff_t bcs, const float *bias, float *c, ptrdiff_t ldc, int add) {
  // The next strip is fetched early, or words further on where a strip would fill the cache.
  ptrdiff_t ahead = GL * bcs <= 65536 ? GL * bcs : 256;
  for (int j = 0; j < n; j += GL) {
    int w = n - j < GL ? n - j : GL;
    for (int pc = 0; pc == 0 || pc < K; pc += KC) {
      int kc = K - pc < KC ? K - pc : KC, mode = add || pc > 0 ? ADD : bias ? BIAS : SET;
      strip(m, kc, A + pc, ars, B + j * bcs + pc, bcs, ahead, c + j, ldc, w, mode, bias ? bias + j : NULL);
      if (add && bias && pc == 0) bias_after(m, w, bias + j, c + j, ldc);
    }
  }
}
