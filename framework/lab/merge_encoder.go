package lab

import (
	"context"
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/quant"
	"github.com/tunelab/tunelab/framework/tune"
)

// mergeEncoder is mergeInto for an encoder, whose adapter is in the folder from:
// dir then holds a classifier, and the probe's labels are compared.
func (l *Lab) mergeEncoder(ctx context.Context, r result, job run.Job, quantised bool, from, dir string) (float64, error) {
	e, err := compute.Open("cpu", 0)
	if err != nil {
		return 0, err
	}
	defer compute.Close(e)
	m, err := encoder.Load(job.ModelDir, e, encoder.Options{Classify: true})
	if err != nil {
		return 0, err
	}
	defer m.Free()
	tok, err := tokenizer.Load(job.ModelDir)
	if err != nil {
		return 0, err
	}
	if quantised {
		if _, err := quant.Freeze(m); err != nil {
			return 0, err
		}
	}
	labels := job.Spec.Task.Labels
	c := encoder.NewClassifier(m, len(labels), spec.Stream(job.Spec.Seed, spec.StreamInit))
	adapter, err := tune.LoadEncoderLoRA(c, from)
	if err != nil {
		return 0, r.cannotMerge(err.Error())
	}
	var want []float64
	err = l.Predict(ctx, r.row.ID, spec.ModeLabels, []spec.Item{{ID: "0", Input: mergeProbe}}, func(p spec.Prediction) error {
		want = p.Scores
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("ask run %s what its result must answer: %w", r.row.ID, err)
	}
	if err := adapter.Merge(); err != nil {
		return 0, r.cannotMerge(err.Error())
	}
	got, err := labelScores(c, tok)
	if err != nil {
		return 0, err
	}
	d := farthest(logSoftmax(got), logSoftmax(want))
	if !(d <= mergeTolerance) {
		return d, r.cannotMerge(fmt.Sprintf("merged, a label's log-probability is %.2g nats off what the run gives", d))
	}
	if err := quant.Thaw(m); err != nil { // the layers that no adapter is on
		return d, err
	}
	if err := c.Save(dir, labels); err != nil {
		return d, err
	}
	return d, l.addTokenizer(ctx, r.row, dir)
}

// labelScores are the labels' logits of the probe.
func labelScores(c *encoder.Classifier, tok *tokenizer.Tokenizer) (out []float64, err error) {
	b := encoder.Pack(encoder.Cut(tok.Encode(mergeProbe, true), c.Encoder().ContextLength()))
	t := autograd.NewTape(c.Encoder().Engine(), false)
	defer t.Release()
	err = autograd.Catch(func() {
		for _, v := range c.Logits(t, c.Encoder().Hidden(t, b), b.SeqLens).Value() {
			out = append(out, float64(v))
		}
	})
	return out, err
}

// logSoftmax turns logits into log-probabilities.
func logSoftmax(x []float64) []float64 {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, v)
	}
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v - top - math.Log(sum)
	}
	return out
}
