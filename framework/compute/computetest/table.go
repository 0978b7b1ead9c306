package computetest

import "github.com/tunelab/tunelab/framework/compute"

// check is one op's row: how close engines must be, and on what.
type check struct {
	// tol is the largest difference to ref, relative to the largest element or to 1.(or to 1).
	tol float64
	// low and high bound the uniform F32 inputs; equal means normal.
	low, high float32
	// cases are the integer arguments; floats go with all of them, and those of
	// more too, one row after the other.
	cases  [][]int64
	floats []float64
	more   [][]float64
	// indices fills the I32 buffers.
	indices func(i []int64) []int32
	// forward is run first, so that saved values (softmax denominators) fit.
	forward *compute.Op
	// pairs says which argument of forward is which of the op.
	pairs [][2]int
}

var flat = [][]int64{{1}, {16}, {37}, {5000}}
var matrix = [][]int64{{1, 1}, {3, 19}, {130, 48}, {67, 130}}

func unary(tol float64, low, high float32, floats ...float64) check {
	return check{tol: tol, low: low, high: high, cases: flat, floats: floats}
}

func byRow(tol float64, floats ...float64) check {
	return check{tol: tol, cases: matrix, floats: floats}
}

func targets(i []int64) []int32 {
	t := make([]int32, i[0])
	for k := range t {
		t[k] = int32((int64(k)*7+3)%(i[1]+1)) - 1 // -1 among them
	}
	return t
}

// repeated are N row indices below R with repeats; distinct are without.
func repeated(i []int64) []int32 {
	t := make([]int32, i[0])
	for k := range t {
		t[k] = int32(int64(k) * 5 % i[2])
	}
	return t
}

func distinct(i []int64) []int32 {
	t := make([]int32, i[0])
	for k := range t {
		t[k] = int32(i[2] - 1 - int64(k))
	}
	return t
}

func starts(i []int64) []int32 {
	t := make([]int32, i[2]+1)
	for k := range t {
		t[k] = int32(int64(k) * i[0] / i[2])
	}
	return t
}

// segments: S sequences over N queries; keys lie at the same places, or with
// NK > N (a cache) at the end of equal slots.
func segments(i []int64) []int32 {
	n, s, nk := i[0], i[4], i[7]
	var t []int32
	for k := int64(0); k < s; k++ {
		a, b := k*n/s, (k+1)*n/s
		if nk == n {
			t = append(t, int32(a), int32(b-a), int32(a), int32(b-a))
		} else {
			t = append(t, int32(a), int32(b-a), int32(k*(nk/s)), int32(nk/s-2))
		}
	}
	return t
}

func positions(i []int64) []int32 {
	t := make([]int32, i[0])
	for k := range t {
		t[k] = int32(int64(k) * 3 % i[5])
	}
	return t
}

var products = [][]int64{
	{1, 1, 1, 0, 0, 0}, {5, 7, 3, 0, 1, 1}, {17, 33, 20, 1, 0, 0}, {64, 70, 400, 0, 0, 1}, {30, 17, 800, 1, 0, 1},
	{29, 450, 65, 0, 1, 0}, {1, 0, 5, 0, 1, 0}, {2, 17, 0, 0, 1, 1}, {1, 67, 797, 0, 1, 1}, {1, 7, 13, 0, 1, 0},
	{2, 33, 389, 0, 1, 1}, {3, 97, 8, 0, 1, 0}, {4, 31, 23, 0, 1, 1}, {5, 80, 401, 0, 1, 0}, {11, 19, 64, 0, 1, 1}, {12, 129, 770, 0, 1, 0}, {13, 67, 390, 0, 1, 0}, {1, 130, 64, 0, 1, 0}, {96, 1, 50, 1, 1, 0}, {15, 40, 31, 1, 1, 1},
}

