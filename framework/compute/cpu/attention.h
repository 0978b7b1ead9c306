// Attention over packed sequences, by blocks of query rows, so that scratch
// memory grows with the number of keys and blocks skip what they mask.
// ints: N H KV D S causal K2 NK left right P; a row of seg is q0 nq k0 nk.
enum { BLOCK = 64 };

typedef struct {
  int H, KV, D, group;
  ptrdiff_t qs, ks; // strides of a token in q and in k
  int left, right;  // keys seen up to a query's own and from it on, that one counted; 0: all
  float scale, cap; // cap 0: none
  int reach;        // distances of the bias: 2 reach - 1 for each head
  const float *bias;
  float *dbias;
  const int32_t *seg;
} heads;

FN heads attn_heads(tl_args *a, int bias, int dbias) {
  heads h = {.H = (int)a->i[1], .KV = (int)a->i[2], .D = (int)a->i[3], .left = (int)a->i[8], .right = a->i[5] ? 1 : (int)a->i[9],
             .scale = (float)a->f[0], .cap = (float)a->f[1], .reach = (int)a->i[10], .seg = a->buf[3]};
  h.group = h.H / h.KV;
  h.qs = (ptrdiff_t)h.H * h.D;
  h.ks = (ptrdiff_t)h.KV * h.D;
  if (h.reach) {
    h.bias = a->buf[bias];
    h.dbias = dbias ? a->buf[dbias] : NULL;
  }
  return h;
}

// The first of nk keys that the query at place p sees, and the end of them.
FN int first_key(const heads *h, int p) { return h->left && p >= h->left ? p - h->left + 1 : 0; }
FN int end_key(const heads *h, int p, int nk) { return h->right && p + h->right < nk ? p + h->right : nk; }
// Where the bias of key j stands for the query at place p.
FN ptrdiff_t bias_at(const heads *h, int head, int p, int j) { return (ptrdiff_t)head * (2 * h->reach - 1) + h->reach - 1 + j - p; }

// q k of C_ keys to scores where there is a cap or a bias, in place.
static void shape_scores(const heads *h, float *s, int64_t C_, const float *bias) {
  v16 scale = C(h->scale), cap = C(h->cap);
  COLS({
    v16 x = v_mul(LD(s), scale);
    if (h->cap > 0) x = v_mul(v_tanh(v_div(x, cap)), cap);
    if (bias) x = v_add(x, LD(bias));
    ST(s, x);
  })
}

// A row of scores to probabilities: C_ keys are seen. Returns ln of the
// denominator.
static float soften(float *s, int64_t C_, float scale) {
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
  return m + s_log(sum);
}

// Zero outside lo to hi of a row of n.
static void mask_row(float *s, int lo, int hi, int n) {
  for (int j = 0; j < lo; j++) s[j] = 0.0f;
  for (int j = hi; j < n; j++) s[j] = 0.0f;
}

static void k_attention(tl_args *a, int tid, int nt) {
  (void)nt;
  heads h = attn_heads(a, 6, 0);
  int plain = !(h.cap > 0) && !h.bias;
  for (int u; (u = tl_next(a)) < a->i[4] * h.H;) {
    const int32_t *g = h.seg + 4 * (u / h.H);
    int head = u % h.H, nq = g[1], nk = g[3], at = nk - nq;
    const float *q = F(0) + g[0] * h.qs + head * h.D, *k = F(1) + g[2] * h.ks + head / h.group * h.D, *v = F(2) + (k - F(1));
    float *o = F(4) + (q - F(0));
    for (int b = 0; b < nq; b += BLOCK) {
      int rows = nq - b < BLOCK ? nq - b : BLOCK, k0 = first_key(&h, at + b), keys = end_key(&h, at + b + rows - 1, nk) - k0;
      float *s = tl_scratch(a->pool, tid, 2, sizeof(float) * (size_t)rows * (size_t)keys);
      gemm(a->pool, tid, rows, keys, h.D, q + b * h.qs, h.qs, 1, k + k0 * h.ks, 1, h.ks, NULL, s, keys, 0);
      for (int r = 0; r < rows; r++) {
        int p = at + b + r, lo = first_key(&h, p) - k0, hi = end_key(&h, p, nk) - k0;
        float *row = s + (size_t)r * keys;
        if (!plain) shape_scores(&h, row + lo, hi - lo, h.bias ? h.bias + bias_at(&h, head, p, k0 + lo) : NULL);
        float l = soften(row + lo, hi - lo, plain ? h.scale : 1.0f);
        mask_row(row, lo, hi, keys);
        if (a->buf[5]) F(5)[(g[0] + b + r) * (int64_t)h.H + head] = l;
      }
      gemm(a->pool, tid, rows, h.D, keys, s, keys, 1, v + k0 * h.ks, h.ks, 1, NULL, o + b * h.qs, h.qs, 0);
    }
  }
}

