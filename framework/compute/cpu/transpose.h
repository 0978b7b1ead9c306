// transpose16 packs rows of stride ls as columns: P[k*pst + l] = X[l*ls + k] for
// l < w, zero for the other lanes.
#if TL_ISA == 512
FN void square(__m512 r[16]) {
  __m512 t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#define PD(op, x, y) _mm512_castpd_ps(op(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = PD(_mm512_unpacklo_pd, t[i], t[i + 2]);
    r[i + 1] = PD(_mm512_unpackhi_pd, t[i], t[i + 2]);
    r[i + 2] = PD(_mm512_unpacklo_pd, t[i + 1], t[i + 3]);
    r[i + 3] = PD(_mm512_unpackhi_pd, t[i + 1], t[i + 3]);
  }
#undef PD
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

static void transpose16(int w, int kc, const float *X, ptrdiff_t ls, float *P, int pst) {
  for (int k = 0; k < kc; k += 16) {
    int e = kc - k < 16 ? kc - k : 16;
    __m512 r[16];
#pragma GCC unroll 16
    for (int l = 0; l < 16; l++) r[l] = l < w ? v_ldn(X + l * ls + k, e) : v_set(0.0f);
    square(r);
    if (e == 16) {
#pragma GCC unroll 16
      for (int l = 0; l < 16; l++) v_st(P + (size_t)(k + l) * pst, r[l]);
    } else {
      float t[256];
#pragma GCC unroll 16
      for (int l = 0; l < 16; l++) v_st(t + 16 * l, r[l]);
      for (int l = 0; l < e; l++) v_st(P + (size_t)(k + l) * pst, v_ld(t + 16 * l));
    }
  }
}

#elif TL_ISA == 2
// Eight rows by eight columns.
FN void square(const float *X, ptrdiff_t ls, float *P, int pst) {
  __m256 r[8], t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(X + i * ls);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(P + (size_t)i * pst, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(P + (size_t)(i + 4) * pst, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

static void transpose16(int w, int kc, const float *X, ptrdiff_t ls, float *P, int pst) {
  int k = 0;
  if (w == 16)
    for (; k + 8 <= kc; k += 8) {
      square(X + k, ls, P + (size_t)k * pst, pst);
      square(X + 8 * ls + k, ls, P + (size_t)k * pst + 8, pst);
    }
  for (; k < kc; k++)
    for (int l = 0; l < 16; l++) P[(size_t)k * pst + l] = l < w ? X[l * ls + k] : 0.0f;
}

#else
static void transpose16(int w, int kc, const float *X, ptrdiff_t ls, float *P, int pst) {
  for (int k = 0; k < kc; k++)
    for (int l = 0; l < 16; l++) P[(size_t)k * pst + l] = l < w ? X[l * ls + k] : 0.0f;
}
#endif
