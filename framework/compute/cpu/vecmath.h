// exp, ln, tanh, erf on v16 by polynomials with explicit FMA. Coefficients:
// minimax fits (Lawson's iteration on Chebyshev nodes) made for this file; the
// comment beside each gives the relative error of the fit.
#define C(x) v_set(x)

// e^x. r = x - n ln 2 in two parts, e^r = 1 + r + r^2 q(r) (3e-9), times 2^n in
// two factors so that overflow and denormals come out right. NaN stays NaN.
FN v16 v_exp(v16 x) {
  x = v_max(C(-104.0f), v_min(C(89.0f), x));
  v16 n = v_round(v_mul(x, C(1.44269504f)));
  v16 r = v_fma(n, C(-0.693359375f), x);
  r = v_fma(n, C(2.12194440e-4f), r);
  v16 q = v_fma(C(0x1.6a4744p-10f), r, C(0x1.1239a2p-7f));
  q = v_fma(q, r, C(0x1.5558b6p-5f));
  q = v_fma(q, r, C(0x1.555492p-3f));
  q = v_fma(q, r, C(0x1.fffffcp-2f));
  v16 y = v_add(v_fma(v_mul(r, r), q, r), C(1.0f));
  i16 k = v_int(n), h = i_sar(k, 1);
  v16 s1 = v_frombits(i_shl(i_add(h, i_set(127)), 23));
  v16 s2 = v_frombits(i_shl(i_add(i_sub(k, h), i_set(127)), 23));
  return v_mul(v_mul(y, s1), s2);
}

// ln x. x = m 2^e with m in [sqrt 1/2, sqrt 2), ln m = f - f^2/2 + f^3 p(f),
// f = m - 1 (8e-10). ln 0 = -inf, ln of a negative number NaN, ln inf = inf.
FN v16 v_log(v16 x0) {
  m16 tiny = v_gt(C(FLT_MIN), x0);
  v16 x = v_sel(tiny, v_mul(x0, C(33554432.0f)), x0);
  i16 u = i_sub(v_bits(x), i_set(0x3f3504f3));
  v16 e = v_float(i_sar(u, 23));
  e = v_sub(e, v_sel(tiny, C(25.0f), C(0.0f)));
  v16 m = v_frombits(i_add(i_and(u, i_set(0x007fffff)), i_set(0x3f3504f3)));
  v16 f = v_sub(m, C(1.0f)), f2 = v_mul(f, f);
  v16 p = v_fma(C(0x1.1484e8p-4f), f, C(-0x1.de1004p-4f));
  p = v_fma(p, f, C(0x1.e6c03ep-4f));
  p = v_fma(p, f, C(-0x1.fc26acp-4f));
  p = v_fma(p, f, C(0x1.233b78p-3f));
  p = v_fma(p, f, C(-0x1.555c4ep-3f));
  p = v_fma(p, f, C(0x1.99a478p-3f));
  p = v_fma(p, f, C(-0x1.000006p-2f));
  p = v_fma(p, f, C(0x1.555548p-2f));
  v16 y = v_fma(e, C(-2.12194440e-4f), v_mul(v_mul(f2, f), p));
  y = v_fma(f2, C(-0.5f), y);
  y = v_fma(e, C(0.693359375f), v_add(f, y));
  y = v_sel(v_gt(x0, C(FLT_MAX)), x0, y);
  y = v_sel(v_eq(x0, C(0.0f)), C(-INFINITY), y);
  return v_sel(v_ge(x0, C(0.0f)), y, v_sel(v_gt(C(0.0f), x0), C(NAN), v_add(x0, x0)));
}

// ln(1 + t) for t >= 0, with the rounding of 1 + t undone.
FN v16 v_log1p(v16 t) {
  v16 u = v_add(C(1.0f), t), d = v_sub(u, C(1.0f));
  m16 z = v_eq(d, C(0.0f));
  return v_sel(z, t, v_mul(v_log(u), v_div(t, v_sel(z, C(1.0f), d))));
}

FN v16 v_sigmoid(v16 x) { return v_div(C(1.0f), v_add(C(1.0f), v_exp(v_neg(x)))); }

// tanh x: x + x^3 p(x^2) below 0.625 (4e-9), else 1 - 2 / (e^2|x| + 1) with x's sign.
FN v16 v_tanh(v16 x) {
  v16 a = v_abs(x), z = v_mul(x, x);
  v16 p = v_fma(C(-0x1.769df8p-8f), z, C(0x1.525328p-6f));
  p = v_fma(p, z, C(-0x1.b8439ap-5f));
  p = v_fma(p, z, C(0x1.110762p-3f));
  p = v_fma(p, z, C(-0x1.555534p-2f));
  v16 s = v_fma(v_mul(x, z), p, x);
  v16 b = v_sub(C(1.0f), v_div(C(2.0f), v_add(v_exp(v_add(a, a)), C(1.0f))));
  b = v_frombits(i_or(v_bits(b), i_and(v_bits(x), i_set((int32_t)0x80000000))));
  return v_sel(v_gt(C(0.625f), a), s, b);
}

// erf x: x + x p(x^2) below 1 (1.5e-9), else 1 - e^(-t g(t)), t = min(|x|, 4) (4e-10).
FN v16 v_erf(v16 x) {
  v16 z = v_mul(x, x), a = v_abs(x), t = v_min(C(4.0f), a);
  v16 p = v_fma(C(0x1.4771fcp-14f), z, C(-0x1.a3515ep-11f));
  p = v_fma(p, z, C(0x1.53f224p-8f));
  p = v_fma(p, z, C(-0x1.b7f71ap-6f));
  p = v_fma(p, z, C(0x1.ce2ce6p-4f));
  p = v_fma(p, z, C(-0x1.81273ep-2f));
  p = v_fma(p, z, C(0x1.06eba8p-3f));
  v16 s = v_fma(x, p, x);
  v16 g = v_fma(C(0x1.d4588ep-17f), t, C(-0x1.6f93ccp-12f));
  g = v_fma(g, t, C(0x1.ec7aa2p-9f));
  g = v_fma(g, t, C(-0x1.89603cp-6f));
  g = v_fma(g, t, C(0x1.b4595ep-4f));
  g = v_fma(g, t, C(0x1.451acp-1f));
  g = v_fma(g, t, C(0x1.20f21cp+0f));
  v16 b = v_sub(C(1.0f), v_exp(v_neg(v_mul(t, g))));
  b = v_frombits(i_or(v_bits(b), i_and(v_bits(x), i_set((int32_t)0x80000000))));
  return v_sel(v_gt(C(1.0f), a), s, b);
}

FN v16 v_phi(v16 x) { return v_fma(C(0.5f), v_erf(v_mul(x, C(0.707106781f))), C(0.5f)); }
