package tune

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// trainer runs the optimisation of one run. Its whole state between steps is
// params, opt and step: the data order and dropout follow from the seed and
// the step, so a resumed run goes on bit for bit.
type trainer struct {
	in       *sdk.Input
	out      *sdk.Output
	m        *model.Model
	head     *autograd.Param // classify: [labels, C]
	params   []*autograd.Param
	opt      *optim.AdamW
	train    *encoded
	val      *encoded
	attached Attached
	maxLen   int
	step     int
	total    int

	epoch   int   // whose order shuffle holds
	shuffle []int // nil before the first step

	tokens int64
	flops  float64
	hits   int // completion: supervised tokens of this step that the model ranked first
}

// silentAfter is the number of steps after which a trainable tensor that never
// had a gradient fails the run: it would train nothing while the loss looks
// fine (adapters not on the path, gradients cut). Fewer steps prove nothing:
// warm-up begins at rate 0, and LoRA's A has no gradient while B is 0.
const silentAfter = 5

func (tr *trainer) run() error {
	p := tr.in.Params
	every := p.Int("eval_every")
	if every == 0 {
		every = tr.perEpoch()
	}
	schedule := optim.Schedule{Kind: p.String("schedule"), Peak: p.Float("learning_rate"), Total: tr.total}
	if w := p.Float("warmup"); w < 1 {
		schedule.WarmupRatio = w
	} else if w != math.Trunc(w) {
		return sdk.Fail("params.warmup", fmt.Sprintf("%g is neither a share of the steps nor a number of steps", w), "give a value below 1, or a whole number")
	} else {
		schedule.WarmupSteps = int(w)
	}
	if err := schedule.Validate(); err != nil {
		return sdk.Fail("params.schedule", err.Error(), "choose constant, linear or cosine, and at least one step")
	}
	budget := tr.in.Spec.Budget
	for tr.step < tr.total {
		select {
		case <-tr.out.Stopping():
			return tr.stop()
		default:
		}
		lr := schedule.Rate(tr.step)
		loss, norm, accuracy, err := tr.stepOnce(lr)
		if err != nil {
			return err
		}
		if bad := loss + norm; math.IsNaN(bad) || math.IsInf(bad, 0) {
			return sdk.Fail("params.learning_rate", fmt.Sprintf("at step %d the training loss is %v and the gradient norm %v", tr.step+1, loss, norm), "lower the learning rate or raise warmup")
		}
		tr.step++
		at := int64(tr.step)
		tr.out.Metric("train/loss", at, loss)
		tr.out.Metric("train/grad_norm", at, norm)
		tr.out.Metric("train/lr", at, lr)
		tr.out.Metric("train/num_tokens", at, float64(tr.tokens))
		if tr.head == nil {
			tr.out.Metric("train/mean_token_accuracy", at, accuracy)
		}
		tr.out.Progress(at, int64(tr.total), "train")
		if tr.step == silentAfter {
			if err := tr.checkGradients(); err != nil {
				return err
			}
		}
		if budget.MaxTokens > 0 && tr.tokens >= budget.MaxTokens || budget.MaxFLOPs > 0 && tr.flops >= budget.MaxFLOPs {
			tr.out.Log("info", fmt.Sprintf("the budget ended training after %d of %d steps (%d tokens, %.3g FLOPs)", tr.step, tr.total, tr.tokens, tr.flops))
			tr.total = tr.step
		}
		if tr.step%every == 0 || tr.step == tr.total {
			if err := tr.evaluate(); err != nil {
				return err
			}
			if tr.step < tr.total {
				if err := tr.checkpoint(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (tr *trainer) stop() error {
	if err := tr.checkpoint(); err != nil {
		return err
	}
	return sdk.ErrStopped
}

// order is the permutation of the training examples in an epoch.
func (tr *trainer) order(epoch int) []int {
	if tr.shuffle == nil || tr.epoch != epoch {
		tr.epoch = epoch
		tr.shuffle = spec.Stream(tr.in.Spec.Seed, fmt.Sprintf("%s/%d", spec.StreamData, epoch)).Perm(len(tr.train.seqs))
	}
	return tr.shuffle
}

// batch gives the examples of a step.
func (tr *trainer) batch(step int) []sequence {
	b, per := tr.in.Params.Int("batch_size"), tr.perEpoch()
	order := tr.order(step / per)
	lo := (step % per) * b
	hi := min(lo+b, len(order))
	out := make([]sequence, 0, hi-lo)
	for _, i := range order[lo:hi] {
		out = append(out, tr.train.seqs[i])
	}
	return out
}

// stepOnce makes one optimiser step and returns the mean loss over the whole
// step's supervised tokens, the gradient norm before clipping and, for a
// completion objective, the share of supervised tokens ranked first.
func (tr *trainer) stepOnce(lr float64) (loss, norm, accuracy float64, err error) {
	batch := tr.batch(tr.step)
	count := supervised(batch, tr.head != nil)
	if count == 0 {
		return 0, 0, 0, fmt.Errorf("step %d has no supervised token: every completion of its batch is empty; check the task's answer template", tr.step)
	}
	tr.hits = 0
	micro := min(tr.in.Params.Int("accumulation"), len(batch))
	for i := range micro {
		part := batch[i*len(batch)/micro : (i+1)*len(batch)/micro]
		l, err := tr.forward(part, 1/float32(count), i)
		if err != nil {
			return 0, 0, 0, err
		}
		loss += l
	}
	if norm, err = optim.ClipGradNorm(tr.params, tr.in.Params.Float("max_grad_norm")); err != nil {
		return 0, 0, 0, err
	}
	if err := tr.opt.Step(lr, 1); err != nil {
		return 0, 0, 0, err
	}
	optim.ZeroGrad(tr.params)
	return loss, norm, float64(tr.hits) / float64(count), nil
}

func supervised(batch []sequence, classify bool) int {
	if classify {
		return len(batch)
	}
	n := 0
	for _, s := range batch {
		for _, t := range s.targets {
			if t >= 0 {
				n++
			}
		}
	}
	return n
}

// forward runs one micro-batch forward and backward; each supervised token
// weighs weight, so that gradients of micro-batches add up to the big batch's.
func (tr *trainer) forward(part []sequence, weight float32, micro int) (loss float64, err error) {
	t := autograd.NewTape(tr.m.Engine(), true)
	defer t.Release()
	if d, ok := tr.attached.(Dropper); ok {
		d.DropoutKey(dropoutKey(tr.in.Spec.Seed, tr.step, micro))
	}
	err = autograd.Catch(func() {
		logits, targets := score(t, tr.m, tr.head, part)
		weights := make([]float32, len(targets))
		for i := range weights {
			weights[i] = weight
		}
		if tr.head == nil {
			tr.hits += countHits(logits.Value(), targets)
		}
		l := t.CrossEntropy(logits, targets, weights)
		t.Backward(l)
		loss = float64(l.Scalar())
	})
	for _, s := range part {
		tr.tokens += int64(len(s.ids))
	}
	tr.flops += float64(t.FLOPs())
	return loss, err
}

// score gives the logits of packed sequences where they carry loss, and the
// targets there: [sequences, labels] with a label head, else [supervised
// tokens, V].
func score(t *autograd.Tape, m *model.Model, head *autograd.Param, part []sequence) (logits *autograd.Var, targets []int32) {
	b, ends := pack(part)
	hidden := m.Hidden(t, b)
	if head == nil {
		rows, targets := supervisedRows(part)
		return m.Logits(t, t.Rows(hidden, rows)), targets
	}
	for _, s := range part {
		targets = append(targets, s.label)
	}
	return t.Linear(t.Rows(hidden, ends), t.Param(head), nil), targets
}

// supervisedRows lists the packed positions that carry loss, so that the LM
// head runs on those only.
func supervisedRows(part []sequence) (rows, targets []int32) {
	at := int32(0)
	for _, s := range part {
		for i, target := range s.targets {
			if target >= 0 {
				rows = append(rows, at+int32(i))
				targets = append(targets, target)
			}
		}
		at += int32(len(s.ids))
	}
	return rows, targets
}

func pack(part []sequence) (b model.Batch, ends []int32) {
	for _, s := range part {
		b.IDs = append(b.IDs, s.ids...)
		b.SeqLens = append(b.SeqLens, len(s.ids))
		ends = append(ends, int32(len(b.IDs)-1))
	}
	return b, ends
}

// evaluate logs the validation loss, and the accuracy of a classifier or of
// the supervised tokens.
func (tr *trainer) evaluate() error {
	if len(tr.val.seqs) == 0 {
		return nil
	}
	q, err := evaluate(tr.m, tr.head, tr.val)
	if err != nil {
		return err
	}
	tr.out.Metric("eval/loss", int64(tr.step), q.loss)
	if tr.head != nil {
		tr.out.Metric("eval/accuracy", int64(tr.step), q.accuracy)
	} else {
		tr.out.Metric("eval/mean_token_accuracy", int64(tr.step), q.accuracy)
		tr.out.Metric("eval/entropy", int64(tr.step), q.entropy)
	}
	return nil
}

// Bounds of memory in an evaluation.
const (
	evalTokens = 1024     // of one batch
	logitBytes = 64 << 20 // of one block of the output layer's logits
)

// quality is what evaluate measures, each a mean over the supervised tokens
// (or labels); NaN where there are none.
type quality struct {
	loss     float64 // nats
	accuracy float64
	entropy  float64 // of the predicted distribution, nats
}

// evaluate measures a model on a split.
func evaluate(m *model.Model, head *autograd.Param, split *encoded) (quality, error) {
	var q quality
	hits, n := 0, 0
	add := func(logits []float32, targets []int32) {
		c := len(logits) / len(targets)
		for i, target := range targets {
			row := logits[i*c : (i+1)*c]
			lse, mean := logSumExp(row)
			q.loss += lse - float64(row[target])
			q.entropy += lse - mean
		}
		hits += countHits(logits, targets)
		n += len(targets)
	}
	for _, part := range byTokens(split.seqs, evalTokens) {
		if err := autograd.Catch(func() { evaluatePart(m, head, part, add) }); err != nil {
			return quality{}, err
		}
	}
	return quality{q.loss / float64(n), float64(hits) / float64(n), q.entropy / float64(n)}, nil
}

// evaluatePart hands over the logits of packed sequences where they carry loss;
// those of the output layer in blocks.
func evaluatePart(m *model.Model, head *autograd.Param, part []sequence, add func(logits []float32, targets []int32)) {
	t := autograd.NewTape(m.Engine(), false)
	defer func() { t.Release() }()
	if head != nil {
		logits, targets := score(t, m, head, part)
		add(logits.Value(), targets)
		return
	}
	b, _ := pack(part)
	rows, targets := supervisedRows(part)
	hidden, c := t.Rows(m.Hidden(t, b), rows).Value(), m.Config().HiddenSize
	per := max(1, logitBytes/(4*m.Config().VocabSize))
	for lo := 0; lo < len(targets); lo += per {
		hi := min(lo+per, len(targets))
		t.Release()
		t = autograd.NewTape(m.Engine(), false)
		add(m.Logits(t, t.Const([]int{hi - lo, c}, hidden[lo*c:hi*c])).Value(), targets[lo:hi])
	}
}

// countHits counts the rows whose largest logit is the target's.
func countHits(logits []float32, targets []int32) (hits int) {
	c := len(logits) / len(targets)
	for i, target := range targets {
		if argmax(logits[i*c:(i+1)*c]) == int(target) {
			hits++
		}
	}
	return hits
}

func argmax(row []float32) int {
	best := 0
	for j, x := range row {
		if x > row[best] {
			best = j
		}
	}
	return best
}

// logSumExp is the logarithm of the sum of exp(row), and the mean of row under
// its softmax, in float64.
func logSumExp(row []float32) (lse, mean float64) {
	top := float64(row[argmax(row)])
	sum := 0.0
	for _, x := range row {
		e := math.Exp(float64(x) - top)
		sum += e
		mean += e * float64(x)
	}
	return top + math.Log(sum), mean / sum
}

// byTokens divides sequences in order into batches of at most limit tokens.
func byTokens(seqs []sequence, limit int) [][]sequence {
	var out [][]sequence
	start, n := 0, 0
	for i, s := range seqs {
		if n+len(s.ids) > limit && i > start {
			out = append(out, seqs[start:i])
			start, n = i, 0
		}
		n += len(s.ids)
	}
	if start < len(seqs) {
		out = append(out, seqs[start:])
	}
	return out
}

// checkGradients fails a run that trains nothing while its loss looks fine.
func (tr *trainer) checkGradients() error {
	if tr.in.Params.Float("learning_rate") == 0 { // then LoRA's B stays 0, and A gets no gradient
		return nil
	}
	if idle := tr.opt.Idle(); len(idle) > 0 {
		return sdk.Fail("params", fmt.Sprintf("trainable tensor %s has had no gradient in %d steps: it does not take part in the loss", idle[0], tr.step),
			"check that the adapter's modules are on the model's path")
	}
	return nil
}
