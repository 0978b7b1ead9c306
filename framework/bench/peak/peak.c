// Each loop keeps more independent chains than the latency of an FMA times the
// FMAs in a cycle (4 x 2 on today's cores), and all of them in registers.
#define _POSIX_C_SOURCE 199309L
#include "peak.h"
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

// What the loops computed, where a compiler must suppose that somebody reads it.
static volatile float sink;

enum { LANES = 64 };

static int64_t fma_portable(int64_t rounds) {
  float acc[LANES];
  for (int i = 0; i < LANES; i++) acc[i] = (float)i;
  for (int64_t r = 0; r < rounds; r++)
    for (int i = 0; i < LANES; i++) acc[i] = acc[i] * 0.999f + 0.001f;
  for (int i = 0; i < LANES; i++) sink = acc[i];
  return rounds * LANES * 2;
}

static uint64_t read_portable(const void *p, size_t n, int64_t rounds) {
  uint64_t s[8] = {0};
  for (int64_t r = 0; r < rounds; r++) {
    const uint64_t *q = p;
    __asm__ volatile("" ::: "memory"); // the rounds are not to be merged
    for (size_t i = 0; i < n / 8; i += 8)
      for (int k = 0; k < 8; k++) s[k] += q[i + k];
  }
  for (int k = 1; k < 8; k++) s[0] += s[k];
  return s[0];
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static int64_t fma_avx2(int64_t rounds) {
  enum { CHAINS = 12 };
  __m256 acc[CHAINS], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
#pragma GCC unroll 12
  for (int i = 0; i < CHAINS; i++) acc[i] = _mm256_set1_ps((float)i);
  for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) acc[i] = _mm256_fmadd_ps(acc[i], x, y);
#pragma GCC unroll 12
  for (int i = 0; i < CHAINS; i++) sink = _mm256_cvtss_f32(acc[i]);
  return rounds * CHAINS * 8 * 2;
}

__attribute__((target("avx512f"))) static int64_t fma_avx512(int64_t rounds) {
  enum { CHAINS = 24 };
  __m512 acc[CHAINS], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
#pragma GCC unroll 24
  for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_set1_ps((float)i);
  for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_fmadd_ps(acc[i], x, y);
#pragma GCC unroll 24
  for (int i = 0; i < CHAINS; i++) sink = _mm512_cvtss_f32(acc[i]);
  return rounds * CHAINS * 16 * 2;
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const void *p, size_t n, int64_t rounds) {
  __m256i s[8];
  for (int k = 0; k < 8; k++) s[k] = _mm256_setzero_si256();
  for (int64_t r = 0; r < rounds; r++) {
    const __m256i *q = p;
    __asm__ volatile("" ::: "memory");
    for (size_t i = 0; i < n / 32; i += 8)
#pragma GCC unroll 8
      for (int k = 0; k < 8; k++) s[k] = _mm256_add_epi64(s[k], _mm256_loadu_si256(q + i + k));
  }
  for (int k = 1; k < 8; k++) s[0] = _mm256_add_epi64(s[0], s[k]);
  return (uint64_t)_mm256_extract_epi64(s[0], 0) + (uint64_t)_mm256_extract_epi64(s[0], 1) +
         (uint64_t)_mm256_extract_epi64(s[0], 2) + (uint64_t)_mm256_extract_epi64(s[0], 3);
}

__attribute__((target("avx512f"))) static uint64_t read_avx512(const void *p, size_t n, int64_t rounds) {
  __m512i s[8];
  for (int k = 0; k < 8; k++) s[k] = _mm512_setzero_si512();
  for (int64_t r = 0; r < rounds; r++) {
    const __m512i *q = p;
    __asm__ volatile("" ::: "memory");
    for (size_t i = 0; i < n / 64; i += 8)
#pragma GCC unroll 8
      for (int k = 0; k < 8; k++) s[k] = _mm512_add_epi64(s[k], _mm512_loadu_si512(q + i + k));
  }
  for (int k = 1; k < 8; k++) s[0] = _mm512_add_epi64(s[0], s[k]);
  return (uint64_t)_mm512_reduce_add_epi64(s[0]);
}
#endif

int64_t peak_fma(int isa, int64_t rounds) {
#ifdef __x86_64__
  if (isa == 512) return fma_avx512(rounds);
  if (isa == 2) return fma_avx2(rounds);
#endif
  return fma_portable(rounds);
}

uint64_t peak_read(int isa, const void *p, size_t n, int64_t rounds) {
#ifdef __x86_64__
  if (isa == 512) return read_avx512(p, n, rounds);
  if (isa == 2) return read_avx2(p, n, rounds);
#endif
  return read_portable(p, n, rounds);
}

double peak_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
