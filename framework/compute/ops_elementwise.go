package compute

type sizes = func(i *[MaxInts]int64, n *[MaxBufs]int64)
type work = func(i *[MaxInts]int64) int64

// same gives every buffer n elements.
func same(bufs int) sizes {
	return func(i *[MaxInts]int64, n *[MaxBufs]int64) {
		for k := 0; k < bufs; k++ {
			n[k] = i[0]
		}
	}
}

func perElement(flops int64) work {
	return func(i *[MaxInts]int64) int64 { return flops * i[0] }
}

func unary(name, doc string, flops int64, floats ...string) *Op {
	return RegisterOp(Op{Name: name, Doc: doc, Ints: []string{"n"}, Floats: floats,
		Bufs:  []Arg{{"x", F32, In}, {"y", F32, Out}},
		Sizes: same(2), Work: perElement(flops)})
}

func unaryGrad(name, doc string, flops int64, floats ...string) *Op {
	return RegisterOp(Op{Name: name, Doc: doc, Ints: []string{"n"}, Floats: floats,
		Bufs:  []Arg{{"x", F32, In}, {"y", F32, In}, {"dy", F32, In}, {"dx", F32, InOut}},
		Sizes: same(4), Work: perElement(flops)})
}

func binary(name, doc string) *Op {
	return RegisterOp(Op{Name: name, Doc: doc, Ints: []string{"n"},
		Bufs:  []Arg{{"a", F32, In}, {"b", F32, In}, {"y", F32, Out}},
		Sizes: same(3), Work: perElement(1)})
}

func binaryGrad(name, doc string, flops int64) *Op {
	return RegisterOp(Op{Name: name, Doc: doc, Ints: []string{"n"},
		Bufs: []Arg{{"a", F32, In}, {"b", F32, In}, {"dy", F32, In},
			{"da", F32, InOut | Optional}, {"db", F32, InOut | Optional}},
		Sizes: same(5), Work: perElement(flops)})
}

// Unary ops: y = f(x), and dx += dy f'(x). The gradient kernels may use x or y.
var (
	Exp          = unary("exp", "y = e^x", 10)
	ExpGrad      = unaryGrad("exp_grad", "dx += dy y", 2)
	Log          = unary("log", "y = ln x", 10)
	LogGrad      = unaryGrad("log_grad", "dx += dy / x", 2)
	Sqrt         = unary("sqrt", "y = x^(1/2)", 1)
	SqrtGrad     = unaryGrad("sqrt_grad", "dx += dy / (2 y)", 3)
	Tanh         = unary("tanh", "y = tanh x", 12)
	TanhGrad     = unaryGrad("tanh_grad", "dx += dy (1 - y^2)", 4)
	Sigmoid      = unary("sigmoid", "y = 1 / (1 + e^-x)", 12)
	SigmoidGrad  = unaryGrad("sigmoid_grad", "dx += dy y (1 - y)", 4)
	ReLU         = unary("relu", "y = max(x, 0)", 1)
	ReLUGrad     = unaryGrad("relu_grad", "dx += dy where x > 0", 2)
	SiLU         = unary("silu", "y = x sigmoid(x) (Elfwing et al. 2017, arXiv:1702.03118)", 13)
	SiLUGrad     = unaryGrad("silu_grad", "dx += dy s (1 + x (1 - s)), s = sigmoid(x)", 17)
	Softplus     = unary("softplus", "y = ln(1 + e^x), computed as max(x, 0) + ln(1 + e^-|x|)", 22)
	SoftplusGrad = unaryGrad("softplus_grad", "dx += dy sigmoid(x)", 14)
	GELU         = unary("gelu", "y = x Phi(x), Phi the normal distribution function by erf (Hendrycks and Gimpel 2016, arXiv:1606.08415)", 24)
	GELUGrad     = unaryGrad("gelu_grad", "dx += dy (Phi(x) + x phi(x))", 38)
	GELUTanh     = unary("gelu_tanh", "y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the form of GPT-2 (Hendrycks and Gimpel 2016)", 20)
	GELUTanhGrad = unaryGrad("gelu_tanh_grad", "dx += dy times the derivative of gelu_tanh", 28)
	Clamp        = unary("clamp", "y = min(max(x, lo), hi)", 2, "lo", "hi")
	ClampGrad    = unaryGrad("clamp_grad", "dx += dy where lo <= x <= hi", 3, "lo", "hi")
	Scale        = unary("scale", "y = s x + c", 2, "s", "c")
)

