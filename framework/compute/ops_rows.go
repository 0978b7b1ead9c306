package compute

// rowSizes gives each buffer one of the usual sizes of an op over x[N,C]: 'x'
// N*C, 'n' N, 'c' C, '1' one element.
func rowSizes(kinds string) sizes {
	return func(i *[MaxInts]int64, n *[MaxBufs]int64) {
		for k, c := range kinds {
			switch c {
			case 'x':
				n[k] = i[0] * i[1]
			case 'n':
				n[k] = i[0]
			case 'c':
				n[k] = i[1]
			case '1':
				n[k] = 1
			}
		}
	}
}

func perCell(flops int64) work {
	return func(i *[MaxInts]int64) int64 { return flops * i[0] * i[1] }
}

func rows(name, doc, kinds string, flops int64, bufs []Arg, floats ...string) *Op {
	return RegisterOp(Op{Name: name, Doc: doc, Ints: []string{"N", "C"}, Floats: floats, Bufs: bufs,
		Sizes: rowSizes(kinds), Work: perCell(flops)})
}

// Broadcasts over x[N,C], and reductions.
var (
	AddRow = rows("add_row", "y[n,c] = x[n,c] + r[c]", "xcx", 1, []Arg{{"x", F32, In}, {"r", F32, In}, {"y", F32, Out}})
	MulRow = rows("mul_row", "y[n,c] = x[n,c] r[c]", "xcx", 1, []Arg{{"x", F32, In}, {"r", F32, In}, {"y", F32, Out}})
	MulCol = rows("mul_col", "y[n,c] = x[n,c] s[n]", "xnx", 1, []Arg{{"x", F32, In}, {"s", F32, In}, {"y", F32, Out}})
	ColSum = rows("col_sum", "r[c] += sum_n x[n,c], in chunks of 64 rows", "xc", 1, []Arg{{"x", F32, In}, {"r", F32, InOut}})
	RowSum = rows("row_sum", "s[n] = sum_c x[n,c], in 16 lanes summed by a tree", "xn", 1, []Arg{{"x", F32, In}, {"s", F32, Out}})

	MulRowGrad = rows("mul_row_grad", "dx += dy r; dr += sum_n dy x", "xcxxc", 4, []Arg{{"x", F32, In}, {"r", F32, In}, {"dy", F32, In},
		{"dx", F32, InOut | Optional}, {"dr", F32, InOut | Optional}})
	MulColGrad = rows("mul_col_grad", "dx += dy s; ds += sum_c dy x", "xnxxn", 4, []Arg{{"x", F32, In}, {"s", F32, In}, {"dy", F32, In},
		{"dx", F32, InOut | Optional}, {"ds", F32, InOut | Optional}})
	RowSumGrad = rows("row_sum_grad", "dx[n,c] += ds[n]", "nx", 1, []Arg{{"ds", F32, In}, {"dx", F32, InOut}})

	Sum = RegisterOp(Op{Name: "sum", Doc: "s = sum of x, chunks of 4096 in 16 lanes, then the chunks in order in double precision", Ints: []string{"n"},
		Bufs:  []Arg{{"x", F32, In}, {"s", F32, Out}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1] = i[0], 1 }, Work: perElement(1)})
	SumGrad = RegisterOp(Op{Name: "sum_grad", Doc: "dx += ds", Ints: []string{"n"},
		Bufs:  []Arg{{"ds", F32, In}, {"dx", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1] = 1, i[0] }, Work: perElement(1)})
	SumSquares = RegisterOp(Op{Name: "sum_squares", Doc: "s[j] = sum of x^2 over chunk j of 4096", Ints: []string{"n"},
		Bufs:  []Arg{{"x", F32, In}, {"s", F32, Out}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1] = i[0], (i[0]+4095)/4096 }, Work: perElement(2)})

	Softmax     = rows("softmax", "y[n] = softmax(x[n])", "xx", 13, []Arg{{"x", F32, In}, {"y", F32, Out}})
	SoftmaxGrad = rows("softmax_grad", "dx += y (dy - sum_c dy y)", "xxx", 5, []Arg{{"y", F32, In}, {"dy", F32, In}, {"dx", F32, InOut}})
)

// Normalisation.
var (
	RMSNorm = rows("rms_norm", "y = x rstd (g + shift), rstd = (mean x^2 + eps)^(-1/2) (Zhang and Sennrich 2019, arXiv:1910.07467); shift 1 in Gemma, else 0", "xcxn", 5,
		[]Arg{{"x", F32, In}, {"g", F32, In}, {"y", F32, Out}, {"rstd", F32, Out}}, "eps", "shift")
	RMSNormGrad = rows("rms_norm_grad", "dx += rstd (g dy - xhat mean(g dy xhat)), xhat = x rstd, g with its shift; dg += sum_n dy xhat", "xcnxxc", 10,
		[]Arg{{"x", F32, In}, {"g", F32, In}, {"rstd", F32, In}, {"dy", F32, In}, {"dx", F32, InOut | Optional}, {"dg", F32, InOut | Optional}}, "shift")
	LayerNorm = rows("layer_norm", "y = (x - mean) rstd g + b (Ba et al. 2016, arXiv:1607.06450), biased variance", "xccxnn", 8,
		[]Arg{{"x", F32, In}, {"g", F32, In}, {"b", F32, In}, {"y", F32, Out}, {"mean", F32, Out}, {"rstd", F32, Out}}, "eps")
	LayerNormGrad = rows("layer_norm_grad", "dx += rstd (g dy - mean(g dy) - xhat mean(g dy xhat)); dg += sum_n dy xhat; db += sum_n dy", "xcnnxxcc", 14,
		[]Arg{{"x", F32, In}, {"g", F32, In}, {"mean", F32, In}, {"rstd", F32, In}, {"dy", F32, In},
			{"dx", F32, InOut | Optional}, {"dg", F32, InOut | Optional}, {"db", F32, InOut | Optional}})
)

