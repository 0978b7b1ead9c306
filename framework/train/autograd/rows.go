package autograd

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
)

func nc(x *Var) []int64 { return []int64{int64(x.rows()), int64(x.cols())} }

// AddRow is x[n,c] + r[c]: x [N,C], r [C].
func (t *Tape) AddRow(x, r *Var) *Var {
	x.live("AddRow")
	t.must(r.Len() == x.cols(), "AddRow", "needs x [N,C] and r [C]", x, r)
	y := t.alloc(x.shape)
	t.run(compute.AddRow, bufs{x.buf, r.buf, y.buf}, nc(x), nil)
	return t.node(y, func() {
		if x.needs {
			t.accumulate(x, y.grad)
		}
		if d := r.dst(); d != nil {
			t.run(compute.ColSum, bufs{y.grad, d}, nc(x), nil)
		}
	}, x, r)
}

// MulRow is x[n,c] r[c]: x [N,C], r [C].
func (t *Tape) MulRow(x, r *Var) *Var {
	x.live("MulRow")
	t.must(r.Len() == x.cols(), "MulRow", "needs x [N,C] and r [C]", x, r)
	y := t.alloc(x.shape)
	t.run(compute.MulRow, bufs{x.buf, r.buf, y.buf}, nc(x), nil)
	return t.node(y, func() {
		dx, dr := x.dst(), r.dst()
		t.run(compute.MulRowGrad, bufs{x.buf, r.buf, y.grad, dx, dr}, nc(x), nil)
	}, x, r)
}

// MulCol is x[n,c] s[n]: x [N,C], s [N] or [N,1].
func (t *Tape) MulCol(x, s *Var) *Var {
	x.live("MulCol")
	t.must(s.Len() == x.rows(), "MulCol", "needs x [N,C] and s [N]", x, s)
	y := t.alloc(x.shape)
	t.run(compute.MulCol, bufs{x.buf, s.buf, y.buf}, nc(x), nil)
	return t.node(y, func() {
		dx, ds := x.dst(), s.dst()
		t.run(compute.MulColGrad, bufs{x.buf, s.buf, y.grad, dx, ds}, nc(x), nil)
	}, x, s)
}

// Sum is the sum of all elements, a scalar (shape []).
func (t *Tape) Sum(x *Var) *Var {
	x.live("Sum")
	n := []int64{int64(x.Len())}
	y := t.out()
	t.run(compute.Sum, bufs{x.buf, y.buf}, n, nil)
	return t.node(y, func() {
		t.run(compute.SumGrad, bufs{y.grad, x.dst()}, n, nil)
	}, x)
}

// Mean is the mean of all elements, a scalar.
func (t *Tape) Mean(x *Var) *Var {
	t.must(x.Len() > 0, "Mean", "needs at least one element", x)
	return t.Scale(t.Sum(x), float32(1/float64(x.Len())))
}

// RowSum sums each row: [N,C] -> [N].
func (t *Tape) RowSum(x *Var) *Var {
	x.live("RowSum")
	y := t.out(x.rows())
	t.run(compute.RowSum, bufs{x.buf, y.buf}, nc(x), nil)
	return t.node(y, func() {
		t.run(compute.RowSumGrad, bufs{y.grad, x.dst()}, nc(x), nil)
	}, x)
}

// Reshape gives x another shape of the same number of elements; memory is shared.
func (t *Tape) Reshape(x *Var, shape ...int) *Var {
	x.live("Reshape")
	y := &Var{tape: t, shape: append([]int(nil), shape...), buf: x.buf}
	t.must(y.Len() == x.Len(), "Reshape", "needs the same number of elements", x, y)
	return t.node(y, func() { t.accumulate(x, y.grad) }, x)
}

