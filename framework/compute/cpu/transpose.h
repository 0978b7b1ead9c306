// Transposes in registers. Rows of 32-bit words, floats or packed codes, become
// lanes: a gv holds one word of each of GL rows.
#if TL_ISA == 512
enum { GL = 16 };
typedef __m512 gv;
// r[k] lane l = word k of the row l, for eight words of 16 rows of stride ls.
FN void columns8(const float *X, ptrdiff_t ls, gv r[8]) {
  __m512 t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    const float *p = X + (i < 4 ? i : i + 4) * ls; // with the row four below in the upper half
    r[i] = _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)), _mm256_loadu_ps(p + 4 * ls), 1);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#define PD(op, x, y) _mm512_castpd_ps(op(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    r[i] = PD(_mm512_unpacklo_pd, t[i], t[i + 2]);
    r[i + 1] = PD(_mm512_unpackhi_pd, t[i], t[i + 2]);
    r[i + 2] = PD(_mm512_unpacklo_pd, t[i + 1], t[i + 3]);
    r[i + 3] = PD(_mm512_unpackhi_pd, t[i + 1], t[i + 3]);
  }
#undef PD
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
    r[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    r[i] = t[i];
  }
}

#elif TL_ISA == 2
enum { GL = 8 };
typedef __m256 gv;
FN void columns8(const float *X, ptrdiff_t ls, gv r[8]) {
  __m256 t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    const float *p = X + (i & 3) * ls + (i & 4); // with the row four below in the upper half
    r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + 4 * ls), 1);
  }
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
}

#else
enum { GL = 1 };
typedef float gv;
FN void columns8(const float *X, ptrdiff_t ls, gv r[8]) {
  (void)ls;
  memcpy(r, X, 32);
}
#endif

#if TL_ISA == 512
FN gv g_set(float x) { return _mm512_set1_ps(x); }
FN gv g_ld(const float *p) { return _mm512_loadu_ps(p); }
FN void g_st(float *p, gv v) { _mm512_storeu_ps(p, v); }
FN gv g_add(gv a, gv b) { return _mm512_add_ps(a, b); }
FN gv g_mul(gv a, gv b) { return _mm512_mul_ps(a, b); }
FN gv g_fma(gv a, gv b, gv c) { return _mm512_fmadd_ps(a, b, c); }
#elif TL_ISA == 2
FN gv g_set(float x) { return _mm256_set1_ps(x); }
FN gv g_ld(const float *p) { return _mm256_loadu_ps(p); }
FN void g_st(float *p, gv v) { _mm256_storeu_ps(p, v); }
FN gv g_add(gv a, gv b) { return _mm256_add_ps(a, b); }
FN gv g_mul(gv a, gv b) { return _mm256_mul_ps(a, b); }
FN gv g_fma(gv a, gv b, gv c) { return _mm256_fmadd_ps(a, b, c); }
#else
FN gv g_set(float x) { return x; }
FN gv g_ld(const float *p) { return *p; }
FN void g_st(float *p, gv v) { *p = v; }
FN gv g_add(gv a, gv b) { return a + b; }
FN gv g_mul(gv a, gv b) { return a * b; }
FN gv g_fma(gv a, gv b, gv c) { return fmaf(a, b, c); }
#endif

// transpose16 packs rows of stride ls as columns: P[k*pst + l] = X[l*ls + k] for
// l < w, zero for the other lanes.
static void transpose16(int w, int kc, const float *X, ptrdiff_t ls, float *P, int pst) {
  int k = 0;
  if (w == 16 && GL > 1)
    for (; k + 8 <= kc; k += 8)
#pragma GCC unroll 2
      for (int l = 0; l < 16; l += GL) {
        gv r[8];
        columns8(X + l * ls + k, ls, r);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) g_st(P + (size_t)(k + j) * pst + l, r[j]);
      }
  for (; k < kc; k++)
    for (int l = 0; l < 16; l++) P[(size_t)k * pst + l] = l < w ? X[l * ls + k] : 0.0f;
}
