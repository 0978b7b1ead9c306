// Softmax and losses over logits x[N,V], one row at a time.

// A tail's missing lanes read as this: e^(LOW - m) is 0, and products with it
// are finite.
#define LOW -1e30f
FN v16 ld_low(const float *p, int w) {
  if (w == 16) return v_ld(p);
  float t[16];
  for (int l = 0; l < 16; l++) t[l] = LOW;
  memcpy(t, p, (size_t)w * 4);
  return v_ld(t);
}
FN float row_max(const float *x, int64_t C_) {
  v16 m = C(-INFINITY);
  COLS({ m = v_max(m, ld_low(x + i, w)); })
  return v_top(m);
}
// ln sum e^(s x) of a row.
FN float s_log(float x) {
  float t[16];
  v_st(t, v_log(C(x)));
  return t[0];
}
static float log_sum_exp(const float *x, int64_t C_, float s) {
  float m = row_max(x, C_) * s;
  if (!(m > -INFINITY)) return m;
  v16 t = ZERO, top = C(m);
  COLS({ t = v_add(t, v_exp(v_sub(v_mul(ld_low(x + i, w), C(s)), top))); })
  return m + s_log(v_sum(t));
}

static void k_softmax(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, *Y = F(1) + n * C_;
    v16 t = ZERO, top = C(row_max(X, C_));
    COLS({
      v16 e = v_exp(v_sub(ld_low(X + i, w), top));
      t = v_add(t, e);
      ST(Y, e);
    })
    v16 inv = C(1.0f / v_sum(t));
    COLS({ ST(Y, v_mul(LD(Y), inv)); })
  }
}

static void k_softmax_grad(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *Y = F(0) + n * C_, *DY = F(1) + n * C_, *DX = F(2) + n * C_;
    v16 t = ZERO;
    COLS({ t = v_fma(LD(DY), LD(Y), t); })
    v16 m = C(v_sum(t));
    COLS({ INC(DX, v_mul(LD(Y), v_sub(LD(DY), m))); })
  }
}

static void k_nll(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, l = log_sum_exp(X, C_, 1.0f);
    int32_t target = ((int32_t *)a->buf[1])[n];
    F(3)[n] = l;
    F(2)[n] = target >= 0 ? l - X[target] : 0.0f;
  }
}

static void k_nll_grad(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, *DX = F(4) + n * C_, d = F(3)[n];
    int32_t target = ((int32_t *)a->buf[1])[n];
    if (target < 0) continue;
    v16 l = C(F(2)[n]), g = C(d);
    COLS({ INC(DX, v_mul(g, v_exp(v_sub(LD(X), l)))); })
    DX[target] -= d;
  }
}

// Whether t is the first of the largest elements of a row whose maximum is m.
static int is_top(const float *x, int64_t t, float m) {
  if (!(x[t] == m)) return 0;
  for (int64_t i = 0; i < t; i++)
    if (x[i] == m) return 0;
  return 1;
}

// bufs: x target w nll hit dx. dx may be x: a row's e^(x - max) take its place
// and are then scaled, so that each exponential is computed once.
static void k_cross_entropy(tl_args *a, int tid, int nt) {
  ROWS
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, *DX = a->buf[5] ? F(5) + n * C_ : NULL;
    int32_t target = ((int32_t *)a->buf[1])[n];
    if (target < 0) {
      F(3)[n] = F(4)[n] = 0.0f;
      if (DX) COLS({ ST(DX, ZERO); })
      continue;
    }
    float m = row_max(X, C_), x = X[target], w_ = F(2)[n];
    F(4)[n] = is_top(X, target, m) ? 1.0f : 0.0f;
    v16 t = ZERO, top = C(m);
    COLS({
      v16 e = v_exp(v_sub(ld_low(X + i, w), top));
      t = v_add(t, e);
      if (DX) ST(DX, e);
    })
    float sum = v_sum(t);
    F(3)[n] = m + s_log(sum) - x;
    if (!DX) continue;
    v16 s = C(w_ / sum);
    COLS({ ST(DX, v_mul(LD(DX), s)); })
    DX[target] -= w_;
  }
}

// Where p is 0, p ln p is 0.
#define LN(e) v_sel(v_gt(p, ZERO), e, ZERO)

static void k_log_prob(tl_args *a, int tid, int nt) {
  ROWS
  float s = (float)(1.0 / a->f[0]);
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, l = log_sum_exp(X, C_, s);
    int32_t target = ((int32_t *)a->buf[1])[n];
    v16 t = ZERO;
    COLS({
      v16 z = v_sub(v_mul(ld_low(X + i, w), C(s)), C(l)), p = v_exp(z);
      t = v_fma(p, LN(z), t);
    })
    float product = X[target >= 0 ? target : 0] * s;
    F(2)[n] = target >= 0 ? product - l : 0.0f;
    F(3)[n] = -v_sum(t);
    F(4)[n] = l;
  }
}

// bufs: x target ent lse dlogp dent dx.
static void k_log_prob_grad(tl_args *a, int tid, int nt) {
  ROWS
  float s = (float)(1.0 / a->f[0]);
  for (int64_t n = r0; n < r1; n++) {
    float *X = F(0) + n * C_, *DX = F(6) + n * C_;
    int32_t target = ((int32_t *)a->buf[1])[n];
    float dl = a->buf[4] && target >= 0 ? F(4)[n] : 0.0f, de = a->buf[5] ? F(5)[n] : 0.0f;
    v16 l = C(F(3)[n]), h = C(F(2)[n]), g = C(-dl), k = C(-de), sv = C(s);
    COLS({
      v16 z = v_sub(v_mul(LD(X), sv), l), p = v_exp(z);
      v16 d = v_mul(p, v_fma(k, LN(v_add(z, h)), g));
      INC(DX, v_mul(d, sv));
    })
    if (target >= 0) DX[target] += dl * s;
  }
}
