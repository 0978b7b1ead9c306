// Matrix products in bf16, as AMX's TDPBF16PS computes them (Intel Architecture
// Instruction Set Extensions Programming Reference, section 3). Both operands
// are rounded to bf16, to nearest even. K is divided into blocks of BK terms and
// these into tiles of 32: a tile's even terms are one chain of FMAs from zero,
// its odd terms another; a block is the sum of both in the order of the tiles,
// from zero; the blocks are added to C in order, as in gemm.h. Subnormal numbers
// count as zero. Where there is no AMX the same bits come from f32 FMAs.
//
// Both operands are packed as words of two neighbouring terms, the even one in
// the low half: A in rows, B in panels of BN columns with a row for each word.
enum { BK = 768, BN = 32, BM = 32, BC = 768 };
#if TL_ISA == 512
enum { BR = 4 }; // rows that the emulation computes at a time
#else
enum { BR = 1 };
#endif

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

// The denormals-are-zero and flush-to-zero modes of the thread.
#ifdef __x86_64__
FN unsigned flush_on(void) {
  unsigned old = _mm_getcsr();
  _mm_setcsr(old | 0x8040);
  return old;
}
FN void flush_back(unsigned old) { _mm_setcsr(old); }
#elif defined(__aarch64__)
FN unsigned long flush_on(void) {
  unsigned long old;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(old));
  __asm__ __volatile__("msr fpcr, %0" : : "r"(old | 1ul << 24));
  return old;
}
FN void flush_back(unsigned long old) { __asm__ __volatile__("msr fpcr, %0" : : "r"(old)); }
#else
FN int flush_on(void) { return 0; }
FN void flush_back(int old) { (void)old; }
#endif

// The bits of x rounded to bf16, in the high half; NaN stays NaN.
FN i16 round_bf16(v16 x) {
  i16 u = v_bits(x), r = i_add(u, i_add(i_set(0x7fff), i_and(i_shr(u, 16), i_set(1))));
  return v_bits(v_sel(v_eq(x, x), v_frombits(r), v_frombits(i_or(u, i_set(0x400000)))));
}
#define HIGH(w) v_frombits(i_and(w, i_set((int32_t)0xffff0000)))
#define LOW_HALF(w) v_frombits(i_shl(w, 16))

// Two vectors of floats to words, even in the low half.
FN v16 pair_bf16(v16 even, v16 odd) { return v_frombits(i_or(i_shr(round_bf16(even), 16), i_and(round_bf16(odd), i_set((int32_t)0xffff0000)))); }

// Packs nc columns and kc terms of B from the element at on; terms up to kp, a
// multiple of 32, are zero. f has room for 16 kp floats.
static void pack_b_bf16(int nc, int kc, int kp, const matrix *B, int64_t at, float *f, float *pb) {
  memset(f + 16 * (size_t)kc, 0, sizeof(float) * 16 * (size_t)(kp - kc));
  for (int j = 0; j < nc; j += BN) {
    float *panel = pb + (size_t)j * (size_t)(kp / 2);
    for (int h = 0; h < BN; h += 16) {
      int64_t o = at + (int64_t)(j + h) * B->cs;
      int w = nc - j - h;
      w = w > 16 ? 16 : w;
      if (w <= 0) {
        for (int p = 0; p < kp / 2; p++) v_st(panel + p * BN + h, ZERO);
        continue;
      }
      for (int k = 0; k < kc; k += KC) {
        int terms = kc - k < KC ? kc - k : KC;
        if (B->f) pack16(w, terms, B->f + o + k * B->rs, B->cs, B->rs, f + 16 * k, 16);
        else nf4_pack16(w, terms, B, o + k * B->rs, B->cs, B->rs, f + 16 * k, 16);
      }
      for (int p = 0; p < kp / 2; p++) v_st(panel + p * BN + h, pair_bf16(v_ld(f + 32 * p), v_ld(f + 32 * p + 16)));
    }
  }
}

