package tune

import (
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// objective is what a run trains and is judged by: the logits of a label head,
// or those of a decoder's output layer on completions.
type objective struct {
	text   *model.Model // completions; nil with a label head
	labels labeller     // nil: completions
}

func (o objective) engine() compute.Engine {
	if o.labels != nil {
		return o.labels.Engine()
	}
	return o.text.Engine()
}

func (o objective) paramCount() int64 {
	if o.labels != nil {
		return o.labels.ParamCount()
	}
	return o.text.ParamCount()
}

// loss is the cross-entropy of packed sequences where they carry loss, each
// supervised token (or label) with the given weight, and of completions the
// number of tokens that the model ranks first.
func (o objective) loss(t *autograd.Tape, part []sequence, weight float32) (loss *autograd.Var, hits int) {
	if o.labels != nil {
		logits, targets := o.score(t, part)
		return t.CrossEntropy(logits, targets, slices.Repeat([]float32{weight}, len(targets))), 0
	}
	b, _ := pack(part)
	rows, targets := supervisedRows(part)
	return o.text.Loss(t, t.Rows(o.text.Hidden(t, b), rows), targets, slices.Repeat([]float32{weight}, len(targets)))
}

// score gives the logits [sequences, labels] of a label head, and the labels.
func (o objective) score(t *autograd.Tape, part []sequence) (logits *autograd.Var, targets []int32) {
	for _, s := range part {
		targets = append(targets, s.label)
	}
	return o.labels.logits(t, part), targets
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
func (o objective) evaluate(split *encoded) (quality, error) {
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
		if err := autograd.Catch(func() { o.evaluatePart(part, add) }); err != nil {
			return quality{}, err
		}
	}
	return quality{q.loss / float64(n), float64(hits) / float64(n), q.entropy / float64(n)}, nil
}

// evaluatePart hands over the logits of packed sequences where they carry loss;
// those of the output layer in blocks.
func (o objective) evaluatePart(part []sequence, add func(logits []float32, targets []int32)) {
	t := autograd.NewTape(o.engine(), false)
	defer func() { t.Release() }()
	if o.labels != nil {
		logits, targets := o.score(t, part)
		add(logits.Value(), targets)
		return
	}
	m := o.text
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
