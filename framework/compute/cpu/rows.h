// Kernels over x[N,C] by rows, and reductions. Sums over a row run in sixteen
// lanes and end in the tree of v_sum; sums over rows run in chunks of 64 rows.
#define ROWS \
  int64_t N = a->i[0], C_ = a->i[1], r0 = N * tid / nt, r1 = N * (tid + 1) / nt; \
  (void)r0, (void)r1;
#define COLS(...) \
  { \
    int64_t i = 0; \
    for (; i + 16 <= C_; i += 16) { \
      enum { w = 16 }; \
      __VA_ARGS__; \
    } \
    if (i < C_) { \
      int w = (int)(C_ - i); \
      __VA_ARGS__; \
    } \
  }
// ROWMAP: body for each v16 of each row, with n the row; pre once a row.
#define ROWMAP(name, pre, ...) \
  static void k_##name(tl_args *a, int tid, int nt) { \
    ROWS \
    for (int64_t n = r0; n < r1; n++) { \
      pre; \
      COLS(__VA_ARGS__) \
    } \
  }

ROWMAP(add_row, float *X = F(0) + n * C_; float *R = F(1); float *Y = F(2) + n * C_, { ST(Y, v_add(LD(X), LD(R))); })
ROWMAP(mul_row, float *X = F(0) + n * C_; float *R = F(1); float *Y = F(2) + n * C_, { ST(Y, v_mul(LD(X), LD(R))); })
ROWMAP(mul_col, float *X = F(0) + n * C_; v16 s = C(F(1)[n]); float *Y = F(2) + n * C_, { ST(Y, v_mul(LD(X), s)); })
ROWMAP(row_sum_grad, v16 s = C(F(0)[n]); float *DX = F(1) + n * C_, { INC(DX, s); })

// Adds sum_n e to R[c], with e an expression in the row n; threads share the
// columns in units of 16.
#define COLUMN_SUM(R, e) \
  { \
    int64_t u_ = (C_ + 15) / 16; \
    for (int64_t i = u_ * tid / nt * 16; i < u_ * (tid + 1) / nt * 16; i += 16) { \
      int w = C_ - i < 16 ? (int)(C_ - i) : 16; \
      v16 total = ZERO; \
      for (int64_t n0 = 0; n0 < N; n0 += 64) { \
        v16 part = ZERO; \
        for (int64_t n = n0; n < N && n < n0 + 64; n++) part = v_add(part, e); \
        total = v_add(total, part); \
      } \
      INC(R, total); \
    } \
  }

static void k_col_sum(tl_args *a, int tid, int nt) {
  ROWS
  float *X = F(0), *R = F(1);
  COLUMN_SUM(R, LD(X + n * C_))
}

static void k_mul_row_grad(tl_args *a, int tid, int nt) {
  ROWS
  float *X = F(0), *R = F(1), *DY = F(2), *DX = F(3), *DR = F(4);
  if (DX)
    for (int64_t n = r0; n < r1; n++) COLS({ INC(DX + n * C_, v_mul(LD(DY + n * C_), LD(R))); })
  if (DR) COLUMN_SUM(DR, v_mul(LD(DY + n * C_), LD(X + n * C_)))
}

static void k_mul_col_grad(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, *DY = F(2) + n * C_;
    v16 s = C(F(1)[n]), t = ZERO;
    if (a->buf[3]) COLS({ INC(F(3) + n * C_, v_mul(LD(DY), s)); })
    COLS({ t = v_fma(LD(DY), LD(X), t); })
    if (a->buf[4]) F(4)[n] += v_sum(t);
  }
}

static void k_row_sum(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_;
    v16 t = ZERO;
    COLS({ t = v_add(t, LD(X)); })
    F(1)[n] = v_sum(t);
  }
}

// Serial: the caller gives it one thread.
static void k_sum(tl_args *a, int tid, int nt) {
  if (tid) return;
  (void)nt;
  double s = 0;
  for (int64_t o = 0; o < a->i[0]; o += 4096) {
    int64_t C_ = a->i[0] - o < 4096 ? a->i[0] - o : 4096;
    v16 t = ZERO;
    COLS({ t = v_add(t, LD(F(0) + o)); })
    s += (double)v_sum(t);
  }
  F(1)[0] = (float)s;
}

static void k_sum_squares(tl_args *a, int tid, int nt) {
  int64_t chunks = (a->i[0] + 4095) / 4096;
  for (int64_t c = chunks * tid / nt; c < chunks * (tid + 1) / nt; c++) {
    float *X = F(0) + c * 4096;
    int64_t C_ = a->i[0] - c * 4096 < 4096 ? a->i[0] - c * 4096 : 4096;
    v16 t = ZERO;
    COLS({ v16 x = LD(X); t = v_fma(x, x, t); })
    F(1)[c] = v_sum(t);
  }
}

static void k_rms_norm(tl_args *a, int tid, int nt) {
  ROWS
  v16 shift = C((float)a->f[1]);
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, *G = F(1), *Y = F(2) + n * C_;
    v16 t = ZERO;
    COLS({ v16 x = LD(X); t = v_fma(x, x, t); })
    float r = 1.0f / sqrtf(v_sum(t) / (float)C_ + (float)a->f[0]);
    F(3)[n] = r;
    COLS({ ST(Y, v_mul(v_mul(LD(X), C(r)), v_add(LD(G), shift))); })
  }
}