// Concat puts matrices [Ni,C] below one another: [sum Ni, C].
func (t *Tape) Concat(xs ...*Var) *Var {
	t.must(len(xs) > 0, "Concat", "needs at least one matrix")
	rows, cols := 0, xs[0].cols()
	for _, x := range xs {
		x.live("Concat")
		t.must(x.cols() == cols, "Concat", "needs matrices of one width", xs...)
		rows += x.rows()
	}
	y := t.out(rows, cols)
	var at int64
	for _, x := range xs {
		t.run(compute.Copy, bufs{x.buf, y.buf}, []int64{int64(x.Len()), 0, at, 0}, nil)
		at += int64(x.Len())
	}
	return t.node(y, func() {
		var at int64
		for _, x := range xs {
			if d, acc := x.dstAcc(); d != nil {
				t.run(compute.Copy, bufs{y.grad, d}, []int64{int64(x.Len()), at, 0, acc}, nil)
			}
			at += int64(x.Len())
		}
	}, xs...)
}

// Embedding looks rows up: table [V,C], ids [N]; the result is [N,C].
func (t *Tape) Embedding(table *Var, ids []int32) *Var { return t.gather("Embedding", table, ids) }

// EmbeddingWithout is Embedding in which no gradient goes to one row, as
// torch.nn.Embedding's padding_idx has it: the row of a padding token learns
// nothing, not even where the token stands inside a text.
func (t *Tape) EmbeddingWithout(table *Var, ids []int32, row int) *Var {
	var keep, rest []int32 // places of the other ids, and these
	for i, id := range ids {
		if int(id) != row {
			keep, rest = append(keep, int32(i)), append(rest, id)
		}
	}
	if len(rest) == len(ids) {
		return t.Embedding(table, ids)
	}
	x := t.Detach(table)
	y := t.gather("Embedding", x, ids)
	if len(rest) == 0 {
		return y
	}
	c := int64(table.cols())
	kb, rb := t.ints(keep), t.ints(rest)
	return t.node(y, func() {
		part := t.e.AllocRaw(compute.F32, len(rest)*int(c))
		defer t.e.Free(part)
		t.run(compute.GatherRows, bufs{y.grad, kb, part}, []int64{int64(len(rest)), c, int64(len(ids))}, nil)
		t.run(compute.ScatterAddRows, bufs{part, rb, table.dst()}, []int64{int64(len(rest)), c, int64(table.rows())}, nil)
	}, table)
}

// Rows picks rows by index, with repeats: x [N,C], idx [M]; the result is [M,C].
func (t *Tape) Rows(x *Var, idx []int32) *Var { return t.gather("Rows", x, idx) }

func (t *Tape) gather(op string, x *Var, idx []int32) *Var {
	x.live(op)
	t.must(len(idx) > 0, op, "needs at least one index", x)
	checkIndices(op, idx, 0, x.rows())
	ib, size := t.ints(idx), []int64{int64(len(idx)), int64(x.cols()), int64(x.rows())}
	y := t.out(len(idx), x.cols())
	t.run(compute.GatherRows, bufs{x.buf, ib, y.buf}, size, nil)
	return t.node(y, func() {
		t.run(compute.ScatterAddRows, bufs{y.grad, ib, x.dst()}, size, nil)
	}, x)
}

// SegmentMean is the mean over the rows of each packed sequence: x [N,C],
// N = sum(seqLens); the result is [len(seqLens),C].
func (t *Tape) SegmentMean(x *Var, seqLens []int) *Var {
	x.live("SegmentMean")
	start := make([]int32, 1, len(seqLens)+1)
	for i, l := range seqLens {
		t.must(l > 0, "SegmentMean", fmt.Sprintf("sequence %d has length %d, needs at least 1", i, l), x)
		start = append(start, start[i]+int32(l))
	}
	t.must(len(seqLens) > 0 && int(start[len(seqLens)]) == x.rows(), "SegmentMean", "the lengths must add up to the rows of x", x)
	sb, size := t.ints(start), []int64{int64(x.rows()), int64(x.cols()), int64(len(seqLens))}
	y := t.out(len(seqLens), x.cols())
	t.run(compute.SegmentMean, bufs{x.buf, sb, y.buf}, size, nil)
	return t.node(y, func() {
		t.run(compute.SegmentMeanGrad, bufs{y.grad, sb, x.dst()}, size, nil)
	}, x)
}
