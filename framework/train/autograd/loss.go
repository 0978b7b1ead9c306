package autograd

import "github.com/tunelab/tunelab/framework/compute"

// NLL is -ln softmax(logits)[target] per row: logits [N,V], targets [N]; the
// result is [N]. A negative target gives 0 and no gradient.
func (t *Tape) NLL(logits *Var, targets []int32) *Var {
	logits.live("NLL")
	t.must(len(targets) == logits.rows(), "NLL", "needs logits [N,V] and N targets", logits)
	clean := ignored("NLL", targets, logits.cols())
	tb, lse := t.ints(clean), t.temp(compute.F32, len(targets))
	y := t.out(len(targets))
	t.run(compute.NLL, bufs{logits.buf, tb, y.buf, lse}, nc(logits), nil)
	return t.node(y, func() {
		t.run(compute.NLLGrad, bufs{logits.buf, tb, lse, y.grad, logits.dst()}, nc(logits), nil)
	}, logits)
}

// CrossEntropy is the scalar sum_i weights[i] nll[i]: logits [N,V], targets [N]
// (negative: ignored), weights [N], nil for the mean over the rows that are not
// ignored.
func (t *Tape) CrossEntropy(logits *Var, targets []int32, weights []float32) *Var {
	nll := t.NLL(logits, targets)
	if weights == nil {
		n := 0
		for _, id := range targets {
			if id >= 0 {
				n++
			}
		}
		t.must(n > 0, "CrossEntropy", "needs at least one target that is not ignored", logits)
		return t.Scale(t.Sum(nll), float32(1/float64(n)))
	}
	t.must(len(weights) == len(targets), "CrossEntropy", "needs a weight for each row", logits)
	return t.Sum(t.Mul(nll, t.Const([]int{len(weights)}, weights)))
}

// FinalLoss is CrossEntropy of logits that nothing else reads, before or after
// it: their gradient is computed at once, where possible in their memory. hits
// is the number of targets that are the first of their row's largest logits.
func (t *Tape) FinalLoss(logits *Var, targets []int32, weights []float32) (loss *Var, hits int) {
	logits.live("FinalLoss")
	n := logits.rows()
	t.must(len(targets) == n && len(weights) == n, "FinalLoss", "needs logits [N,V], N targets and N weights", logits)
	tb, w := t.ints(ignored("FinalLoss", targets, logits.cols())), t.Const([]int{n}, weights)
	nll, hit := t.out(n), t.out(n)
	inPlace := logits.spare && !logits.keep
	var dx compute.Buffer
	switch {
	case !t.record(logits):
	case inPlace:
		dx = logits.buf
	default:
		dx = t.temp(compute.F32, logits.Len())
	}
	t.run(compute.CrossEntropy, bufs{logits.buf, tb, w.buf, nll.buf, hit.buf, dx}, nc(logits), nil)
	hits = int(t.Sum(hit).Scalar())
	loss = t.Sum(t.Mul(nll, w))
	return t.node(loss, func() {
		s := loss.Grad()[0]
		if !inPlace || logits.grad != nil {
			t.addScaled(logits, dx, s)
			return
		}
		if s != 1 {
			t.run(compute.Scale, bufs{dx, dx}, []int64{int64(logits.Len())}, []float64{float64(s), 0})
		}
		logits.buf, logits.grad = nil, dx
	}, logits), hits
}

// LogProb gives, with p = softmax(logits / temperature), ln p[target] and the
// entropy -sum p ln p, each [N] and differentiable: logits [N,V], targets [N].
// A negative target gives logp 0.
func (t *Tape) LogProb(logits *Var, targets []int32, temperature float32) (logp, entropy *Var) {
	logits.live("LogProb")
	t.must(len(targets) == logits.rows(), "LogProb", "needs logits [N,V] and N targets", logits)
	t.must(temperature > 0, "LogProb", "the temperature must be above 0", logits)
	tb, lse := t.ints(ignored("LogProb", targets, logits.cols())), t.temp(compute.F32, len(targets))
	logp, entropy = t.out(len(targets)), t.out(len(targets))
	temp := []float64{float64(temperature)}
	t.run(compute.LogProb, bufs{logits.buf, tb, logp.buf, entropy.buf, lse}, nc(logits), temp)
	if t.record(logits) {
		logp.needs, entropy.needs = true, true
		t.nodes = append(t.nodes, node{outs: []*Var{logp, entropy}, back: func() {
			t.run(compute.LogProbGrad, bufs{logits.buf, tb, entropy.buf, lse, logp.grad, entropy.grad, logits.dst()}, nc(logits), temp)
		}})
	}
	return logp, entropy
}

// ignored checks targets and makes every negative one -1.
func ignored(op string, targets []int32, v int) []int32 {
	clean := append([]int32(nil), targets...)
	for i := range clean {
		if clean[i] < 0 {
			clean[i] = -1
		}
	}
	checkIndices(op, clean, -1, v)
	return clean
}

// Custom puts a host computation on the tape: data is its result of the given
// shape, and backward gets the gradient of the result and returns one gradient
// for each input (nil: none). For ops that only one method needs.
func (t *Tape) Custom(name string, shape []int, data []float32, inputs []*Var, backward func(dOut []float32) [][]float32) *Var {
	y := t.Const(shape, data)
	return t.node(y, func() {
		dOut := make([]float32, y.Len())
		t.e.Download(dOut, y.grad)
		grads := backward(dOut)
		t.must(len(grads) == len(inputs), name, "backward must return one gradient for each input (nil for none)", inputs...)
		for i, g := range grads {
			if g == nil || !inputs[i].needs {
				continue
			}
			t.must(len(g) == inputs[i].Len(), name, "a gradient's length differs from its input's", inputs[i])
			b := t.e.AllocRaw(compute.F32, len(g))
			t.e.Upload(b, g)
			t.accumulate(inputs[i], b)
			t.e.Free(b)
		}
	}, inputs...)
}
