// Attention over packed sequences, by blocks of query rows, so that scratch
// memory grows with the number of keys and causal blocks skip what they mask.
// ints: N H KV D S causal K2 NK; a row of seg is q0 nq k0 nk.
enum { BLOCK = 64 };

typedef struct {
  int H, KV, D, group;
  ptrdiff_t qs, ks; // strides of a token in q and in k
  int causal;
  float scale;
  const int32_t *seg;
} heads;

FN heads attn_heads(tl_args *a) {
  heads h = {(int)a->i[1], (int)a->i[2], (int)a->i[3], 0, 0, 0, (int)a->i[5], (float)a->f[0], a->buf[3]};
  h.group = h.H / h.KV;
  h.qs = (ptrdiff_t)h.H * h.D;
  h.ks = (ptrdiff_t)h.KV * h.D;
  return h;
}

// A row of scores to probabilities: C_ keys are seen, the rest up to width is
// masked. Returns ln of the denominator.
static float soften(float *s, int64_t C_, int64_t width, float scale) {
  float m = row_max(s, C_) * scale;
  v16 t = ZERO, top = C(m), f = C(scale);
  COLS({
    v16 e = v_exp(v_sub(v_mul(ld_low(s + i, w), f), top));
    t = v_add(t, e);
    stw(s + i, e, w);
  })
  float sum = v_sum(t);
  v16 inv = C(1.0f / sum);
  COLS({ stw(s + i, v_mul(ldw(s + i, w), inv), w); })
  for (int64_t j = C_; j < width; j++) s[j] = 0.0f;
  return m + s_log(sum);
}

static void k_attention(tl_args *a, int tid, int nt) {
  (void)nt;
  heads h = attn_heads(a);
  for (int u; (u = tl_next(a)) < a->i[4] * h.H;) {
    const int32_t *g = h.seg + 4 * (u / h.H);
    int head = u % h.H, nq = g[1], nk = g[3], off = h.causal ? nk - nq : nk;
    const float *q = F(0) + g[0] * h.qs + head * h.D, *k = F(1) + g[2] * h.ks + head / h.group * h.D, *v = F(2) + (k - F(1));
    float *o = F(4) + (q - F(0));
    for (int b = 0; b < nq; b += BLOCK) {
      int rows = nq - b < BLOCK ? nq - b : BLOCK, keys = h.causal ? off + b + rows : nk;
      float *s = tl_scratch(a->pool, tid, 2, sizeof(float) * (size_t)rows * (size_t)keys);
      gemm(a->pool, tid, rows, keys, h.D, q + b * h.qs, h.qs, 1, k, 1, h.ks, NULL, s, keys, 0);
      for (int r = 0; r < rows; r++) {
        float l = soften(s + (size_t)r * keys, h.causal ? off + b + r + 1 : nk, keys, h.scale);
        if (a->buf[5]) F(5)[(g[0] + b + r) * (int64_t)h.H + head] = l;
      }
      gemm(a->pool, tid, rows, h.D, keys, s, keys, 1, v, h.ks, 1, NULL, o + b * h.qs, h.qs, 0);
    }
  }
}

// bufs: q k v seg o lse do dq dk dv. One unit is a sequence and a key head with
// its group of query heads, in order, so that dk and dv have one writer.
static void k_attention_grad(tl_args *a, int tid, int nt) {
  (void)nt;
  heads h = attn_heads(a);
  v16 scale = C(h.scale);
  for (int u; (u = tl_next(a)) < a->i[4] * h.KV;) {
    const int32_t *g = h.seg + 4 * (u / h.KV);
    int kv = u % h.KV, nq = g[1], nk = g[3], off = h.causal ? nk - nq : nk;
    ptrdiff_t ko = g[2] * h.ks + kv * h.D;
    const float *k = F(1) + ko, *v = F(2) + ko;
    float *dk = F(8) + ko, *dv = F(9) + ko;
    for (int head = kv * h.group; head < (kv + 1) * h.group; head++)
      for (int b = 0; b < nq; b += BLOCK) {
        int rows = nq - b < BLOCK ? nq - b : BLOCK, keys = h.causal ? off + b + rows : nk;
        ptrdiff_t qo = (g[0] + b) * h.qs + head * h.D;
        const float *q = F(0) + qo, *o = F(4) + qo, *d = F(6) + qo;
        float *p = tl_scratch(a->pool, tid, 2, sizeof(float) * (size_t)rows * (size_t)keys);
        float *s = tl_scratch(a->pool, tid, 3, sizeof(float) * (size_t)rows * (size_t)keys);
        gemm(a->pool, tid, rows, keys, h.D, q, h.qs, 1, k, 1, h.ks, NULL, p, keys, 0);
        gemm(a->pool, tid, rows, keys, h.D, d, h.qs, 1, v, 1, h.ks, NULL, s, keys, 0);
        for (int r = 0; r < rows; r++) {
          int see = h.causal ? off + b + r + 1 : nk;
          float *P = p + (size_t)r * keys, *S = s + (size_t)r * keys;
          v16 t = ZERO, l = C(F(5)[(g[0] + b + r) * (int64_t)h.H + head]);
          int64_t C_ = h.D;
          COLS({ t = v_fma(LD(o + r * h.qs), LD(d + r * h.qs), t); })
          v16 mean = C(v_sum(t));
          C_ = see;
          COLS({
            v16 e = v_exp(v_sub(v_mul(LD(P), scale), l));
            ST(P, e);
            ST(S, v_mul(v_mul(e, v_sub(LD(S), mean)), scale));
          })
          for (int j = see; j < keys; j++) P[j] = S[j] = 0.0f;
        }
        gemm(a->pool, tid, rows, h.D, keys, s, keys, 1, k, h.ks, 1, NULL, F(7) + qo, h.qs, 1);
        gemm(a->pool, tid, keys, h.D, rows, s, 1, keys, q, h.qs, 1, NULL, dk, h.ks, 1);
        gemm(a->pool, tid, keys, h.D, rows, p, 1, keys, d, h.qs, 1, NULL, dv, h.ks, 1);
      }
  }
}

// ints: N H D sign acc P; bufs: x pos cos sin y.
static void k_rope(tl_args *a, int tid, int nt) {
  int64_t N = a->i[0], H = a->i[1], C_ = a->i[2] / 2;
  v16 sign = C((float)a->i[3]);
  int acc = (int)a->i[4];
  for (int64_t n = N * tid / nt; n < N * (tid + 1) / nt; n++) {
    const float *CO = F(2) + ((int32_t *)a->buf[1])[n] * C_, *SI = F(3) + ((int32_t *)a->buf[1])[n] * C_;
    for (int64_t g = 0; g < H; g++) {
      float *X = F(0) + (n * H + g) * 2 * C_, *Y = F(4) + (n * H + g) * 2 * C_;
      COLS({
        v16 c = LD(CO), s = v_mul(LD(SI), sign), x = LD(X), z = LD(X + C_);
        v16 y0 = v_sub(v_mul(x, c), v_mul(z, s)), y1 = v_add(v_mul(z, c), v_mul(x, s));
        if (acc) {
          INC(Y, y0);
          INC(Y + C_, y1);
        } else {
          ST(Y, y0);
          ST(Y + C_, y1);
        }
      })
    }
  }
}