// q k in P and do v in S to probabilities and the gradient of q k, for C_ keys.
FN void back_row(const heads *h, float *P, float *S, int64_t C_, v16 l, v16 mean) {
  v16 scale = C(h->scale);
  COLS({
    v16 e = v_exp(v_sub(v_mul(LD(P), scale), l));
    ST(P, e);
    ST(S, v_mul(v_mul(e, v_sub(LD(S), mean)), scale));
  })
}

// The same through a cap and a bias, whose gradient is added to dbias.
static void back_shaped(const heads *h, float *P, float *S, int64_t C_, v16 l, v16 mean, const float *bias, float *dbias) {
  v16 scale = C(h->scale), cap = C(h->cap);
  COLS({
    v16 x = v_mul(LD(P), scale), slope = scale;
    if (h->cap > 0) {
      v16 t = v_tanh(v_div(x, cap));
      x = v_mul(t, cap);
      slope = v_mul(slope, v_sub(ONE, v_mul(t, t)));
    }
    if (bias) x = v_add(x, LD(bias));
    v16 e = v_exp(v_sub(x, l)), ds = v_mul(e, v_sub(LD(S), mean));
    if (dbias) INC(dbias, ds);
    ST(P, e);
    ST(S, v_mul(ds, slope));
  })
}

// One sequence and key head with its group of query heads, in order.
static void attn_back(tl_args *a, int tid, const heads *hp, const int32_t *g, int kv) {
  heads h = *hp;
  int nq = g[1], nk = g[3], at = nk - nq;
  ptrdiff_t ko = g[2] * h.ks + kv * h.D;
  for (int head = kv * h.group; head < (kv + 1) * h.group; head++)
    for (int b = 0; b < nq; b += BLOCK) {
      int rows = nq - b < BLOCK ? nq - b : BLOCK, k0 = first_key(&h, at + b), keys = end_key(&h, at + b + rows - 1, nk) - k0;
      ptrdiff_t qo = (g[0] + b) * h.qs + head * h.D, k0o = ko + k0 * h.ks;
      const float *k = F(1) + k0o, *v = F(2) + k0o, *q = F(0) + qo, *o = F(4) + qo, *d = F(6) + qo;
      float *p = tl_scratch(a->pool, tid, 2, sizeof(float) * (size_t)rows * (size_t)keys);
      float *s = tl_scratch(a->pool, tid, 3, sizeof(float) * (size_t)rows * (size_t)keys);
      gemm(a->pool, tid, rows, keys, h.D, q, h.qs, 1, k, 1, h.ks, NULL, p, keys, 0);
      gemm(a->pool, tid, rows, keys, h.D, d, h.qs, 1, v, 1, h.ks, NULL, s, keys, 0);
      for (int r = 0; r < rows; r++) {
        int place = at + b + r, lo = first_key(&h, place) - k0, hi = end_key(&h, place, nk) - k0;
        float *P = p + (size_t)r * keys, *S = s + (size_t)r * keys;
        v16 t = ZERO, l = C(F(5)[(g[0] + b + r) * (int64_t)h.H + head]);
        int64_t C_ = h.D;
        COLS({ t = v_fma(LD(o + r * h.qs), LD(d + r * h.qs), t); })
        v16 mean = C(v_sum(t));
        ptrdiff_t bo = bias_at(&h, head, place, k0 + lo);
        if (h.cap > 0 || h.bias || h.dbias) back_shaped(&h, P + lo, S + lo, hi - lo, l, mean, h.bias ? h.bias + bo : NULL, h.dbias ? h.dbias + bo : NULL);
        else back_row(&h, P + lo, S + lo, hi - lo, l, mean);
        mask_row(P, lo, hi, keys);
        mask_row(S, lo, hi, keys);
      }
      gemm(a->pool, tid, rows, h.D, keys, s, keys, 1, k, h.ks, 1, NULL, F(7) + qo, h.qs, 1);
      gemm(a->pool, tid, keys, h.D, rows, s, 1, keys, q, h.qs, 1, NULL, F(8) + k0o, h.ks, 1);
      gemm(a->pool, tid, keys, h.D, rows, p, 1, keys, d, h.qs, 1, NULL, F(9) + k0o, h.ks, 1);
    }
}

// bufs: q k v seg o lse do dq dk dv bias dbias. One unit is a sequence and a key
// head, so that dk and dv have one writer; with dbias all sequences of the head.
static void k_attention_grad(tl_args *a, int tid, int nt) {
  (void)nt;
  heads h = attn_heads(a, 10, 11);
  int whole = h.dbias != NULL, S = (int)a->i[4];
  for (int u; (u = tl_next(a)) < (whole ? h.KV : S * h.KV);) {
    int from = whole ? 0 : u / h.KV, to = whole ? S : from + 1;
    for (int s = from; s < to; s++) attn_back(a, tid, &h, h.seg + 4 * s, u % h.KV);
  }
}