// Rows by index.
var (
	GatherRows = RegisterOp(Op{Name: "gather_rows", Doc: "y[i] = x[idx[i]] for i < N, x[R,C]", Ints: []string{"N", "C", "R"},
		Bufs:  []Arg{{"x", F32, In}, {"idx", I32, In}, {"y", F32, Out}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1], n[2] = i[2]*i[1], i[0], i[0]*i[1] },
		Work:  func(i *[MaxInts]int64) int64 { return 0 }})
	ScatterAddRows = RegisterOp(Op{Name: "scatter_add_rows", Doc: "dx[idx[i]] += dy[i], in the order of i; dx[R,C]", Ints: []string{"N", "C", "R"},
		Bufs:  []Arg{{"dy", F32, In}, {"idx", I32, In}, {"dx", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1], n[2] = i[0]*i[1], i[0], i[2]*i[1] },
		Work:  perCell(1)})
	PutRows = RegisterOp(Op{Name: "put_rows", Doc: "y[idx[i]] = x[i]; y[R,C]", Ints: []string{"N", "C", "R"},
		Bufs:  []Arg{{"x", F32, In}, {"idx", I32, In}, {"y", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1], n[2] = i[0]*i[1], i[0], i[2]*i[1] },
		Work:  func(i *[MaxInts]int64) int64 { return 0 }})
	SegmentMean = RegisterOp(Op{Name: "segment_mean", Doc: "y[s] = mean of x[start[s]:start[s+1]]; x[N,C], start[S+1]", Ints: []string{"N", "C", "S"},
		Bufs:  []Arg{{"x", F32, In}, {"start", I32, In}, {"y", F32, Out}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1], n[2] = i[0]*i[1], i[2]+1, i[2]*i[1] },
		Work:  perCell(1)})
	SegmentMeanGrad = RegisterOp(Op{Name: "segment_mean_grad", Doc: "dx[n] += dy[s] / length of segment s, for n in s", Ints: []string{"N", "C", "S"},
		Bufs:  []Arg{{"dy", F32, In}, {"start", I32, In}, {"dx", F32, InOut}},
		Sizes: func(i *[MaxInts]int64, n *[MaxBufs]int64) { n[0], n[1], n[2] = i[2]*i[1], i[2]+1, i[0]*i[1] },
		Work:  perCell(2)})
)

// Losses over logits x[N,V]. A negative target means: no loss in this row.
var (
	NLL = rows("nll", "lse[n] = ln sum_v e^x[n,v]; nll[n] = lse[n] - x[n,target[n]], 0 where target < 0", "xnnn", 12,
		[]Arg{{"x", F32, In}, {"target", I32, In}, {"nll", F32, Out}, {"lse", F32, Out}})
	NLLGrad = rows("nll_grad", "dx[n,v] += dnll[n] (e^(x - lse) - [v = target]), nothing where target < 0", "xnnnx", 14,
		[]Arg{{"x", F32, In}, {"target", I32, In}, {"lse", F32, In}, {"dnll", F32, In}, {"dx", F32, InOut}})
	CrossEntropy = rows("cross_entropy", "nll as above; hit[n] = 1 where the target is the first of the row's largest logits, else 0; "+
		"dx[n] = w[n] (softmax(x[n]) - [v = target]), 0 where target < 0; dx may be x itself", "xnnnnx", 13,
		[]Arg{{"x", F32, In}, {"target", I32, In}, {"w", F32, In}, {"nll", F32, Out}, {"hit", F32, Out}, {"dx", F32, Out | Optional}})
	LogProb = rows("log_prob", "with p = softmax(x / T): logp[n] = ln p[target], 0 where target < 0; ent[n] = -sum p ln p; lse of x / T", "xnnnn", 16,
		[]Arg{{"x", F32, In}, {"target", I32, In}, {"logp", F32, Out}, {"ent", F32, Out}, {"lse", F32, Out}}, "temperature")
	LogProbGrad = rows("log_prob_grad", "dx += (dlogp ([v = target] - p) - dent p (ln p + ent)) / T; rows with target < 0 have no logp term", "xnnnnnx", 18,
		[]Arg{{"x", F32, In}, {"target", I32, In}, {"ent", F32, In}, {"lse", F32, In}, {"dlogp", F32, In | Optional}, {"dent", F32, In | Optional},
			{"dx", F32, InOut}}, "temperature")
)

// AdamW is the fused update of one parameter (Loshchilov and Hutter 2019,
// arXiv:1711.05101), in the order of operations of torch.optim.AdamW.
var AdamW = RegisterOp(Op{Name: "adamw",
	Doc:  "p *= 1 - lr wd; m += (1-b1)(g-m); v = b2 v + (1-b2) g^2; p -= lr/c1 m / (sqrt(v)/sqrt(c2) + eps), g = gscale grad, c1 = 1-b1^t, c2 = 1-b2^t",
	Ints: []string{"n"}, Floats: []string{"lr", "beta1", "beta2", "eps", "wd", "c1", "c2", "gscale"},
	Bufs:  []Arg{{"p", F32, InOut}, {"g", F32, In}, {"m", F32, InOut}, {"v", F32, InOut}},
	Sizes: same(4), Work: perElement(16)})
