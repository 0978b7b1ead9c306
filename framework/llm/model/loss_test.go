package model_test

import (
	"math"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Loss has the gradients of the whole logits, over more rows than a block has.
func TestLossIsThatOfTheWholeLogits(t *testing.T) {
	for _, name := range tinyModels(t) {
		m, r := open(t, name)
		b := model.Batch{}
		for len(b.IDs) <= model.LossRows+50 {
			one := model.Pack(r.Lines...)
			b.IDs, b.SeqLens = append(b.IDs, one.IDs...), append(b.SeqLens, one.SeqLens...)
		}
		targets, weights := slices.Clone(b.IDs), make([]float32, len(b.IDs))
		for i := range weights {
			weights[i] = 0.01 / float32(1+i%3)
			if i%7 == 0 {
				targets[i] = -100
			}
		}
		run := func(loss func(t *autograd.Tape, hidden *autograd.Var) *autograd.Var) (float32, [][]float32) {
			tape := autograd.NewTape(m.Engine(), true)
			defer tape.Release()
			l := loss(tape, m.Hidden(tape, b))
			tape.Backward(l)
			var grads [][]float32
			for _, p := range m.Params() {
				grads = append(grads, p.GradData())
				p.ZeroGrad()
			}
			return l.Scalar(), grads
		}
		hits, want := 0, 0
		got, gotGrads := run(func(t *autograd.Tape, h *autograd.Var) (l *autograd.Var) {
			l, hits = m.Loss(t, h, targets, weights)
			return l
		})
		whole, wholeGrads := run(func(t *autograd.Tape, h *autograd.Var) *autograd.Var {
			logits := m.Logits(t, h)
			x, v := logits.Value(), logits.Shape()[1]
			for i, target := range targets {
				row := x[i*v : (i+1)*v]
				if target >= 0 && slices.Index(row, slices.Max(row)) == int(target) {
					want++
				}
			}
			return t.CrossEntropy(logits, targets, weights)
		})
		if d := got - whole; !(d < 1e-5*whole && d > -1e-5*whole) {
			t.Errorf("%s: the loss is %v, expected %v", name, got, whole)
		}
		if hits != want {
			t.Errorf("%s: %d hits, expected %d", name, hits, want)
		}
		size := 0.0 // of the largest gradient: some are zero but for rounding
		for _, g := range wholeGrads {
			for _, w := range g {
				size = max(size, math.Abs(float64(w)))
			}
		}
		for i, p := range m.Params() {
			worst := 0.0
			for j, w := range wholeGrads[i] {
				worst = max(worst, math.Abs(float64(gotGrads[i][j]-w)))
			}
			if !(worst <= 1e-6*size) {
				t.Errorf("%s: gradients of %s differ by %.3g of %.3g", name, p.Name, worst, size)
			}
		}
	}
}
