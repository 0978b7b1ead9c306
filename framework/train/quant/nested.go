package quant

import (
	"math"
	"slices"
)

// NestedBlock is the number of scales that share a second-level scale.
const NestedBlock = 256

// Nested is a list of scales in 8 bits.
type Nested struct {
	Codes  []byte    // one a scale, an index into Map
	Absmax []float32 // second-level scale of each 256
	Offset float32   // mean of the scales, taken off before coding
}

// Map is the dynamic 8-bit code book, ascending: a sign, an exponent of up to
// seven bits in unary, the rest a linear fraction (Dettmers 2016, 8-Bit
// Approximations for Parallelism in Deep Learning, section 2; bitsandbytes
// functional.py, create_dynamic_map with signed=True).
var Map = dynamicMap()

func dynamicMap() []float32 {
	out := []float32{0, 1}
	for i := range 7 {
		items := 1 << i
		power := float32(math.Pow(10, float64(i-6)))
		boundary := linspace(0.1, 1, items+1)
		for j := range items {
			v := power * ((boundary[j] + boundary[j+1]) / 2)
			out = append(out, v, -v)
		}
	}
	slices.Sort(out)
	return out
}

// linspace follows torch.linspace in float32: the first half counts up from
// the start, the second half down from the end, with one rounding each.
func linspace(start, end float32, steps int) []float32 {
	step := float64((end - start) / float32(steps-1))
	out := make([]float32, steps)
	for i := range out {
		if i < steps/2 {
			out[i] = float32(float64(start) + step*float64(i))
		} else {
			out[i] = float32(float64(end) - step*float64(steps-1-i))
		}
	}
	return out
}

var nestedBounds = midpoints(Map)

// Nest puts the scales into 8 bits. The offset, their mean, is summed in
// float64 in order: torch's sum depends on its number of threads, and its last
// bit with it.
func (w *NF4) Nest() {
	sum := 0.0
	for _, v := range w.Absmax {
		sum += float64(v)
	}
	w.nestAt(float32(sum / float64(max(len(w.Absmax), 1))))
}

func (w *NF4) nestAt(offset float32) {
	centred := make([]float32, len(w.Absmax))
	for i, v := range w.Absmax {
		centred[i] = v - offset
	}
	codes, absmax := blockwise(centred, NestedBlock, nestedBounds)
	w.Nested, w.Absmax = &Nested{Codes: codes, Absmax: absmax, Offset: offset}, nil
}

func (n *Nested) scales() []float32 {
	out := make([]float32, len(n.Codes))
	for i, c := range n.Codes {
		out[i] = float32(Map[c]*n.Absmax[i/NestedBlock]) + n.Offset
	}
	return out
}
