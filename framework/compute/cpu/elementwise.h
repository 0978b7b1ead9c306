// Kernels that treat every element alike.
#define F(k) ((float *)a->buf[k])
#define SPLIT(count) \
  int64_t units_ = ((count) + 15) / 16, lo = units_ * tid / nt * 16, hi = units_ * (tid + 1) / nt * 16; \
  if (hi > (count)) hi = (count);

FN v16 ldw(const float *p, int w) { return w == 16 ? v_ld(p) : v_ldn(p, w); }
FN void stw(float *p, v16 v, int w) {
  if (w == 16) v_st(p, v);
  else v_stn(p, v, w);
}
#define LD(p) ldw((p) + i, w)
#define ST(p, v) stw((p) + i, v, w)
#define INC(p, v) ST(p, v_add(LD(p), v))

// MAP defines a kernel over a->i[0] elements: pre once, then body for each v16.
#define MAP(name, pre, ...) \
  static void k_##name(tl_args *a, int tid, int nt) { \
    SPLIT(a->i[0]) \
    pre; \
    int64_t i = lo; \
    for (; i + 16 <= hi; i += 16) { \
      enum { w = 16 }; \
      __VA_ARGS__; \
    } \
    if (i < hi) { \
      int w = (int)(hi - i); \
      __VA_ARGS__; \
    } \
  }
#define XY float *X = F(0), *Y = F(1)
#define UNARY(name, e) MAP(name, XY, { v16 x = LD(X); ST(Y, e); })
// dx += dy times e, an expression in x and y.
#define UNARY_GRAD(name, e) \
  MAP(name, float *X = F(0); float *Y = F(1); float *DY = F(2); float *DX = F(3), { \
    v16 x = LD(X), y = LD(Y), dy = LD(DY); \
    (void)x, (void)y; \
    INC(DX, v_mul(dy, e)); \
  })
#define BINARY(name, e) MAP(name, float *A = F(0); float *B = F(1); float *Y = F(2), { v16 x = LD(A), z = LD(B); ST(Y, e); })
// da += dy ga, db += dy gb, expressions in x and z.
#define BINARY_GRAD(name, ga, gb) \
  MAP(name, float *A = F(0); float *B = F(1); float *DY = F(2); float *DA = F(3); float *DB = F(4), { \
    v16 x = LD(A), z = LD(B), dy = LD(DY); \
    (void)x, (void)z; \
    if (DA) INC(DA, v_mul(dy, ga)); \
    if (DB) INC(DB, v_mul(dy, gb)); \
  })
#define ONE C(1.0f)
#define ZERO C(0.0f)

FN v16 silu_slope(v16 x) {
  v16 s = v_sigmoid(x);
  return v_mul(s, v_fma(x, v_sub(ONE, s), ONE));
}
// tanh's argument in the formula of GPT-2, and the derivative of that.
FN v16 gelu_arg(v16 x) { return v_mul(C(0.797884561f), v_fma(v_mul(C(0.044715f), v_mul(x, x)), x, x)); }
FN v16 gelu_tanh_slope(v16 x) {
  v16 t = v_tanh(gelu_arg(x)), d = v_mul(C(0.797884561f), v_fma(C(0.134145f), v_mul(x, x), ONE));
  v16 s = v_mul(v_mul(v_mul(C(0.5f), x), v_sub(ONE, v_mul(t, t))), d);
  return v_fma(C(0.5f), v_add(ONE, t), s);
}
FN v16 gelu_slope(v16 x) {
  v16 d = v_mul(C(0.39894228f), v_exp(v_mul(C(-0.5f), v_mul(x, x))));
  return v_fma(x, d, v_phi(x));
}
FN v16 share(v16 x, v16 z) { return v_sel(v_gt(x, z), ONE, v_sel(v_eq(x, z), C(0.5f), ZERO)); }

UNARY(exp, v_exp(x))
UNARY_GRAD(exp_grad, y)
UNARY(log, v_log(x))
UNARY_GRAD(log_grad, v_div(ONE, x))
UNARY(sqrt, v_sqrt(x))
UNARY_GRAD(sqrt_grad, v_div(C(0.5f), y))
UNARY(tanh, v_tanh(x))
UNARY_GRAD(tanh_grad, v_sub(ONE, v_mul(y, y)))
UNARY(sigmoid, v_sigmoid(x))
UNARY_GRAD(sigmoid_grad, v_mul(y, v_sub(ONE, y)))
UNARY(relu, v_max(ZERO, x))
UNARY_GRAD(relu_grad, v_sel(v_gt(x, ZERO), ONE, ZERO))
UNARY(silu, v_mul(x, v_sigmoid(x)))
UNARY_GRAD(silu_grad, silu_slope(x))
UNARY(softplus, v_add(v_max(ZERO, x), v_log1p(v_exp(v_neg(v_abs(x))))))
UNARY_GRAD(softplus_grad, v_sigmoid(x))
UNARY(gelu, v_mul(x, v_phi(x)))
UNARY_GRAD(gelu_grad, gelu_slope(x))
UNARY(gelu_tanh, v_mul(v_mul(C(0.5f), x), v_add(ONE, v_tanh(gelu_arg(x)))))
UNARY_GRAD(gelu_tanh_grad, gelu_tanh_slope(x))

