package autograd

import "github.com/tunelab/tunelab/framework/compute"

// Linear is x w^T + b: x [N,in] (or more leading dimensions), w [out,in] as in
// Hugging Face and torch, b [out] or nil; the result is [N,out].
func (t *Tape) Linear(x, w, b *Var) *Var {
	x.live("Linear")
	t.must(len(w.shape) == 2 && len(x.shape) >= 1 && x.cols() == w.shape[1], "Linear", "needs x [N,in] and w [out,in]", x, w)
	out, in, n := int64(w.shape[0]), int64(w.shape[1]), int64(x.rows())
	t.must(b == nil || b.Len() == w.shape[0], "Linear", "needs a bias [out]", x, w, b)
	y := t.alloc(withCols(x.shape, w.shape[0]))
	var bias compute.Buffer
	if b != nil {
		bias = b.buf
	}
	y.spare = true
	t.run(t.gemm, bufs{x.buf, w.buf, bias, y.buf}, []int64{n, out, in, 0, 1, 0}, nil)
	return t.node(y, func() {
		if d, acc := x.dstAcc(); d != nil {
			t.run(t.gemm, bufs{y.grad, w.buf, nil, d}, []int64{n, in, out, 0, 0, acc}, nil)
		}
		if d, acc := w.dstAcc(); d != nil {
			t.run(t.gemm, bufs{y.grad, x.buf, nil, d}, []int64{out, in, n, 1, 0, acc}, nil)
		}
		if d := b.dst(); d != nil {
			t.run(compute.ColSum, bufs{y.grad, d}, []int64{n, out}, nil)
		}
	}, x, w, b)
}

// MatMul is a b: a [M,K], b [K,N]; the result is [M,N].
func (t *Tape) MatMul(a, b *Var) *Var {
	a.live("MatMul")
	b.live("MatMul")
	t.must(len(a.shape) == 2 && len(b.shape) == 2 && a.shape[1] == b.shape[0], "MatMul", "needs a [M,K] and b [K,N]", a, b)
	m, k, n := int64(a.shape[0]), int64(a.shape[1]), int64(b.shape[1])
	y := t.out(a.shape[0], b.shape[1])
	t.run(t.gemm, bufs{a.buf, b.buf, nil, y.buf}, []int64{m, n, k, 0, 0, 0}, nil)
	return t.node(y, func() {
		if d, acc := a.dstAcc(); d != nil {
			t.run(t.gemm, bufs{y.grad, b.buf, nil, d}, []int64{m, k, n, 0, 1, acc}, nil)
		}
		if d, acc := b.dstAcc(); d != nil {
			t.run(t.gemm, bufs{a.buf, y.grad, nil, d}, []int64{k, n, m, 1, 0, acc}, nil)
		}
	}, a, b)
}

// NF4 is a frozen weight [Out,In] in 4-bit NormalFloat, in the layout of
// bitsandbytes (Dettmers et al. 2023, arXiv:2305.14314, section 3).
type NF4 struct {
	Out, In int
	Codes   *compute.Tensor // U8, (Out*In+1)/2: two codes a byte, the first in the high nibble
	Absmax  *compute.Tensor // F32, (Out*In+63)/64: the scale of each block of 64 of the flattened weight
}

// NewLazyNF4 makes a weight whose codes and scales are written when they are
// first needed, as NewLazyParam does.
func NewLazyNF4(e compute.Engine, out, in int, codes func(dst []uint8) error, absmax func(dst []float32) error) *NF4 {
	n := out * in
	return &NF4{Out: out, In: in, Codes: lazyTensor(e, compute.U8, []int{(n + 1) / 2}, codes), Absmax: lazyTensor(e, compute.F32, []int{(n + 63) / 64}, absmax)}
}

func (w *NF4) check(t *Tape, op string, x *Var) {
	n := w.Out * w.In
	if w.Codes == nil || w.Absmax == nil || w.Codes.Len() != (n+1)/2 || w.Absmax.Len() != (n+63)/64 {
		panic(&ShapeError{Op: op, Shapes: [][]int{{w.Out, w.In}}, Reason: "needs (out*in+1)/2 bytes of codes and (out*in+63)/64 scales"})
	}
	if x != nil {
		t.must(x.cols() == w.In, op, "needs x [N,in] of the weight's width", x, &Var{shape: []int{w.Out, w.In}})
	}
}

// LinearNF4 is x w^T with a weight in NF4: x [N,in]; the result is [N,out]. The
// gradient goes to x only.
func (t *Tape) LinearNF4(x *Var, w *NF4) *Var {
	x.live("LinearNF4")
	w.check(t, "LinearNF4", x)
	out, in, n := int64(w.Out), int64(w.In), int64(x.rows())
	y := t.alloc(withCols(x.shape, w.Out))
	t.run(t.gemmNF4, bufs{x.buf, w.Codes.Buf, w.Absmax.Buf, nil, y.buf}, []int64{n, out, in, 1, 0}, nil)
	return t.node(y, func() {
		d, acc := x.dstAcc()
		t.run(t.gemmNF4, bufs{y.grad, w.Codes.Buf, w.Absmax.Buf, nil, d}, []int64{n, in, out, 0, acc}, nil)
	}, x)
}

// DequantNF4 is the float weight [Out,In] as a constant.
func (t *Tape) DequantNF4(w *NF4) *Var {
	w.check(t, "DequantNF4", nil)
	y := t.out(w.Out, w.In)
	t.run(compute.DequantNF4, bufs{w.Codes.Buf, w.Absmax.Buf, y.buf}, []int64{int64(w.Out) * int64(w.In)}, nil)
	return y
}

// Transpose turns [R,C] into [C,R].
func (t *Tape) Transpose(x *Var) *Var {
	x.live("Transpose")
	t.must(len(x.shape) == 2, "Transpose", "needs a matrix", x)
	r, c := int64(x.shape[0]), int64(x.shape[1])
	y := t.out(x.shape[1], x.shape[0])
	t.run(compute.Transpose, bufs{x.buf, y.buf}, []int64{r, c, 0}, nil)
	return t.node(y, func() {
		d, acc := x.dstAcc()
		t.run(compute.Transpose, bufs{y.grad, d}, []int64{c, r, acc}, nil)
	}, x)
}

// withCols is shape with another last dimension.
func withCols(shape []int, cols int) []int {
	s := append([]int(nil), shape...)
	s[len(s)-1] = cols
	return s
}
