package compute

// Matrix products. op(A) is A or its transpose.
var (
	// Gemm: with ta = 0 A is [M,K], with ta = 1 it is stored [K,M]; with tb = 0 B
	// is [K,N], with tb = 1 it is stored [N,K].
	Gemm = RegisterOp(Op{Name: "gemm",
		Doc: "C[M,N] = op(A) op(B) + bias[N], or += when acc is 1. Every element is a chain of FMAs over K in " +
			"blocks of 384 whose sums are added in order, so that the bits depend on neither threads nor vector width.",
		Ints: []string{"M", "N", "K", "ta", "tb", "acc"},
		Bufs: []Arg{{"a", F32, In}, {"b", F32, In}, {"bias", F32, In | Optional}, {"c", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) {
			n[0], n[1], n[2], n[3] = i[0]*i[2], i[2]*i[1], i[1], i[0]*i[1]
		},
		Work: func(i *[MaxInts]int64) int64 { return 2 * i[0] * i[1] * i[2] }})

	// GemmNF4: W is [out,in] = [N,K] for tb = 1 (forward) and [K,N] for tb = 0
	// (gradient to x), always as stored.
	GemmNF4 = RegisterOp(Op{Name: "gemm_nf4",
		Doc: "C[M,N] = A[M,K] op(W) + bias[N], or += when acc is 1, with W in NF4 (Dettmers et al. 2023, arXiv:2305.14314; " +
			"layout of bitsandbytes): codes hold two elements a byte, the first in the high nibble; absmax one scale per 64 elements.",
		Ints: []string{"M", "N", "K", "tb", "acc"},
		Bufs: []Arg{{"a", F32, In}, {"codes", U8, In}, {"absmax", F32, In}, {"bias", F32, In | Optional}, {"c", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) {
			w := i[1] * i[2]
			n[0], n[1], n[2], n[3], n[4] = i[0]*i[2], (w+1)/2, (w+63)/64, i[1], i[0]*i[1]
		},
		Work: func(i *[MaxInts]int64) int64 { return 2*i[0]*i[1]*i[2] + i[1]*i[2] }})

	// GemmBF16 and GemmNF4BF16 are Gemm and GemmNF4 with both operands rounded to
	// bf16 (to nearest even) and f32 sums.
	GemmBF16 = RegisterOp(Op{Name: "gemm_bf16",
		Doc: "gemm of operands rounded to bf16, with sums in f32 in the order of AMX's TDPBF16PS: in every 32 terms of K the even " +
			"ones are a chain of FMAs and the odd ones another; blocks of 768 terms are added in order; subnormal numbers count as zero.",
		Ints: Gemm.Ints, Bufs: Gemm.Bufs, Sizes: Gemm.Sizes, Work: Gemm.Work})
	GemmNF4BF16 = RegisterOp(Op{Name: "gemm_nf4_bf16", Doc: "gemm_nf4 with the arithmetic of gemm_bf16: the weights are rounded to bf16 too.",
		Ints: GemmNF4.Ints, Bufs: GemmNF4.Bufs, Sizes: GemmNF4.Sizes, Work: GemmNF4.Work})

	// DequantNF4 writes the float weights of an NF4 matrix of n elements.
	DequantNF4 = RegisterOp(Op{Name: "dequant_nf4", Doc: "y[i] = table[code i] absmax[i/64]", Ints: []string{"n"},
		Bufs:  []Arg{{"codes", U8, In}, {"absmax", F32, In}, {"y", F32, Out}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1], n[2] = (i[0]+1)/2, (i[0]+63)/64, i[0] },
		Work:  perElement(1)})

	Transpose = RegisterOp(Op{Name: "transpose", Doc: "y[C,R] = x[R,C] transposed, or += when acc is 1", Ints: []string{"R", "C", "acc"},
		Bufs:  []Arg{{"x", F32, In}, {"y", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1] = i[0]*i[1], i[0]*i[1] },
		Work:  func(i *[MaxInts]int64) int64 { return i[2] * i[0] * i[1] }})
)

// NF4Table is the code book of NF4 (bitsandbytes functional.py, create_normal_map).
var NF4Table = [16]float32{-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
	-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
	0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
	0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1}

// Attention over packed sequences. Row r of seg is (q0, nq, k0, nk): queries
// q0..q0+nq attend to keys k0..k0+nk of the k and v buffers, of which the last
// nq are their own: query i stands at the key i + nk - nq. It sees left keys up
// to that one, itself counted, and right keys from that one on, itself counted;
// 0 is no bound, and causal = 1 is right = 1. A score is scale q·k, through
// cap tanh(score / cap) where cap > 0, plus the bias of the head at the distance
// of the key: bias[H, 2P-1], column P-1 for distance 0, P-1+d for a key d places
// on; P = 0 is no bias. K2 is the number of pairs that are looked at, used for
// the cost alone.
var (
	Attention = RegisterOp(Op{Name: "attention", AtLeast: true,
		Doc: "o = softmax(scale q k^T) v for every sequence and head (Vaswani et al. 2017, arXiv:1706.03762), grouped queries " +
			"(Ainslie et al. 2023, arXiv:2305.13245), sliding windows (Beltagy et al. 2020, arXiv:2004.05150), capped scores (Gemma 2, arXiv:2408.00118, section 2) " +
			"and a bias by distance (Shaw et al. 2018, arXiv:1803.02155). " +
			"lse[N,H] gets the logarithm of each softmax's denominator (Dao et al. 2022, arXiv:2205.14135).",
		Ints: attentionInts, Floats: []string{"scale", "cap"},
		Bufs: []Arg{{"q", F32, In}, {"k", F32, In}, {"v", F32, In}, {"seg", I32, In}, {"o", F32, Out}, {"lse", F32, Out | Optional}, {"bias", F32, In | Optional}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) {
			nq, nk := i[0]*i[1]*i[3], i[7]*i[2]*i[3]
			n[0], n[1], n[2], n[3], n[4], n[5], n[6] = nq, nk, nk, 4*i[4], nq, i[0]*i[1], distances(i)
		},
		Work: func(i *[MaxInts]int64) int64 { return i[1] * i[6] * (4*i[3] + 12) }})
	AttentionGrad = RegisterOp(Op{Name: "attention_grad", AtLeast: true,
		Doc:  "dq, dk, dv, dbias += the gradients of attention; the probabilities are computed again from lse",
		Ints: attentionInts, Floats: []string{"scale", "cap"},
		Bufs: []Arg{{"q", F32, In}, {"k", F32, In}, {"v", F32, In}, {"seg", I32, In}, {"o", F32, In}, {"lse", F32, In},
			{"do", F32, In}, {"dq", F32, InOut}, {"dk", F32, InOut}, {"dv", F32, InOut}, {"bias", F32, In | Optional}, {"dbias", F32, InOut | Optional}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) {
			nq, nk := i[0]*i[1]*i[3], i[7]*i[2]*i[3]
			n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9] = nq, nk, nk, 4*i[4], nq, i[0]*i[1], nq, nq, nk, nk
			n[10], n[11] = distances(i), distances(i)
		},
		Work: func(i *[MaxInts]int64) int64 { return i[1] * i[6] * (10*i[3] + 16) }})
	Rope = RegisterOp(Op{Name: "rope", AtLeast: true,
		Doc: "rotary positions (Su et al. 2021, arXiv:2104.09864) in the half-rotation form of Hugging Face: channel j of a head pairs with j + R/2 " +
			"among the first R (0: all D), the others pass; sign = -1 turns back (the gradient); cos and sin are [P, R/2] tables; += when acc is 1",
		Ints: []string{"N", "H", "D", "sign", "acc", "P", "R"},
		Bufs: []Arg{{"x", F32, In}, {"pos", I32, In}, {"cos", F32, In}, {"sin", F32, In}, {"y", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) {
			x, t := i[0]*i[1]*i[2], i[5]*i[6]/2
			if i[6] == 0 {
				t = i[5] * i[2] / 2
			}
			n[0], n[1], n[2], n[3], n[4] = x, i[0], t, t, x
		},
		Work: func(i *[MaxInts]int64) int64 { return 3 * i[0] * i[1] * i[2] }})
)

var attentionInts = []string{"N", "H", "KV", "D", "S", "causal", "K2", "NK", "left", "right", "P"}

// distances is the size of a bias by distance.
func distances(i *[MaxInts]int64) int64 {
	if i[10] == 0 {
		return 0
	}
	return i[1] * (2*i[10] - 1)
}