// Binary ops over equal shapes. The gradients of add and sub are axpy calls.
var (
	Add     = binary("add", "y = a + b")
	Sub     = binary("sub", "y = a - b")
	Mul     = binary("mul", "y = a b")
	MulGrad = binaryGrad("mul_grad", "da += dy b; db += dy a", 4)
	Div     = binary("div", "y = a / b")
	DivGrad = binaryGrad("div_grad", "da += dy / b; db -= dy a / b^2", 6)
	Min     = binary("min", "y = min(a, b)")
	MinGrad = binaryGrad("min_grad", "dy goes to the smaller, half each where equal (as torch)", 4)
	Max     = binary("max", "y = max(a, b)")
	MaxGrad = binaryGrad("max_grad", "dy goes to the larger, half each where equal (as torch)", 4)
)

// Plumbing.
var (
	Fill = RegisterOp(Op{Name: "fill", Doc: "y = v", Ints: []string{"n"}, Floats: []string{"v"},
		Bufs: []Arg{{"y", F32, Out}}, Sizes: same(1), Work: perElement(0)})
	Axpy = RegisterOp(Op{Name: "axpy", Doc: "y += s x", Ints: []string{"n"}, Floats: []string{"s"},
		Bufs: []Arg{{"x", F32, In}, {"y", F32, InOut}}, Sizes: same(2), Work: perElement(2)})
	Copy = RegisterOp(Op{Name: "copy", Doc: "y[yo:yo+n] = x[xo:xo+n], or += when acc is 1", AtLeast: true,
		Ints: []string{"n", "xo", "yo", "acc"},
		Bufs: []Arg{{"x", F32, In}, {"y", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) {
			n[0], n[1] = i[0]+i[1], i[0]+i[2]
		}, Work: func(i *[MaxInts]int64) int64 { return i[0] * i[3] }})
	Dropout = RegisterOp(Op{Name: "dropout",
		Doc: "y = x / (1-p) where the hash of (key, index) is at least p 2^32, else 0; += when acc is 1. " +
			"The mask is Mix32 of the index, see MaskBits: the same bits on every engine and number of threads. " +
			"keylo and keyhi are the halves of the 64-bit key.",
		Ints: []string{"n", "keylo", "keyhi", "acc"}, Floats: []string{"p"},
		Bufs: []Arg{{"x", F32, In}, {"y", F32, InOut}}, Sizes: same(2), Work: perElement(8)})
	SiLUMul = RegisterOp(Op{Name: "silu_mul", Doc: "y = silu(g) u, the gate of SwiGLU (Shazeer 2020, arXiv:2002.05202)", Ints: []string{"n"},
		Bufs: []Arg{{"g", F32, In}, {"u", F32, In}, {"y", F32, Out}}, Sizes: same(3), Work: perElement(14)})
	SiLUMulGrad = RegisterOp(Op{Name: "silu_mul_grad", Doc: "dg += dy u silu'(g); du += dy silu(g)", Ints: []string{"n"},
		Bufs:  []Arg{{"g", F32, In}, {"u", F32, In}, {"dy", F32, In}, {"dg", F32, InOut | Optional}, {"du", F32, InOut | Optional}},
		Sizes: same(5), Work: perElement(20)})
)

// MaskBits is the 32-bit hash behind Dropout: element index of the mask with
// the 64-bit key. An element is kept when MaskBits >= uint32(p * 2^32).
func MaskBits(key uint64, index uint32) uint32 {
	h := index ^ uint32(key)
	h ^= h >> 16
	h *= 0x7feb352d
	h ^= h >> 15
	h *= 0x846ca68b
	h ^= h >> 16
	h += uint32(key >> 32)
	h ^= h >> 16
	h *= 0x7feb352d
	h ^= h >> 15
	h *= 0x846ca68b
	h ^= h >> 16
	return h
}
