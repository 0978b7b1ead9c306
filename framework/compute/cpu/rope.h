// Rotary positions. ints: N H D sign acc P R; bufs: x pos cos sin y.
static void k_rope(tl_args *a, int tid, int nt) {
  int64_t N = a->i[0], H = a->i[1], D = a->i[2], R = a->i[6] ? a->i[6] : D, half = R / 2;
  v16 sign = C((float)a->i[3]);
  int acc = (int)a->i[4];
  for (int64_t n = N * tid / nt; n < N * (tid + 1) / nt; n++) {
    const float *CO = F(2) + ((int32_t *)a->buf[1])[n] * half, *SI = F(3) + ((int32_t *)a->buf[1])[n] * half;
    for (int64_t g = 0; g < H; g++) {
      float *X = F(0) + (n * H + g) * D, *Y = F(4) + (n * H + g) * D;
      int64_t C_ = half;
      COLS({
        v16 c = LD(CO), s = v_mul(LD(SI), sign), x = LD(X), z = LD(X + half);
        v16 y0 = v_sub(v_mul(x, c), v_mul(z, s)), y1 = v_add(v_mul(z, c), v_mul(x, s));
        if (acc) {
          INC(Y, y0);
          INC(Y + half, y1);
        } else {
          ST(Y, y0);
          ST(Y + half, y1);
        }
      })
      C_ = D - R;
      COLS({
        if (acc) INC(Y + R, LD(X + R));
        else ST(Y + R, LD(X + R));
      })
    }
  }
}
