// Weights in NF4: element i is table[code i] absmax[i/64], two codes a byte, the
// first in the high nibble. They become floats in registers, or in the packed
// panels of gemm.h, and never the whole weight in memory; the bits are those of
// dequant_nf4 and gemm.
static const float nf4_table[16] = {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
                                    -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
                                    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

// nf4_words: eight codes a word, r[k] lane l = word k of the row l, for rows of
// so many bytes. nf4_lookup: the values of the codes in the low nibbles of words,
// whose other bits do not count. NF4_SHIFT moves code j of a word there.
// nf4_16: sixteen elements in a row with one scale.
#if TL_ISA == 512
typedef __m512i gw;
FN gv nf4_lookup(gw w) { return _mm512_permutexvar_ps(w, _mm512_loadu_ps(nf4_table)); }
#define NF4_SHIFT(w, j) _mm512_srli_epi32(w, 4 * ((j) ^ 1))
FN void nf4_words(const uint8_t *codes, ptrdiff_t row, gw r[8]) {
  gv t[8];
  columns8((const float *)(const void *)codes, row / 4, t);
#pragma GCC unroll 8
  for (int k = 0; k < 8; k++) r[k] = _mm512_castps_si512(t[k]);
}
FN v16 nf4_16(const uint8_t *codes, float scale) {
  __m512i w = _mm512_permutexvar_epi32(_mm512_set_epi32(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0), _mm512_castsi128_si512(_mm_loadl_epi64((const __m128i *)(const void *)codes)));
  return v_mul(nf4_lookup(_mm512_srlv_epi32(w, _mm512_set_epi32(24, 28, 16, 20, 8, 12, 0, 4, 24, 28, 16, 20, 8, 12, 0, 4))), v_set(scale));
}

#elif TL_ISA == 2
typedef __m256i gw;
FN gv nf4_lookup(gw w) {
  gv low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(nf4_table), w), high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(nf4_table + 8), w);
  return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(w, 28)));
}
#define NF4_SHIFT(w, j) _mm256_srli_epi32(w, 4 * ((j) ^ 1))
FN void nf4_words(const uint8_t *codes, ptrdiff_t row, gw r[8]) {
  gv t[8];
  columns8((const float *)(const void *)codes, row / 4, t);
#pragma GCC unroll 8
  for (int k = 0; k < 8; k++) r[k] = _mm256_castps_si256(t[k]);
}
FN v16 nf4_16(const uint8_t *codes, float scale) {
  __m256i shift = _mm256_set_epi32(24, 28, 16, 20, 8, 12, 0, 4);
  int32_t w[2];
  memcpy(w, codes, 8);
  v16 x = {nf4_lookup(_mm256_srlv_epi32(_mm256_set1_epi32(w[0]), shift)), nf4_lookup(_mm256_srlv_epi32(_mm256_set1_epi32(w[1]), shift))};
  return v_mul(x, v_set(scale));
}

#else
typedef uint32_t gw;
FN gv nf4_lookup(gw w) { return nf4_table[w & 15]; }
#define NF4_SHIFT(w, j) ((w) >> 4 * ((j) ^ 1))
FN void nf4_words(const uint8_t *codes, ptrdiff_t row, gw r[8]) {
  (void)row;
  for (int k = 0; k < 8; k++, codes += 4) r[k] = codes[0] | (uint32_t)codes[1] << 8 | (uint32_t)codes[2] << 16 | (uint32_t)codes[3] << 24;
}
FN v16 nf4_16(const uint8_t *codes, float scale) {
  float t[16];
  for (int l = 0; l < 16; l++) t[l] = nf4_table[l % 2 ? codes[l / 2] & 15 : codes[l / 2] >> 4] * scale;
  return v_ld(t);
}
#endif

// The eight elements of each lane's word.
FN void nf4_values(gw w, gv scale, gv v[8]) {
#define V(j) v[j] = g_mul(nf4_lookup(NF4_SHIFT(w, j)), scale);
  V(0) V(1) V(2) V(3) V(4) V(5) V(6) V(7)
#undef V
}

FN gv nf4_scales(const float *absmax, ptrdiff_t stride) {
  float t[GL];
#pragma GCC unroll 16
  for (int l = 0; l < GL; l++) t[l] = absmax[l * stride];
  return g_ld(t);
}

// y = the n elements from i on.
static void nf4_floats(const uint8_t *codes, const float *absmax, int64_t i, int64_t n, float *y) {
  for (int64_t end = i + n; i < end;) {
    if (i % 16 == 0 && end - i >= 16) {
      v_st(y, nf4_16(codes + i / 2, absmax[i / 64]));
      y += 16, i += 16;
    } else {
      uint8_t c = codes[i / 2];
      *y++ = nf4_table[i % 2 ? c & 15 : c >> 4] * absmax[i / 64];
      i++;
    }
  }
}

// ints: n.
static void k_dequant_nf4(tl_args *a, int tid, int nt) {
  int64_t n = a->i[0], blocks = (n + 63) / 64, lo = blocks * tid / nt * 64, hi = blocks * (tid + 1) / nt * 64;
  nf4_floats(a->buf[0], a->buf[1], lo, (hi < n ? hi : n) - lo, (float *)a->buf[2] + lo);
}

