package autograd

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

// Rope turns pairs of channels by an angle that grows with the position (Su et
// al. 2021, arXiv:2104.09864), in the half-rotation form of Hugging Face: among
// the first R = 2 len(invFreq) channels of a head, channel j pairs with j + R/2;
// the others pass unchanged (partial rotary). x [N, heads*headDim], pos [N] from
// 0, invFreq [R/2] in radians per position.
func (t *Tape) Rope(x *Var, pos []int32, heads, headDim int, invFreq []float32) *Var {
	return t.RopeScaled(x, pos, heads, headDim, invFreq, 1)
}

// RopeScaled is Rope with the turned channels multiplied by factor (the
// attention factor of YaRN; Peng et al. 2023, arXiv:2309.00071, section 3.4).
func (t *Tape) RopeScaled(x *Var, pos []int32, heads, headDim int, invFreq []float32, factor float32) *Var {
	x.live("Rope")
	t.must(len(invFreq) > 0 && 2*len(invFreq) <= headDim, "Rope", fmt.Sprintf("needs at least one frequency and no more than half the head width, got %d and %d", len(invFreq), headDim), x)
	t.must(x.cols() == heads*headDim && len(pos) == x.rows(), "Rope", fmt.Sprintf("needs x [N,%d] and N positions, got %d", heads*headDim, len(pos)), x)
	last := int32(0)
	for _, p := range pos {
		last = max(last, p)
	}
	checkIndices("Rope", pos, 0, int(last)+1)
	tab, pb := ropeAngles(t.e, invFreq, factor, int(last)+1), t.ints(pos)
	n, h, d, p, r := int64(x.rows()), int64(heads), int64(headDim), int64(tab.positions), int64(2*len(invFreq))
	y := t.alloc(x.shape)
	t.run(compute.Rope, bufs{x.buf, pb, tab.cos, tab.sin, y.buf}, []int64{n, h, d, 1, 0, p, r}, nil)
	return t.node(y, func() {
		dst, acc := x.dstAcc()
		t.run(compute.Rope, bufs{y.grad, pb, tab.cos, tab.sin, dst}, []int64{n, h, d, -1, acc, p, r}, nil)
	}, x)
}

type ropeTable struct {
	positions int
	cos, sin  compute.Buffer
}

// ropeAngles keeps one table for each set of frequencies and power of two of
// positions on the engine. The angle is the float32 product that Hugging Face
// computes, its cosine is taken in float64; both tables are times factor.
func ropeAngles(e compute.Engine, invFreq []float32, factor float32, positions int) ropeTable {
	size := 256
	for size < positions {
		size *= 2
	}
	key := make([]byte, 0, 16+4*len(invFreq))
	key = fmt.Appendf(key, "rope %d %x ", size, math.Float32bits(factor))
	for _, f := range invFreq {
		b := math.Float32bits(f)
		key = append(key, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
	}
	return e.Memo(string(key), func() any {
		c, s := make([]float32, size*len(invFreq)), make([]float32, size*len(invFreq))
		for p := 0; p < size; p++ {
			for j, f := range invFreq {
				angle := float64(float32(p) * f)
				c[p*len(invFreq)+j], s[p*len(invFreq)+j] = float32(math.Cos(angle))*factor, float32(math.Sin(angle))*factor
			}
		}
		tab := ropeTable{size, e.Alloc(compute.F32, len(c)), e.Alloc(compute.F32, len(s))}
		e.Upload(tab.cos, c)
		e.Upload(tab.sin, s)
		return tab
	}).(ropeTable)
}
