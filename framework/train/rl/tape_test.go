package rl

import (
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

func flatten(x [][]float64) []float32 {
	var out []float32
	for _, row := range x {
		for _, v := range row {
			out = append(out, float32(v))
		}
	}
	return out
}

// The same loss written with the tape's own float32 ops, gradients by
// autograd, agrees with the float64 arithmetic.
func TestLossOnTheTapeAgrees(t *testing.T) {
	var f ppoFixture
	readFixture(t, "testdata/ppo_fixture.json", &f)
	for _, engine := range []string{"ref", "cpu"} {
		e, err := compute.Open(engine, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Cases {
			c, r := f.setUp(i)
			targets, err := c.Targets(r)
			if err != nil {
				t.Fatal(err)
			}
			m := Minibatch{r.LogProbs, f.Inputs.NewLogProbs, r.Values, f.Inputs.NewValues, targets.Advantages, targets.Returns, r.Last}
			want, err := c.Loss(m)
			if err != nil {
				t.Fatal(err)
			}
			loss, dlp, dv := tapeLoss(e, c, m)
			near := func(what string, got float32, want float64) {
				if d := math.Abs(float64(got) - want); !(d <= 1e-5) {
					t.Errorf("%s, case %d: %s %g, float64 has %g", engine, i, what, got, want)
				}
			}
			near("loss", loss, want.Total)
			for j, v := range flatten(want.DLogProbs) {
				near("gradient of a log-probability", dlp[j], float64(v))
			}
			for j, v := range flatten(want.DValues) {
				near("gradient of a value", dv[j], float64(v))
			}
		}
	}
}

func tapeLoss(e compute.Engine, c Config, m Minibatch) (loss float32, dLogProbs, dValues []float32) {
	t := autograd.NewTape(e, true)
	defer t.Release()
	n := len(m.Last) * len(m.LogProbs[0])
	put := func(x [][]float64) *autograd.Var { return t.Const([]int{n}, flatten(x)) }
	weights := func(extra int) *autograd.Var { // the masked mean as weights
		w, count := make([]float32, n), 0
		for i, last := range m.Last {
			for j := range masked(last, extra, len(m.LogProbs[0])) {
				w[i*len(m.LogProbs[0])+j] = 1
				count++
			}
		}
		for i := range w {
			w[i] /= float32(count)
		}
		return t.Const([]int{n}, w)
	}
	lp, v := t.Leaf([]int{n}, flatten(m.NewLogProbs)), t.Leaf([]int{n}, flatten(m.NewValues))
	ratio := t.Exp(t.Sub(lp, put(m.LogProbs)))
	against := t.Neg(put(m.Advantages))
	policy := t.Max(t.Mul(against, ratio), t.Mul(against, t.Clamp(ratio, float32(1-c.ClipRange), float32(1+c.ClipRange))))
	old, ret := put(m.Values), put(m.Returns)
	r := float32(c.ClipRangeValue)
	near := t.Add(old, t.Clamp(t.Sub(v, old), -r, r))
	free, clipped := t.Sub(v, ret), t.Sub(near, ret)
	value := t.Max(t.Mul(free, free), t.Mul(clipped, clipped))
	total := t.Add(t.Sum(t.Mul(policy, weights(0))), t.Scale(t.Sum(t.Mul(value, weights(1))), float32(0.5*c.VFCoef)))
	t.Backward(total)
	return total.Scalar(), lp.Grad(), v.Grad()
}