// Integers of attention: N H KV D S causal K2 NK left right P.
var packed = [][]int64{
	{1, 1, 1, 4, 1, 1, 1, 1}, {11, 4, 2, 5, 3, 1, 50, 11}, {20, 2, 2, 16, 2, 0, 200, 20}, {150, 2, 1, 24, 1, 1, 11325, 150}, {130, 2, 1, 8, 2, 0, 8450, 130},
	{20, 2, 1, 6, 2, 1, 70, 20, 4}, {150, 2, 2, 8, 1, 0, 3000, 150, 20, 3, 150}, {140, 2, 1, 8, 2, 0, 9800, 140, 0, 0, 71}, {20, 4, 2, 5, 3, 1, 60, 20, 3, 0, 9},
}

// table has a row for every op.
var table = map[string]check{
	"exp": unary(5e-7, -9, 9), "exp_grad": unary(5e-7, 0, 0),
	"log": unary(5e-7, 0.01, 50), "log_grad": unary(5e-7, 0.1, 5),
	"sqrt": unary(5e-7, 0, 9), "sqrt_grad": unary(5e-7, 0.1, 5),
	"tanh": unary(5e-7, -5, 5), "tanh_grad": unary(5e-7, -1, 1),
	"sigmoid": unary(5e-7, -9, 9), "sigmoid_grad": unary(5e-7, 0, 1),
	"relu": unary(0, -2, 2), "relu_grad": unary(5e-7, -2, 2),
	"silu": unary(5e-7, -9, 9), "silu_grad": unary(2e-6, -9, 9),
	"softplus": unary(5e-7, -9, 9), "softplus_grad": unary(5e-7, -9, 9),
	"gelu": unary(5e-7, -5, 5), "gelu_grad": unary(1e-6, -5, 5),
	"gelu_tanh": unary(5e-7, -5, 5), "gelu_tanh_grad": unary(1e-6, -5, 5),
	"clamp": unary(5e-7, -2, 2, -0.5, 1), "clamp_grad": unary(5e-7, -2, 2, -0.5, 1),
	"scale": unary(5e-7, 0, 0, -1.3, 0.2), "fill": unary(5e-7, 0, 0, 0.7), "axpy": unary(5e-7, 0, 0, -0.7),
	"add": unary(5e-7, 0, 0), "sub": unary(5e-7, 0, 0), "mul": unary(5e-7, 0, 0), "mul_grad": unary(5e-7, 0, 0),
	"div": unary(5e-7, 0.5, 2), "div_grad": unary(5e-7, 0.5, 2),
	"min": unary(0, 0, 0), "min_grad": unary(5e-7, 0, 0), "max": unary(0, 0, 0), "max_grad": unary(5e-7, 0, 0),
	"silu_mul": unary(5e-7, -4, 4), "silu_mul_grad": unary(1e-6, -4, 4),
	"sum": unary(1e-6, 0, 0), "sum_grad": unary(5e-7, 0, 0), "sum_squares": unary(1e-6, 0, 0),
	"copy":    {tol: 5e-7, cases: [][]int64{{5, 0, 0, 0}, {37, 3, 7, 0}, {37, 3, 7, 1}}},
	"dropout": {tol: 5e-7, cases: [][]int64{{16, 1, 2, 0}, {5000, 77, 4000000000, 1}}, floats: []float64{0.3}},
	"adamw":   unary(1e-6, 0.01, 1, 1e-2, 0.9, 0.999, 1e-8, 0.1, 0.1, 0.001, 0.5),

	"gemm":          {tol: 2e-6, cases: products},
	"gemm_bf16":     {tol: 2e-6, cases: products},
	"gemm_nf4_bf16": {tol: 2e-6, cases: [][]int64{{1, 13, 10, 1, 0}, {20, 64, 48, 1, 0}, {20, 48, 64, 0, 1}, {3, 70, 800, 1, 1}}},
	"gemm_nf4": {tol: 2e-6, cases: [][]int64{{1, 13, 10, 1, 0}, {20, 64, 48, 1, 0}, {20, 48, 64, 0, 1},
		{1, 0, 64, 1, 0}, {1, 97, 448, 1, 1}, {2, 67, 64, 1, 0}, {3, 31, 401, 1, 1}, {5, 49, 832, 1, 0}, {12, 64, 384, 1, 1}, {13, 83, 512, 1, 0}, {1, 96, 70, 0, 0}, {33, 79, 31, 0, 1}, {17, 37, 449, 1, 0}, {15, 450, 64, 0, 0}},
		low: -1, high: 1},
	"dequant_nf4": unary(5e-7, 0, 0),
	"transpose":   {tol: 5e-7, cases: [][]int64{{1, 1, 0}, {20, 35, 0}, {35, 20, 1}}},
	"attention": {tol: 3e-6, cases: append([][]int64{{4, 4, 2, 8, 4, 1, 36, 44}, {6, 2, 2, 6, 2, 1, 60, 40}, {6, 2, 2, 6, 2, 1, 24, 40, 4}}, packed...),
		floats: []float64{0.3}, more: [][]float64{{0.5, 2}}, indices: segments},
	"attention_grad": {tol: 5e-6, cases: packed, floats: []float64{0.3}, more: [][]float64{{0.5, 2}}, indices: segments,
		forward: compute.Attention, pairs: [][2]int{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 10}}},
	"rope": {tol: 5e-7, cases: [][]int64{{1, 1, 2, 1, 0, 4}, {9, 3, 10, -1, 1, 50}, {40, 2, 32, 1, 0, 100}, {9, 3, 10, -1, 1, 50, 4}, {40, 2, 48, 1, 0, 100, 12}}, indices: positions},

	"add_row": byRow(5e-7), "mul_row": byRow(5e-7), "mul_col": byRow(5e-7), "col_sum": byRow(2e-6), "row_sum": byRow(2e-6),
	"mul_row_grad": byRow(2e-6), "mul_col_grad": byRow(2e-6), "row_sum_grad": byRow(5e-7),
	"softmax": byRow(2e-6), "softmax_grad": byRow(3e-6),
	"rms_norm": {tol: 2e-6, cases: matrix, floats: []float64{1e-5}, more: [][]float64{{1e-5, 1}}}, "rms_norm_grad": {tol: 5e-6, cases: matrix, more: [][]float64{{1}}},
	"layer_norm": {tol: 5e-6, cases: [][]int64{{3, 19}, {130, 48}, {67, 130}}, floats: []float64{1e-5}}, "layer_norm_grad": byRow(5e-6),

	"gather_rows":      {cases: [][]int64{{1, 1, 1}, {30, 19, 7}, {50, 80, 60}}, indices: repeated},
	"scatter_add_rows": {tol: 1e-6, cases: [][]int64{{1, 1, 1}, {30, 19, 7}, {50, 80, 60}}, indices: repeated},
	"put_rows":         {cases: [][]int64{{1, 1, 1}, {5, 19, 7}, {50, 80, 60}}, indices: distinct},
	"segment_mean":     {tol: 1e-6, cases: [][]int64{{1, 1, 1}, {30, 19, 4}, {200, 40, 9}}, indices: starts}, "segment_mean_grad": {tol: 1e-6, cases: [][]int64{{1, 1, 1}, {30, 19, 4}, {200, 40, 9}}, indices: starts},

	"nll": {tol: 1e-6, cases: matrix, indices: targets},
	"nll_grad": {tol: 3e-6, cases: matrix, indices: targets,
		forward: compute.NLL, pairs: [][2]int{{0, 0}, {1, 1}, {3, 2}}},
	"cross_entropy": {tol: 3e-6, cases: matrix, indices: targets},
	"log_prob":      {tol: 2e-6, cases: matrix, floats: []float64{0.7}, indices: targets},
	"log_prob_grad": {tol: 5e-6, cases: matrix, floats: []float64{0.7}, indices: targets,
		forward: compute.LogProb, pairs: [][2]int{{0, 0}, {1, 1}, {3, 2}, {4, 3}}},
}