BINARY(add, v_add(x, z))
BINARY(sub, v_sub(x, z))
BINARY(mul, v_mul(x, z))
BINARY_GRAD(mul_grad, z, x)
BINARY(div, v_div(x, z))
BINARY_GRAD(div_grad, v_div(ONE, z), v_neg(v_div(v_div(x, z), z)))
BINARY(min, v_min(x, z))
BINARY_GRAD(min_grad, share(z, x), share(x, z))
BINARY(max, v_max(x, z))
BINARY_GRAD(max_grad, share(x, z), share(z, x))
BINARY(silu_mul, v_mul(v_mul(x, v_sigmoid(x)), z))
BINARY_GRAD(silu_mul_grad, v_mul(z, silu_slope(x)), v_mul(x, v_sigmoid(x)))

#define LIMITS v16 p = C((float)a->f[0]); v16 q = C((float)a->f[1])
MAP(clamp, XY; LIMITS, { v16 x = LD(X); ST(Y, v_min(q, v_max(p, x))); })
MAP(clamp_grad, float *X = F(0); float *DY = F(2); float *DX = F(3); LIMITS, {
  v16 x = LD(X);
  INC(DX, v_sel(v_ge(x, p), v_sel(v_ge(q, x), LD(DY), ZERO), ZERO));
})
MAP(scale, XY; LIMITS, { v16 x = LD(X); ST(Y, v_fma(p, x, q)); })
MAP(axpy, XY; v16 p = C((float)a->f[0]), { v16 x = LD(X); ST(Y, v_fma(p, x, LD(Y))); })
MAP(fill, float *Y = F(0); v16 p = C((float)a->f[0]), { ST(Y, p); })
MAP(sum_grad, float *DX = F(1); v16 p = C(F(0)[0]), { INC(DX, p); })
MAP(copy, float *X = F(0) + a->i[1]; float *Y = F(1) + a->i[2]; int acc = (int)a->i[3], {
  if (acc) INC(Y, LD(X));
  else ST(Y, LD(X));
})

// compute.MaskBits: two rounds of a 32-bit mixer, each half of the key in one.
FN i16 mix(i16 h) {
  h = i_mul(i_xor(h, i_shr(h, 16)), i_set(0x7feb352d));
  h = i_mul(i_xor(h, i_shr(h, 15)), i_set((int32_t)0x846ca68b));
  return i_xor(h, i_shr(h, 16));
}
MAP(dropout, XY; i16 klo = i_set((int32_t)(uint32_t)a->i[1]); i16 khi = i_set((int32_t)(uint32_t)a->i[2]);
    i16 limit = i_set((int32_t)(uint32_t)(a->f[0] * 4294967296.0)); v16 s = C((float)(1.0 / (1.0 - a->f[0]))); int acc = (int)a->i[3], {
  i16 h = mix(i_add(mix(i_xor(i_iota((uint32_t)i), klo)), khi));
  v16 y = v_sel(i_geu(h, limit), v_mul(LD(X), s), ZERO);
  if (acc) INC(Y, y);
  else ST(Y, y);
})

// floats: lr beta1 beta2 eps wd c1 c2 gscale; the order of torch.optim.AdamW.
MAP(adamw, float *P = F(0); float *G = F(1); float *M = F(2); float *V = F(3);
    double *h = a->f; v16 keep = C((float)(1.0 - h[0] * h[4])); v16 o1 = C((float)(1.0 - h[1]));
    v16 b2 = C((float)h[2]); v16 o2 = C((float)(1.0 - h[2])); v16 eps = C((float)h[3]);
    v16 step = C((float)(-h[0] / h[5])); v16 r2 = C((float)sqrt(h[6])); v16 gs = C((float)h[7]), {
  v16 g = v_mul(LD(G), gs), m = LD(M), v = LD(V);
  m = v_fma(o1, v_sub(g, m), m);
  v = v_fma(v_mul(o2, g), g, v_mul(b2, v));
  ST(M, m);
  ST(V, v);
  v16 d = v_add(v_div(v_sqrt(v), r2), eps);
  ST(P, v_fma(step, v_div(m, d), v_mul(LD(P), keep)));
})