// As pack16, from the element at on.
static void nf4_pack16(int w, int kc, const matrix *X, int64_t at, ptrdiff_t ls, ptrdiff_t ks, float *P, int pst) {
  if (w == 16 && ks == 1 && ls % 64 == 0 && at % 64 == 0 && kc % 64 == 0) {
    for (int k = 0; k < kc; k += 64)
      for (int l = 0; l < 16; l += GL) {
        int64_t i = at + l * ls + k;
        gw words[8];
        gv v[8], scale = nf4_scales(X->absmax + i / 64, ls / 64);
        nf4_words(X->codes + i / 2, ls / 2, words);
        for (int j = 0; j < 8; j++) {
          nf4_values(words[j], scale, v);
#pragma GCC unroll 8
          for (int t = 0; t < 8; t++) g_st(P + (size_t)(k + 8 * j + t) * pst + l, v[t]);
        }
      }
  } else if (ls == 1) {
    float t[16] = {0};
    for (int k = 0; k < kc; k++) {
      nf4_floats(X->codes, X->absmax, at + k * ks, w, t);
      v_st(P + (size_t)k * pst, v_ld(t));
    }
  } else {
    float t[KC];
    for (int l = 0; l < 16; l++) {
      if (l < w) nf4_floats(X->codes, X->absmax, at + l * ls, kc, t);
      for (int k = 0; k < kc; k++) P[(size_t)k * pst + l] = l < w ? t[k] : 0.0f;
    }
  }
}

// acc += A W^T for m rows and groups x GL rows of W, and kc terms from the
// element at on; K and kc are multiples of 64. Two groups hide the latency of an FMA.
FN void nf4_body(int m, int groups, int kc, const float *a, ptrdiff_t ars, const matrix *W, int64_t at, ptrdiff_t K, gv acc[][SMALL]) {
  const ptrdiff_t row = K / 2, step = GL * groups * row;
  for (int k = 0; k < kc; k += 64) {
    gw words[2][8];
    gv scale[2], v[8];
#pragma GCC unroll 2
    for (int g = 0; g < groups; g++) {
      int64_t i = at + g * GL * K + k;
      const uint8_t *codes = W->codes + i / 2;
      scale[g] = nf4_scales(W->absmax + i / 64, K / 64);
      nf4_words(codes, row, words[g]);
      if (k % 128 == 0)
#pragma GCC unroll 16
        for (int l = 0; l < GL; l++) __builtin_prefetch(codes + step + l * row, 0, 2);
    }
    for (int j = 0; j < 8; j++)
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) {
        nf4_values(words[g][j], scale[g], v);
#pragma GCC unroll 8
        for (int t = 0; t < 8; t++)
#pragma GCC unroll 12
          for (int i = 0; i < m; i++) acc[g][i] = g_fma(g_set(a[i * ars + k + 8 * j + t]), v[t], acc[g][i]);
      }
  }
}

#define NF4_GROUPS(m) ((m) <= 4 ? 2 : 1)
#define ROWS_CASE(m_) \
  case m_: { \
    enum { groups = NF4_GROUPS(m_) }; \
    gv acc[groups][SMALL]; \
    for (int g = 0; g < groups; g++) \
      for (int i = 0; i < m_; i++) acc[g][i] = g_set(0.0f); \
    nf4_body(m_, groups, kc, a, ars, W, at, K, acc); \
    for (int g = 0; g < groups; g++) strip_out(m_, acc[g], c + g * GL, ldc, GL, mode, bias ? bias + g * GL : NULL); \
  } break;
static void nf4_strip(int m, int kc, const float *a, ptrdiff_t ars, const matrix *W, int64_t at, ptrdiff_t K, float *c, ptrdiff_t ldc, int mode, const float *bias) {
  switch (m) { SMALL_CASES }
}
#undef ROWS_CASE

// C[m,n] (+)= A W^T + bias for m <= SMALL and the n rows of W from the element
// at on. Rows that do not begin with a scale of their own, and the last few, go
// through a strip of floats in scratch slot 4.
static void nf4_gemv(tl_pool *pool, int tid, int m, int n, int K, const float *A, const matrix *W, int64_t at, const float *bias, float *c, ptrdiff_t ldc, int add) {
  float *f = tl_scratch(pool, tid, 4, sizeof(float) * GL * KC);
  int whole = NF4_GROUPS(m) * GL;
  for (int j = 0, w; j < n; j += w) {
    int fused = K % 64 == 0 && n - j >= whole;
    w = fused ? whole : n - j < GL ? n - j : GL;
    for (int pc = 0; pc == 0 || pc < K; pc += KC) {
      int kc = K - pc < KC ? K - pc : KC, mode = add || pc > 0 ? ADD : bias ? BIAS : SET;
      const float *bj = bias ? bias + j : NULL;
      int64_t i = at + (int64_t)j * K + pc;
      if (fused) {
        nf4_strip(m, kc, A + pc, K, W, i, K, c + j, ldc, mode, bj);
      } else {
        for (int l = 0; l < w; l++) nf4_floats(W->codes, W->absmax, i + (int64_t)l * K, kc, f + l * KC);
        strip(m, kc, A + pc, K, f, KC, 0, c + j, ldc, w, mode, bj);
      }
      if (add && bias && pc == 0) bias_after(m, w, bj, c + j, ldc);
    }
  }
}
