// The tile unit (AMX) of x86-64: its detection and one block of the bf16 product.
#define _GNU_SOURCE
#include "tl.h"
#if defined(__x86_64__) && defined(__linux__) && (defined(__clang__) || __GNUC__ >= 11)
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The processor has AMX-TILE and AMX-BF16 (CPUID leaf 7), the system saves tiles
// (XCR0 bits 17 and 18) and this process may use them (arch_prctl
// ARCH_REQ_XCOMP_PERM for XTILEDATA, Linux 5.16 on).
int tl_has_amx(void) {
  unsigned a, b, c, d;
  if (!tl_has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return 0;
  unsigned lo, hi;
  __asm__ __volatile__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  if ((lo >> 17 & 3) != 3) return 0;
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

#define TILE __attribute__((target("amx-tile,amx-bf16")))

// Eight tiles of 16 rows of 64 bytes. The configuration belongs to the thread
// and must not outlive a kernel call.
TILE void tl_amx_begin(void) {
  struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } c;
  memset(&c, 0, sizeof c);
  c.palette = 1;
  for (int i = 0; i < 8; i++) c.bytes[i] = 64, c.rows[i] = 16;
  _tile_loadconfig(&c);
}

TILE void tl_amx_end(void) { _tile_release(); }

// x[32,32] = the sums of one block of kp terms: a has 32 rows of kp/2 words, b is
// a panel of 32 columns (gemm_bf16.h).
TILE void tl_amx_block(int kp, const float *a, const float *b, float *x) {
  size_t lda = (size_t)kp * 2;
  const float *a2 = a + 16 * (kp / 2);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int k = 0; k < kp / 2; k += 16, b += 16 * 32) {
    _tile_loadd(4, a + k, lda);
    _tile_loadd(5, a2 + k, lda);
    _tile_loadd(6, b, 128);
    _tile_loadd(7, b + 16, 128);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, x, 128);
  _tile_stored(1, x + 16, 128);
  _tile_stored(2, x + 16 * 32, 128);
  _tile_stored(3, x + 16 * 32 + 16, 128);
}
#else
int tl_has_amx(void) { return 0; }
void tl_amx_begin(void) {}
void tl_amx_end(void) {}
void tl_amx_block(int kp, const float *a, const float *b, float *x) { (void)kp, (void)a, (void)b, (void)x; }
#endif
