package autograd

import (
	"fmt"
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/compute"
)

// gradCase is one row of the table that TestGradients walks: an op on random
// leaves of the given shapes. tol is the largest difference allowed between the
// f32 engine and the reference, relative to the largest element.
type gradCase struct {
	name   string
	shapes [][]int
	low    float32 // leaves are uniform in [low, high); both 0 means normal
	high   float32
	tol    float64
	fn     func(t *Tape, in []*Var) []*Var
}

func one(f func(t *Tape, x *Var) *Var) func(t *Tape, in []*Var) []*Var {
	return func(t *Tape, in []*Var) []*Var { return []*Var{f(t, in[0])} }
}

func two(f func(t *Tape, a, b *Var) *Var) func(t *Tape, in []*Var) []*Var {
	return func(t *Tape, in []*Var) []*Var { return []*Var{f(t, in[0], in[1])} }
}

func finalLoss(t *Tape, x *Var) *Var {
	l, _ := t.FinalLoss(x, []int32{5, -100, 18}, []float32{0.5, 1, 2})
	return l
}

func gradCases() []gradCase {
	var cs []gradCase
	add := func(c gradCase) { cs = append(cs, c) }
	small := []int{3, 19}
	for _, u := range []struct {
		name string
		f    func(t *Tape, x *Var) *Var
		low  float32
		high float32
		tol  float64
	}{
		{"exp", (*Tape).Exp, -4, 4, 1e-6},
		{"log", (*Tape).Log, 0.1, 5, 1e-6},
		{"sqrt", (*Tape).Sqrt, 0.1, 5, 1e-6},
		{"tanh", (*Tape).Tanh, -4, 4, 1e-6},
		{"sigmoid", (*Tape).Sigmoid, -6, 6, 1e-6},
		{"relu", (*Tape).ReLU, -2, 2, 1e-6},
		{"silu", (*Tape).SiLU, -6, 6, 1e-6},
		{"softplus", (*Tape).Softplus, -9, 9, 1e-6},
		{"gelu", func(t *Tape, x *Var) *Var { return t.GELU(x, false) }, -4, 4, 1e-6},
		{"gelu_tanh", func(t *Tape, x *Var) *Var { return t.GELU(x, true) }, -4, 4, 1e-6},
		{"clamp", func(t *Tape, x *Var) *Var { return t.Clamp(x, -1, 0.5) }, -2, 2, 1e-6},
		{"scale", func(t *Tape, x *Var) *Var { return t.Scale(x, -1.7) }, 0, 0, 1e-6},
		{"neg", (*Tape).Neg, 0, 0, 1e-6},
		{"add_scalar", func(t *Tape, x *Var) *Var { return t.AddScalar(x, 0.3) }, 0, 0, 1e-6},
		{"sum", (*Tape).Sum, 0, 0, 2e-6},
		{"mean", (*Tape).Mean, 0, 0, 2e-6},
		{"row_sum", (*Tape).RowSum, 0, 0, 2e-6},
		{"softmax", (*Tape).Softmax, -3, 3, 2e-6},
		{"transpose", (*Tape).Transpose, 0, 0, 0},
		{"reshape", func(t *Tape, x *Var) *Var { return t.Mul(t.Reshape(x, 19, 3), t.Reshape(x, 19, 3)) }, 0, 0, 1e-6},
		{"dropout", func(t *Tape, x *Var) *Var { return t.Dropout(x, 0.4, 0x123456789abcdef) }, 0, 0, 1e-6},
		{"rows", func(t *Tape, x *Var) *Var { return t.Rows(x, []int32{2, 0, 2, 2}) }, 0, 0, 1e-6},
		{"embedding", func(t *Tape, x *Var) *Var { return t.Embedding(x, []int32{1, 1, 0}) }, 0, 0, 1e-6},
		{"segment_mean", func(t *Tape, x *Var) *Var { return t.SegmentMean(x, []int{2, 1}) }, 0, 0, 1e-6},
		{"reuse", func(t *Tape, x *Var) *Var { return t.Add(t.Mul(x, x), t.Scale(x, 3)) }, 0, 0, 1e-6},
		{"cross_entropy", func(t *Tape, x *Var) *Var { return t.CrossEntropy(x, []int32{5, -100, 18}, []float32{0.5, 1, 2}) }, 0, 0, 3e-6},
		{"cross_entropy_mean", func(t *Tape, x *Var) *Var { return t.CrossEntropy(x, []int32{5, -100, 18}, nil) }, 0, 0, 3e-6},
		{"final_loss", func(t *Tape, x *Var) *Var { return finalLoss(t, x) }, 0, 0, 3e-6},
		{"final_loss_in_place", func(t *Tape, x *Var) *Var { return finalLoss(t, t.Scale(x, 0.7)) }, 0, 0, 3e-6},
		{"sum_blocks", func(t *Tape, x *Var) *Var {
			return t.SumBlocks(x, 2, func(t *Tape, x *Var, lo, hi int) *Var { return t.Scale(t.Sum(t.Mul(x, x)), float32(lo+3*hi)) })
		}, 0, 0, 3e-6},
		{"nll", func(t *Tape, x *Var) *Var { return t.NLL(x, []int32{0, 7, 18}) }, 0, 0, 3e-6},
	} {
		add(gradCase{u.name, [][]int{small}, u.low, u.high, u.tol, one(u.f)})
	}
	for _, b := range []struct {
		name string
		f    func(t *Tape, a, b *Var) *Var
	}{
		{"add", (*Tape).Add}, {"sub", (*Tape).Sub}, {"mul", (*Tape).Mul}, {"div", (*Tape).Div},
		{"min", (*Tape).Min}, {"max", (*Tape).Max}, {"silu_mul", (*Tape).SiLUMul},
	} {
		add(gradCase{b.name, [][]int{small, small}, 0.5, 3, 2e-6, two(b.f)})
	}
	add(gradCase{"add_row", [][]int{{70, 21}, {21}}, 0, 0, 2e-6, two((*Tape).AddRow)})
	add(gradCase{"mul_row", [][]int{{70, 5}, {5}}, 0, 0, 2e-6, two((*Tape).MulRow)})
	add(gradCase{"mul_col", [][]int{{4, 33}, {4, 1}}, 0, 0, 2e-6, two((*Tape).MulCol)})
	add(gradCase{"concat", [][]int{{2, 7}, {3, 7}, {1, 7}}, 0, 0, 0, func(t *Tape, in []*Var) []*Var {
		return []*Var{t.Concat(in[0], in[1], in[2], in[0])}
	}})
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {17, 33, 20}} {
		m, k, n := s[0], s[1], s[2]
		add(gradCase{fmt.Sprintf("linear %d %d %d", m, k, n), [][]int{{m, k}, {n, k}, {n}}, 0, 0, 3e-6, func(t *Tape, in []*Var) []*Var {
			return []*Var{t.Linear(in[0], in[1], in[2])}
		}})
		add(gradCase{fmt.Sprintf("matmul %d %d %d", m, k, n), [][]int{{m, k}, {k, n}}, 0, 0, 3e-6, two((*Tape).MatMul)})
	}
	add(gradCase{"linear without bias", [][]int{{2, 3, 4}, {5, 4}}, 0, 0, 3e-6, two(func(t *Tape, x, w *Var) *Var { return t.Linear(x, w, nil) })})
	add(gradCase{"linear nf4", [][]int{{3, 10}}, 0, 0, 3e-6, one(func(t *Tape, x *Var) *Var { return t.LinearNF4(x, testNF4(t.e, 13, 10)) })})
	add(gradCase{"dequant nf4", [][]int{{13, 10}}, 0, 0, 1e-6, one(func(t *Tape, x *Var) *Var { return t.Mul(x, t.DequantNF4(testNF4(t.e, 13, 10))) })})
	for _, s := range [][2]int{{3, 20}, {66, 8}} {
		n, c := s[0], s[1]
		add(gradCase{fmt.Sprintf("rms_norm %d %d", n, c), [][]int{{n, c}, {c}}, 0, 0, 5e-6, two(func(t *Tape, x, g *Var) *Var { return t.RMSNorm(x, g, 1e-5) })})
		add(gradCase{fmt.Sprintf("rms_norm plus one %d %d", n, c), [][]int{{n, c}, {c}}, 0, 0, 5e-6, two(func(t *Tape, x, g *Var) *Var { return t.RMSNormPlusOne(x, g, 1e-5) })})
		add(gradCase{fmt.Sprintf("layer_norm %d %d", n, c), [][]int{{n, c}, {c}, {c}}, 0, 0, 5e-6, func(t *Tape, in []*Var) []*Var {
			return []*Var{t.LayerNorm(in[0], in[1], in[2], 1e-5)}
		}})
	}
	add(gradCase{"rope", [][]int{{5, 24}}, 0, 0, 1e-6, one(func(t *Tape, x *Var) *Var {
		return t.Rope(x, []int32{0, 3, 7, 1, 300}, 3, 8, []float32{1, 0.3, 0.1, 0.02})
	})})
	add(gradCase{"partial rope", [][]int{{5, 24}}, 0, 0, 1e-6, one(func(t *Tape, x *Var) *Var {
		return t.RopeScaled(x, []int32{0, 3, 7, 1, 300}, 3, 8, []float32{1, 0.1}, 1.3)
	})})
	add(gradCase{"log_prob", [][]int{{4, 21}}, 0, 0, 5e-6, func(t *Tape, in []*Var) []*Var {
		a, b := t.LogProb(in[0], []int32{3, 20, -1, 0}, 0.7)
		return []*Var{a, b}
	}})
	for _, s := range []struct {
		name string
		AttnSpec
		p int // of the bias; 0: none
	}{
		{"causal", AttnSpec{Heads: 4, KVHeads: 2, HeadDim: 5, SeqLens: []int{3, 1, 7}, Causal: true}, 0},
		{"full", AttnSpec{Heads: 2, HeadDim: 16, SeqLens: []int{6, 5}}, 0},
		{"long", AttnSpec{Heads: 1, HeadDim: 8, SeqLens: []int{70}, Causal: true}, 0},
		{"window", AttnSpec{Heads: 4, KVHeads: 2, HeadDim: 5, SeqLens: []int{3, 1, 7}, Causal: true, Left: 3}, 0},
		{"window to both sides", AttnSpec{Heads: 2, KVHeads: 2, HeadDim: 4, SeqLens: []int{9, 5}, Left: 3, Right: 2}, 0},
		{"capped", AttnSpec{Heads: 2, KVHeads: 1, HeadDim: 4, SeqLens: []int{5, 3}, Causal: true, SoftCap: 1.5, Scale: 0.8}, 0},
		{"bias", AttnSpec{Heads: 2, KVHeads: 1, HeadDim: 4, SeqLens: []int{5, 2, 6}, SoftCap: 2}, 7},
		{"long with window, cap and bias", AttnSpec{Heads: 2, KVHeads: 1, HeadDim: 2, SeqLens: []int{67, 2}, Left: 4, Right: 2, SoftCap: 2}, 67},
	} {
		n := 0
		for _, l := range s.SeqLens {
			n += l
		}
		kv := s.defaults().KVHeads * s.HeadDim
		shapes := [][]int{{n, s.Heads * s.HeadDim}, {n, kv}, {n, kv}}
		if s.p > 0 {
			shapes = append(shapes, []int{s.Heads, 2*s.p - 1})
		}
		add(gradCase{"attention " + s.name, shapes, 0, 0, 5e-6, func(t *Tape, in []*Var) []*Var {
			spec := s.AttnSpec
			if s.p > 0 {
				spec.Bias = in[3]
			}
			return []*Var{t.Attention(in[0], in[1], in[2], spec)}
		}})
	}
	add(gradCase{"attention after a prefix", [][]int{{9, 12}, {9, 6}, {9, 6}, {2, 6}}, 0, 0, 5e-6, func(t *Tape, in []*Var) []*Var {
		keys := []int32{0, 1, 2, 3, 4, 0, 1, 5, 6, 7, 8, 9, 10} // two sequences of 3 and 6 after the same two keys
		k, v := t.Rows(t.Concat(in[3], in[1]), keys), t.Rows(t.Concat(t.Scale(in[3], 2), in[2]), keys)
		return []*Var{t.Attention(in[0], k, v, AttnSpec{Heads: 4, KVHeads: 2, HeadDim: 3, SeqLens: []int{3, 6}, KVLens: []int{5, 8}, Causal: true})}
	}})
	add(gradCase{"custom", [][]int{{3, 2}}, 0, 0, 1e-6, one(func(t *Tape, x *Var) *Var {
		// linear, so that the float32 host copy does not limit the finite difference
		return t.Add(t.Custom("zero", x.Shape(), make([]float32, x.Len()), []*Var{x}, func(d []float32) [][]float32 {
			return [][]float32{make([]float32, len(d))}
		}), x)
	})})
	return cs
}

// testNF4 is a small random NF4 weight, the same on every engine.
func testNF4(e compute.Engine, out, in int) *NF4 {
	r := rand.New(rand.NewPCG(5, 6))
	codes, absmax := make([]uint8, (out*in+1)/2), make([]float32, (out*in+63)/64)
	for i := range codes {
		codes[i] = uint8(r.UintN(256))
	}
	for i := range absmax {
		absmax[i] = 0.5 + r.Float32()
	}
	w := &NF4{Out: out, In: in, Codes: compute.NewTensor(e, compute.U8, len(codes)), Absmax: compute.FromFloats(e, absmax, len(absmax))}
	e.Upload(w.Codes.Buf, codes)
	return w
}
