package lab

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/train/quant"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/artifact"
)

// mergeProbe is the text on which a merged model must answer as its run does.
const mergeProbe = "One, two, three."

// mergeTolerance is how far a log-probability may be off, in nats: float32
// rounding of logits near 10, many times over.
const mergeTolerance = 1e-3

// nf4Metric is what a method records that adapts a base in NF4 (plugins/qlora).
const nf4Metric = "quant/bits_per_param"

// mergeInto writes the run's base model with the run's adapter, if it has one,
// merged into it, and with its label head, if any. It gives the largest difference
// that merging made to a log-probability of the probe.
func (l *Lab) mergeInto(ctx context.Context, r result, head *labelHead, dir string) (float64, error) {
	job, _, err := l.again(ctx, r.row.ID)
	if err != nil {
		return 0, err
	}
	if parent, err := l.initialisedFrom(ctx, r.row.ID); err != nil {
		return 0, err
	} else if parent != "" {
		return 0, r.cannotMerge(fmt.Sprintf("its adapter is on the result of run %s, not on the base model", parent))
	}
	tmp, err := os.MkdirTemp("", "tunelab-merge-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	if err := l.Artifacts.Materialize(ctx, r.files, tmp, artifact.Copy); err != nil {
		return 0, err
	}
	quantised, err := l.Store.Metrics(ctx, r.row.ID, tracking.MetricFilter{Name: nf4Metric, Limit: 1})
	if err != nil {
		return 0, err
	}
	difference := 0.0
	err = compute.Recover(func() error {
		if isEncoder(job.ModelDir) {
			difference, err = l.mergeEncoder(ctx, r, job, len(quantised) > 0, tmp, dir)
		} else {
			difference, err = l.mergeDecoder(ctx, r, head, job, len(quantised) > 0, tmp, dir)
		}
		return err
	})
	return difference, err
}

// mergeDecoder is mergeInto for a decoder, whose result is in the folder from.
func (l *Lab) mergeDecoder(ctx context.Context, r result, head *labelHead, job run.Job, quantised bool, from, dir string) (float64, error) {
	lm, err := tune.Open(job.ModelDir, spec.Compute{})
	if err != nil {
		return 0, r.cannotMerge(err.Error())
	}
	defer compute.Close(lm.Model.Engine())
	defer lm.Model.Free()
	if quantised && !lm.Model.Config().NF4 {
		if _, err := quant.Freeze(lm.Model); err != nil {
			return 0, err
		}
	}
	merge := func() error { return nil }
	if r.has(peft.ConfigFile) {
		adapter, err := peft.Load(lm.Model, from)
		if err != nil {
			return 0, r.cannotMerge(err.Error())
		}
		merge = adapter.Merge
	}
	before, err := l.sameAsRun(ctx, r, lm, head)
	if err != nil {
		return 0, err
	}
	if err := merge(); err != nil {
		return 0, r.cannotMerge(err.Error())
	}
	after, err := head.probe(lm)
	if err != nil {
		return 0, err
	}
	d := farthest(before, after)
	if !(d <= mergeTolerance) {
		return d, r.cannotMerge(fmt.Sprintf("merging moves a log-probability by %.2g nats", d))
	}
	if err := quant.Thaw(lm.Model); err != nil { // the layers that no adapter is on
		return d, err
	}
	if head != nil {
		err = lm.Model.SaveClassifier(dir, head.LabelHead)
	} else {
		err = lm.Model.Save(dir)
	}
	if err != nil {
		return d, err
	}
	return d, l.addTokenizer(ctx, r.row, dir)
}

// sameAsRun scores the probe with the adapted model, which must do as the run's
// method does: a method may compute otherwise than its files say.
func (l *Lab) sameAsRun(ctx context.Context, r result, lm *tune.LM, head *labelHead) ([]float64, error) {
	got, err := head.probe(lm)
	if err != nil {
		return nil, err
	}
	mode, item := spec.ModeLogprobs, spec.Item{ID: "0", Target: mergeProbe}
	if head != nil {
		mode, item = spec.ModeLabels, spec.Item{ID: "0", Input: mergeProbe}
	}
	var want []float64
	err = l.Predict(ctx, r.row.ID, mode, []spec.Item{item}, func(p spec.Prediction) error {
		if want = p.Logprobs; head != nil {
			want = logSoftmax(p.Scores)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask run %s what its result must answer: %w", r.row.ID, err)
	}
	if d := farthest(got, want); !(d <= mergeTolerance) {
		return nil, r.cannotMerge(fmt.Sprintf("its adapter on its base model gives a log-probability that is %.2g nats off what the run gives: the method computes more than its adapter's file says", d))
	}
	return got, nil
}

// probe gives the log-probabilities of the probe's tokens, or with a label head
// those of its labels.
func (h *labelHead) probe(lm *tune.LM) ([]float64, error) {
	if h == nil {
		ids, n := generate.EncodePair(lm.Tok, "", mergeProbe)
		lp, err := generate.ScoreIDs(lm.Model, [][]int{ids})
		if err != nil {
			return nil, err
		}
		return lp[0][max(n-1, 0):], nil
	}
	b := model.Pack(lm.Tok.Encode(mergeProbe, true))
	t := autograd.NewTape(lm.Model.Engine(), false)
	defer t.Release()
	var logits []float64
	err := autograd.Catch(func() {
		last := t.Rows(lm.Model.Hidden(t, b), []int32{int32(len(b.IDs) - 1)})
		score := t.Const([]int{len(h.Labels), len(h.Score) / len(h.Labels)}, h.Score)
		for _, v := range t.Linear(last, score, nil).Value() {
			logits = append(logits, float64(v))
		}
	})
	return logSoftmax(logits), err
}

// farthest is the largest difference of two lists; +Inf of different lengths.
func farthest(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range a {
		d := math.Abs(a[i] - b[i])
		if math.IsNaN(d) {
			return d
		}
		worst = max(worst, d)
	}
	return worst
}
