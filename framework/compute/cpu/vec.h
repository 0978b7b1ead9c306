// v16: sixteen f32 lanes on every instruction set, so that every reduction has
// the same sixteen chains and the same tree, and hence the same bits. TL_ISA is
// 0 (portable), 2 (AVX2 and FMA) or 512 (AVX-512).
#include "tl.h"
#include <float.h>
#include <math.h>
#include <string.h>
#pragma STDC FP_CONTRACT OFF
#define FN static inline __attribute__((always_inline))

#if TL_ISA == 512
typedef __m512 v16;
typedef __m512i i16;
typedef __mmask16 m16;
FN v16 v_ld(const float *p) { return _mm512_loadu_ps(p); }
FN void v_st(float *p, v16 v) { _mm512_storeu_ps(p, v); }
FN v16 v_ldn(const float *p, int n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
FN void v_stn(float *p, v16 v, int n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v); }
FN v16 v_set(float x) { return _mm512_set1_ps(x); }
FN v16 v_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
FN v16 v_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
FN v16 v_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
FN v16 v_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
FN v16 v_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
FN v16 v_sqrt(v16 a) { return _mm512_sqrt_ps(a); }
FN v16 v_max(v16 a, v16 b) { return _mm512_max_ps(a, b); } // a > b ? a : b
FN v16 v_min(v16 a, v16 b) { return _mm512_min_ps(a, b); } // a < b ? a : b
FN v16 v_round(v16 a) { return _mm512_roundscale_ps(a, 8); } // to nearest, ties to even
FN m16 v_gt(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
FN m16 v_ge(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
FN m16 v_eq(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
FN v16 v_sel(m16 m, v16 a, v16 b) { return _mm512_mask_blend_ps(m, b, a); } // m ? a : b
FN i16 v_int(v16 a) { return _mm512_cvtps_epi32(a); }
FN v16 v_float(i16 a) { return _mm512_cvtepi32_ps(a); }
FN i16 v_bits(v16 a) { return _mm512_castps_si512(a); }
FN v16 v_frombits(i16 a) { return _mm512_castsi512_ps(a); }
FN i16 i_set(int32_t x) { return _mm512_set1_epi32(x); }
FN i16 i_iota(uint32_t x) { return _mm512_add_epi32(_mm512_set1_epi32((int32_t)x), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)); }
FN i16 i_add(i16 a, i16 b) { return _mm512_add_epi32(a, b); }
FN i16 i_sub(i16 a, i16 b) { return _mm512_sub_epi32(a, b); }
FN i16 i_mul(i16 a, i16 b) { return _mm512_mullo_epi32(a, b); }
FN i16 i_xor(i16 a, i16 b) { return _mm512_xor_si512(a, b); }
FN i16 i_and(i16 a, i16 b) { return _mm512_and_si512(a, b); }
FN i16 i_or(i16 a, i16 b) { return _mm512_or_si512(a, b); }
#define i_shl(a, k) _mm512_slli_epi32(a, k)
#define i_shr(a, k) _mm512_srli_epi32(a, k) // logical
#define i_sar(a, k) _mm512_srai_epi32(a, k)
FN m16 i_geu(i16 a, i16 b) { return _mm512_cmpge_epu32_mask(a, b); }

#elif TL_ISA == 2
typedef struct { __m256 a, b; } v16;
typedef struct { __m256i a, b; } i16;
typedef v16 m16;
#define V1(x) ((v16){x(p.a), x(p.b)})
#define V2(x) ((v16){x(p.a, q.a), x(p.b, q.b)})
#define I2(x) ((i16){x(p.a, q.a), x(p.b, q.b)})
FN v16 v_ld(const float *p) { return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
FN void v_st(float *p, v16 v) { _mm256_storeu_ps(p, v.a); _mm256_storeu_ps(p + 8, v.b); }
FN v16 v_ldn(const float *p, int n) { float t[16] = {0}; memcpy(t, p, (size_t)n * 4); return v_ld(t); }
FN void v_stn(float *p, v16 v, int n) { float t[16]; v_st(t, v); memcpy(p, t, (size_t)n * 4); }
FN v16 v_set(float x) { __m256 t = _mm256_set1_ps(x); return (v16){t, t}; }
FN v16 v_add(v16 p, v16 q) { return V2(_mm256_add_ps); }
FN v16 v_sub(v16 p, v16 q) { return V2(_mm256_sub_ps); }
FN v16 v_mul(v16 p, v16 q) { return V2(_mm256_mul_ps); }
FN v16 v_div(v16 p, v16 q) { return V2(_mm256_div_ps); }
FN v16 v_fma(v16 p, v16 q, v16 r) { return (v16){_mm256_fmadd_ps(p.a, q.a, r.a), _mm256_fmadd_ps(p.b, q.b, r.b)}; }
FN v16 v_sqrt(v16 p) { return V1(_mm256_sqrt_ps); }
FN v16 v_max(v16 p, v16 q) { return V2(_mm256_max_ps); }
FN v16 v_min(v16 p, v16 q) { return V2(_mm256_min_ps); }
FN v16 v_round(v16 p) { return (v16){_mm256_round_ps(p.a, 8), _mm256_round_ps(p.b, 8)}; }
FN m16 v_gt(v16 p, v16 q) { return (v16){_mm256_cmp_ps(p.a, q.a, _CMP_GT_OQ), _mm256_cmp_ps(p.b, q.b, _CMP_GT_OQ)}; }
FN m16 v_ge(v16 p, v16 q) { return (v16){_mm256_cmp_ps(p.a, q.a, _CMP_GE_OQ), _mm256_cmp_ps(p.b, q.b, _CMP_GE_OQ)}; }
FN m16 v_eq(v16 p, v16 q) { return (v16){_mm256_cmp_ps(p.a, q.a, _CMP_EQ_OQ), _mm256_cmp_ps(p.b, q.b, _CMP_EQ_OQ)}; }
FN v16 v_sel(m16 m, v16 p, v16 q) { return (v16){_mm256_blendv_ps(q.a, p.a, m.a), _mm256_blendv_ps(q.b, p.b, m.b)}; }
FN i16 v_int(v16 p) { return (i16){_mm256_cvtps_epi32(p.a), _mm256_cvtps_epi32(p.b)}; }
FN v16 v_float(i16 p) { return V1(_mm256_cvtepi32_ps); }
FN i16 v_bits(v16 p) { return (i16){_mm256_castps_si256(p.a), _mm256_castps_si256(p.b)}; }
FN v16 v_frombits(i16 p) { return V1(_mm256_castsi256_ps); }
FN i16 i_set(int32_t x) { __m256i t = _mm256_set1_epi32(x); return (i16){t, t}; }
FN i16 i_add(i16 p, i16 q) { return I2(_mm256_add_epi32); }
FN i16 i_sub(i16 p, i16 q) { return I2(_mm256_sub_epi32); }
FN i16 i_mul(i16 p, i16 q) { return I2(_mm256_mullo_epi32); }
FN i16 i_xor(i16 p, i16 q) { return I2(_mm256_xor_si256); }
FN i16 i_and(i16 p, i16 q) { return I2(_mm256_and_si256); }
FN i16 i_or(i16 p, i16 q) { return I2(_mm256_or_si256); }
FN i16 i_iota(uint32_t x) { i16 t = i_set((int32_t)x); return i_add(t, (i16){_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), _mm256_set_epi32(15, 14, 13, 12, 11, 10, 9, 8)}); }
#define i_shl(p, k) ((i16){_mm256_slli_epi32((p).a, k), _mm256_slli_epi32((p).b, k)})
#define i_shr(p, k) ((i16){_mm256_srli_epi32((p).a, k), _mm256_srli_epi32((p).b, k)})
#define i_sar(p, k) ((i16){_mm256_srai_epi32((p).a, k), _mm256_srai_epi32((p).b, k)})
FN m16 i_geu(i16 p, i16 q) { i16 m = {_mm256_max_epu32(p.a, q.a), _mm256_max_epu32(p.b, q.b)};
  return (v16){_mm256_castsi256_ps(_mm256_cmpeq_epi32(m.a, p.a)), _mm256_castsi256_ps(_mm256_cmpeq_epi32(m.b, p.b))}; }
#undef V1
#undef V2
#undef I2

#else
typedef struct { float f[16]; } v16;
typedef struct { uint32_t u[16]; } i16;
typedef i16 m16;
#define EACH(T, e) T r; for (int l = 0; l < 16; l++) e; return r
FN v16 v_ld(const float *p) { v16 r; memcpy(r.f, p, 64); return r; }
FN void v_st(float *p, v16 v) { memcpy(p, v.f, 64); }
FN v16 v_ldn(const float *p, int n) { v16 r = {{0}}; memcpy(r.f, p, (size_t)n * 4); return r; }
FN void v_stn(float *p, v16 v, int n) { memcpy(p, v.f, (size_t)n * 4); }
FN v16 v_set(float x) { EACH(v16, r.f[l] = x); }
FN v16 v_add(v16 a, v16 b) { EACH(v16, r.f[l] = a.f[l] + b.f[l]); }
FN v16 v_sub(v16 a, v16 b) { EACH(v16, r.f[l] = a.f[l] - b.f[l]); }
FN v16 v_mul(v16 a, v16 b) { EACH(v16, r.f[l] = a.f[l] * b.f[l]); }
FN v16 v_div(v16 a, v16 b) { EACH(v16, r.f[l] = a.f[l] / b.f[l]); }
FN v16 v_fma(v16 a, v16 b, v16 c) { EACH(v16, r.f[l] = fmaf(a.f[l], b.f[l], c.f[l])); }
FN v16 v_sqrt(v16 a) { EACH(v16, r.f[l] = sqrtf(a.f[l])); }
FN v16 v_max(v16 a, v16 b) { EACH(v16, r.f[l] = a.f[l] > b.f[l] ? a.f[l] : b.f[l]); }
FN v16 v_min(v16 a, v16 b) { EACH(v16, r.f[l] = a.f[l] < b.f[l] ? a.f[l] : b.f[l]); }
FN v16 v_round(v16 a) { EACH(v16, r.f[l] = rintf(a.f[l])); }
FN m16 v_gt(v16 a, v16 b) { EACH(m16, r.u[l] = a.f[l] > b.f[l]); }
FN m16 v_ge(v16 a, v16 b) { EACH(m16, r.u[l] = a.f[l] >= b.f[l]); }
FN m16 v_eq(v16 a, v16 b) { EACH(m16, r.u[l] = a.f[l] == b.f[l]); }
FN v16 v_sel(m16 m, v16 a, v16 b) { EACH(v16, r.f[l] = m.u[l] ? a.f[l] : b.f[l]); }
FN uint32_t to_int(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (uint32_t)(int32_t)rintf(x) : 0x80000000u; }
FN i16 v_int(v16 a) { EACH(i16, r.u[l] = to_int(a.f[l])); }
FN v16 v_float(i16 a) { EACH(v16, r.f[l] = (float)(int32_t)a.u[l]); }
FN i16 v_bits(v16 a) { i16 r; memcpy(&r, &a, 64); return r; }
FN v16 v_frombits(i16 a) { v16 r; memcpy(&r, &a, 64); return r; }
FN i16 i_set(int32_t x) { EACH(i16, r.u[l] = (uint32_t)x); }
FN i16 i_iota(uint32_t x) { EACH(i16, r.u[l] = x + (uint32_t)l); }
FN i16 i_add(i16 a, i16 b) { EACH(i16, r.u[l] = a.u[l] + b.u[l]); }
FN i16 i_sub(i16 a, i16 b) { EACH(i16, r.u[l] = a.u[l] - b.u[l]); }
FN i16 i_mul(i16 a, i16 b) { EACH(i16, r.u[l] = a.u[l] * b.u[l]); }
FN i16 i_xor(i16 a, i16 b) { EACH(i16, r.u[l] = a.u[l] ^ b.u[l]); }
FN i16 i_and(i16 a, i16 b) { EACH(i16, r.u[l] = a.u[l] & b.u[l]); }
FN i16 i_or(i16 a, i16 b) { EACH(i16, r.u[l] = a.u[l] | b.u[l]); }
FN i16 i_shl(i16 a, int k) { EACH(i16, r.u[l] = a.u[l] << k); }
FN i16 i_shr(i16 a, int k) { EACH(i16, r.u[l] = a.u[l] >> k); }
FN i16 i_sar(i16 a, int k) { EACH(i16, r.u[l] = (uint32_t)((int32_t)a.u[l] >> k)); }
FN m16 i_geu(i16 a, i16 b) { EACH(m16, r.u[l] = a.u[l] >= b.u[l]); }
#undef EACH
#endif

// The tree over lanes: l and l+8, then l+4, l+2, l+1.
FN float v_sum(v16 v) {
  float t[16];
  v_st(t, v);
  for (int h = 8; h; h /= 2)
    for (int l = 0; l < h; l++) t[l] += t[l + h];
  return t[0];
}
FN float v_top(v16 v) {
  float t[16];
  v_st(t, v);
  for (int h = 8; h; h /= 2)
    for (int l = 0; l < h; l++) t[l] = t[l + h] > t[l] ? t[l + h] : t[l];
  return t[0];
}
FN v16 v_abs(v16 a) { return v_frombits(i_and(v_bits(a), i_set(0x7fffffff))); }
FN v16 v_neg(v16 a) { return v_frombits(i_xor(v_bits(a), i_set((int32_t)0x80000000))); }
// Scalar FMA with one rounding.
FN float s_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
// The first n lanes of v, zero in the others.
FN v16 v_first(v16 v, int n) {
  float t[16];
  v_st(t, v);
  return v_ldn(t, n);
}