// Packs m <= BM rows and kc terms of A(i,k) = A[i*ars + k*acs] as rows of kp/2
// words. f has room for a row of kp floats, or BM of them where acs is not 1.
static void pack_a_bf16(int m, int kc, int kp, const float *A, ptrdiff_t ars, ptrdiff_t acs, float *f, float *pa) {
  if (acs != 1) {
    for (int k = 0; k < kp; k += 16) // sixteen terms become lanes
      for (int i = 0; i < m; i += 16) {
        int w = kc - k < 16 ? kc - k : 16;
        if (w > 0) transpose16(w, m - i < 16 ? m - i : 16, A + k * acs + i, acs, f + (size_t)i * kp + k, kp);
        else
          for (int r = i; r < m && r < i + 16; r++) v_st(f + (size_t)r * kp + k, ZERO);
      }
  }
  for (int i = 0; i < m; i++) {
    uint16_t *y = (uint16_t *)(void *)(pa + (size_t)i * (size_t)(kp / 2));
    const float *x = acs == 1 ? A + i * ars : f + (size_t)i * kp;
    int n = acs == 1 ? kc : kp;
    for (int k = 0; k < n; k++) {
      uint32_t u;
      memcpy(&u, x + k, 4);
      y[k] = (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? (u | 0x400000) >> 16 : (u + 0x7fff + (u >> 16 & 1)) >> 16);
    }
    memset(y + n, 0, sizeof(uint16_t) * (size_t)(kp - n));
  }
}

// Rows of a block meet C; x holds BN columns for each row.
static void block_out(int m, int n, const float *x, float *c, ptrdiff_t ldc, int mode, const float *bias) {
  for (int i = 0; i < m; i++, x += BN, c += ldc)
    for (int h = 0; h < n; h += 16) {
      int w = n - h < 16 ? n - h : 16;
      v16 v = v_ld(x + h);
      if (mode == ADD) v = v_add(ldw(c + h, w), v);
      if (mode == BIAS) v = v_add(ldw(bias + h, w), v);
      stw(c + h, v, w);
    }
}

// The emulation: x[mr, BN] = the block's sums of mr rows of lda words.
FN void block_rows(int mr, int kp, const float *a, ptrdiff_t lda, const float *b, float *x) {
  v16 sum[BR][2];
  for (int i = 0; i < mr; i++) sum[i][0] = sum[i][1] = ZERO;
  for (int k = 0; k < kp / 2; k += 16) {
    v16 even[BR][2], odd[BR][2];
    for (int i = 0; i < mr; i++) even[i][0] = even[i][1] = odd[i][0] = odd[i][1] = ZERO;
    for (int p = k; p < k + 16; p++, b += BN) {
      i16 w0 = v_bits(v_ld(b)), w1 = v_bits(v_ld(b + 16));
      v16 e0 = LOW_HALF(w0), e1 = LOW_HALF(w1), o0 = HIGH(w0), o1 = HIGH(w1);
#pragma GCC unroll 4
      for (int i = 0; i < mr; i++) {
        i16 w = v_bits(v_set(a[i * lda + p]));
        v16 e = LOW_HALF(w), o = HIGH(w);
        even[i][0] = v_fma(e, e0, even[i][0]), even[i][1] = v_fma(e, e1, even[i][1]);
        odd[i][0] = v_fma(o, o0, odd[i][0]), odd[i][1] = v_fma(o, o1, odd[i][1]);
      }
    }
    for (int i = 0; i < mr; i++)
      for (int h = 0; h < 2; h++) sum[i][h] = v_add(sum[i][h], v_add(even[i][h], odd[i][h]));
  }
  for (int i = 0; i < mr; i++) v_st(x + i * BN, sum[i][0]), v_st(x + i * BN + 16, sum[i][1]);
}

static void block_emulated(int m, int kp, const float *a, ptrdiff_t lda, const float *b, float *x) {
  for (; m >= BR; m -= BR, a += BR * lda, x += BR * BN) block_rows(BR, kp, a, lda, b, x);
  for (; m > 0; m--, a += lda, x += BN) block_rows(1, kp, a, lda, b, x);
}

