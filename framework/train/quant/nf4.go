package quant

import (
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

// BlockSize is the number of values that share a scale.
const BlockSize = 64

// NF4 is a quantised weight.
type NF4 struct {
	Len    int       // values
	Codes  []byte    // (Len+1)/2: two codes a byte, the first in the high nibble
	Absmax []float32 // (Len+63)/64: the scale of each block; nil once nested
	Nested *Nested   // the scales in 8 bits; nil before Nest
}

// zeroCode is the code of 0, which fills the last nibble of an odd number of
// values and every value of a block of zeros.
const zeroCode = 7

// bounds[i] lies between codes i and i+1; a value above it, strictly, takes the
// code above (csrc/kernels.cu, dQuantizeNF4).
var bounds = midpoints(compute.NF4Table[:])

// midpoints of a sorted code book, in float32 as torch computes them.
func midpoints(codes []float32) []float32 {
	out := make([]float32, len(codes)-1)
	for i := range out {
		out[i] = (codes[i] + codes[i+1]) / 2
	}
	return out
}

// nearest counts the bounds below x: the code of x.
func nearest(bounds []float32, x float32) byte {
	lo, hi := 0, len(bounds)
	for lo < hi {
		mid := (lo + hi) / 2
		if bounds[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return byte(lo)
}

// Quantise encodes values, row-major, to NF4 with exact float32 scales.
func Quantise(values []float32) *NF4 {
	n := len(values)
	w := &NF4{Len: n, Codes: make([]byte, (n+1)/2)}
	var codes []byte
	codes, w.Absmax = blockwise(values, BlockSize, bounds)
	if n%2 == 1 {
		codes = append(codes, zeroCode)
	}
	for i := range w.Codes {
		w.Codes[i] = codes[2*i]<<4 | codes[2*i+1]
	}
	return w
}

// blockwise scales each block of values by its largest magnitude and codes the
// result. Whole blocks are multiplied by the scale's reciprocal and a shorter
// last one is divided by it, since that is what bitsandbytes does; the scale
// of a whole block of zeros is 0, of a short one 1e-38.
func blockwise(values []float32, size int, bounds []float32) (codes []byte, absmax []float32) {
	const least = 1e-38
	codes = make([]byte, len(values))
	for at := 0; at < len(values); at += size {
		block := values[at:min(at+size, len(values))]
		top := float32(0)
		for _, v := range block {
			top = max(top, float32(math.Abs(float64(v))))
		}
		whole := len(block) == size
		inverse := 1 / max(top, least)
		if !whole {
			top = max(top, least)
		}
		for i, v := range block {
			x := v / top
			if whole {
				x = v * inverse
			}
			codes[at+i] = nearest(bounds, min(max(x, -1), 1))
		}
		absmax = append(absmax, top)
	}
	return codes, absmax
}

// Scales are the blocks' scales as dequantising uses them: exact, or restored
// from the nested form.
func (w *NF4) Scales() []float32 {
	if w.Nested == nil {
		return w.Absmax
	}
	return w.Nested.scales()
}

// Dequantise gives the values that the codes stand for.
func (w *NF4) Dequantise() []float32 {
	scales := w.Scales()
	out := make([]float32, w.Len)
	for i := range out {
		c := w.Codes[i/2] >> 4
		if i%2 == 1 {
			c = w.Codes[i/2] & 15
		}
		out[i] = compute.NF4Table[c] * scales[i/BlockSize]
	}
	return out
}

// Bytes is the size of codes and scales as stored.
func (w *NF4) Bytes() int64 {
	n := int64(len(w.Codes))
	if w.Nested != nil {
		return n + int64(len(w.Nested.Codes)) + 4*int64(len(w.Nested.Absmax)) + 4
	}
	return n + 4*int64(len(w.Absmax))
}