static void k_rms_norm_grad(tl_args *a, int tid, int nt) {
  ROWS
  float *X = F(0), *G = F(1), *R = F(2), *DY = F(3), *DX = F(4), *DG = F(5);
  v16 shift = C((float)a->f[0]);
  if (DX)
    for (int64_t n = r0; n < r1; n++) {
      float *x_ = X + n * C_, *dy_ = DY + n * C_;
      v16 r = C(R[n]), t = ZERO;
      COLS({ t = v_fma(v_mul(v_add(LD(G), shift), LD(dy_)), v_mul(LD(x_), r), t); })
      v16 m = C(v_sum(t) / (float)C_);
      COLS({ INC(DX + n * C_, v_mul(r, v_sub(v_mul(v_add(LD(G), shift), LD(dy_)), v_mul(v_mul(LD(x_), r), m)))); })
    }
  if (DG) COLUMN_SUM(DG, v_mul(LD(DY + n * C_), v_mul(LD(X + n * C_), C(R[n]))))
}

static void k_layer_norm(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, *G = F(1), *B = F(2), *Y = F(3) + n * C_;
    v16 t = ZERO, s = ZERO;
    COLS({ t = v_add(t, LD(X)); })
    float mean = v_sum(t) / (float)C_;
    COLS({ v16 d = v_sub(LD(X), C(mean)); s = v_add(s, w == 16 ? v_mul(d, d) : v_first(v_mul(d, d), w)); })
    float r = 1.0f / sqrtf(v_sum(s) / (float)C_ + (float)a->f[0]);
    F(4)[n] = mean;
    F(5)[n] = r;
    COLS({ ST(Y, v_fma(v_mul(v_sub(LD(X), C(mean)), C(r)), LD(G), LD(B))); })
  }
}

static void k_layer_norm_grad(tl_args *a, int tid, int nt) {
  ROWS
  float *X = F(0), *G = F(1), *MEAN = F(2), *R = F(3), *DY = F(4), *DX = F(5), *DG = F(6), *DB = F(7);
#define XHAT(x) v_mul(v_sub(x, C(MEAN[n])), C(R[n]))
  if (DX)
    for (int64_t n = r0; n < r1; n++) {
      float *x_ = X + n * C_, *dy_ = DY + n * C_;
      v16 t = ZERO, u = ZERO;
      COLS({ v16 g = v_mul(LD(G), LD(dy_)); t = v_add(t, g); u = v_fma(g, XHAT(LD(x_)), u); })
      v16 m = C(v_sum(t) / (float)C_), mx = C(v_sum(u) / (float)C_), r = C(R[n]);
      COLS({ INC(DX + n * C_, v_mul(r, v_sub(v_sub(v_mul(LD(G), LD(dy_)), m), v_mul(XHAT(LD(x_)), mx)))); })
    }
  if (DG) COLUMN_SUM(DG, v_mul(LD(DY + n * C_), XHAT(LD(X + n * C_))))
  if (DB) COLUMN_SUM(DB, LD(DY + n * C_))
#undef XHAT
}

ROWMAP(gather_rows, float *X = F(0) + ((int32_t *)a->buf[1])[n] * C_; float *Y = F(2) + n * C_, { ST(Y, LD(X)); })
ROWMAP(put_rows, float *X = F(0) + n * C_; float *Y = F(2) + ((int32_t *)a->buf[1])[n] * C_, { ST(Y, LD(X)); })

// Rows may repeat, so threads share the columns and keep the order of i.
static void k_scatter_add_rows(tl_args *a, int tid, int nt) {
  int64_t N = a->i[0], C_ = a->i[1], u = (C_ + 15) / 16, lo = u * tid / nt * 16, hi = u * (tid + 1) / nt * 16;
  int32_t *idx = a->buf[1];
  if (hi > C_) hi = C_;
  for (int64_t n = 0; n < N; n++) {
    float *DY = F(0) + n * C_, *DX = F(2) + idx[n] * C_;
    for (int64_t i = lo; i < hi; i += 16) {
      int w = hi - i < 16 ? (int)(hi - i) : 16;
      INC(DX, LD(DY));
    }
  }
}

static void k_segment_mean(tl_args *a, int tid, int nt) {
  int64_t C_ = a->i[1], S = a->i[2];
  int32_t *start = a->buf[1];
  for (int64_t s = S * tid / nt; s < S * (tid + 1) / nt; s++) {
    v16 inv = C(1.0f / (float)(start[s + 1] - start[s]));
    COLS({
      v16 t = ZERO;
      for (int64_t n = start[s]; n < start[s + 1]; n++) t = v_add(t, LD(F(0) + n * C_));
      ST(F(2) + s * C_, v_mul(t, inv));
    })
  }
}

static void k_segment_mean_grad(tl_args *a, int tid, int nt) {
  int64_t C_ = a->i[1], S = a->i[2];
  int32_t *start = a->buf[1];
  for (int64_t s = S * tid / nt; s < S * (tid + 1) / nt; s++) {
    v16 inv = C(1.0f / (float)(start[s + 1] - start[s]));
    for (int64_t n = start[s]; n < start[s + 1]; n++) COLS({ INC(F(2) + n * C_, v_mul(LD(F(0) + s * C_), inv)); })
  }
}

// ints: R C acc.
static void k_transpose(tl_args *a, int tid, int nt) {
  int64_t R = a->i[0], W = a->i[1];
  float *X = F(0), *Y = F(1);
  int acc = (int)a->i[2];
  for (int64_t j0 = W * tid / nt, j1 = W * (tid + 1) / nt, jb = j0; jb < j1; jb += 16)
    for (int64_t i = 0; i < R; i++)
      for (int64_t j = jb; j < j1 && j < jb + 16; j++) {
        float *y = Y + j * R + i;
        *y = acc ? *y + X[i * W + j] : X[i * W + j];
      }
}