// C[m,n] (+)= A B + bias on one thread, as gemm_panels. Uses scratch slots 4 to 7.
static void gemm_bf16(tl_pool *pool, int tid, int m, int n, int K, const float *A, ptrdiff_t ars, ptrdiff_t acs, const matrix *B, int64_t at, const float *bias, float *c, ptrdiff_t ldc, int add) {
  if (m <= 0 || n <= 0) return;
  int kmax = K < BK ? (K + 31) / 32 * 32 : BK, nmax = n < BC ? (n + BN - 1) / BN * BN : BC, amx = TL_ISA == 512 && tl_amx_on(pool);
  float *pb = tl_scratch(pool, tid, 4, sizeof(float) * (size_t)(nmax * (kmax / 2) + 64));
  float *pa = tl_scratch(pool, tid, 5, sizeof(float) * (size_t)(BM * (kmax / 2) + 64));
  float *f = tl_scratch(pool, tid, 6, sizeof(float) * (size_t)(BM * kmax + 64));
  float *x = tl_scratch(pool, tid, 7, sizeof(float) * BM * BN);
  if (amx) tl_amx_begin();
  for (int jc = 0; jc < n; jc += BC) {
    int nc = n - jc < BC ? n - jc : BC;
    for (int pc = 0; pc == 0 || pc < K; pc += BK) {
      int kc = K - pc < BK ? K - pc : BK, kp = (kc + 31) / 32 * 32, mode = add || pc > 0 ? ADD : bias ? BIAS : SET;
      pack_b_bf16(nc, kc, kp, B, at + pc * B->rs + jc * B->cs, f, pb);
      for (int i = 0; i < m; i += BM) {
        int mr = m - i < BM ? m - i : BM;
        pack_a_bf16(mr, kc, kp, A + i * ars + pc * acs, ars, acs, f, pa);
        for (int j = 0; j < nc; j += BN) {
          const float *b = pb + (size_t)j * (size_t)(kp / 2);
          if (amx) tl_amx_block(kp, pa, b, x);
          else block_emulated(mr, kp, pa, kp / 2, b, x);
          block_out(mr, nc - j < BN ? nc - j : BN, x, c + i * ldc + jc + j, ldc, mode, bias ? bias + jc + j : NULL);
        }
      }
      if (add && bias && pc == 0) bias_after(m, nc, bias + jc, c + jc, ldc);
    }
  }
  if (amx) tl_amx_end();
}

// The rows or the columns of C are divided between threads, as in gemm_share.
static void bf16_share(int M, int N, int tid, int nt, int m[2], int n[2]) {
  int unit = N >= M ? BN : BM, all = N >= M ? N : M;
  int64_t u = (all + unit - 1) / unit;
  int from = (int)(u * tid / nt) * unit, to = (int)(u * (tid + 1) / nt) * unit;
  to = to > all ? all : to;
  m[0] = n[0] = 0, m[1] = M, n[1] = N;
  if (N >= M) n[0] = from, n[1] = to;
  else m[0] = from, m[1] = to;
}

// ints: M N K ta tb acc; bufs: a b bias c.
static void k_gemm_bf16(tl_args *a, int tid, int nt) {
  int M = (int)a->i[0], N = (int)a->i[1], K = (int)a->i[2], m[2], n[2];
  ptrdiff_t ars = a->i[3] ? 1 : K, acs = a->i[3] ? M : 1;
  matrix B = {.f = a->buf[1], .rs = a->i[4] ? 1 : N, .cs = a->i[4] ? K : 1};
  bf16_share(M, N, tid, nt, m, n);
  __auto_type old = flush_on();
  gemm_bf16(a->pool, tid, m[1] - m[0], n[1] - n[0], K, F(0) + m[0] * ars, ars, acs, &B, n[0] * B.cs, a->buf[2] ? F(2) + n[0] : NULL, F(3) + (ptrdiff_t)m[0] * N + n[0], N, (int)a->i[5]);
  flush_back(old);
}

// ints: M N K tb acc; bufs: a codes absmax bias c.
static void k_gemm_nf4_bf16(tl_args *a, int tid, int nt) {
  int M = (int)a->i[0], N = (int)a->i[1], K = (int)a->i[2], tb = (int)a->i[3], m[2], n[2];
  matrix W = {.codes = a->buf[1], .absmax = a->buf[2], .rs = tb ? 1 : N, .cs = tb ? K : 1};
  bf16_share(M, N, tid, nt, m, n);
  __auto_type old = flush_on();
  gemm_bf16(a->pool, tid, m[1] - m[0], n[1] - n[0], K, F(0) + (ptrdiff_t)m[0] * K, K, 1, &W, (int64_t)n[0] * W.cs, a->buf[3] ? F(3) + n[0] : NULL, F(4) + (ptrdiff_t)m[0] * N + n[0], N, (int)a->i[4]);
  flush_back(old);
}
