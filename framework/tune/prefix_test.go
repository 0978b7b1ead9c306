package tune_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// fronted trains ten virtual tokens before the input.
type fronted struct{ norms }

func (fronted) front(m *model.Model) (*tune.Folder, error) {
	p := autograd.NewParam(m.Engine(), "front", []int{10, tunetest.Hidden}, nil)
	m.Freeze()
	return &tune.Folder{Type: "FRONTED", Train: []*autograd.Param{p}},
		m.SetPrefix(&model.Prefix{Len: 10, Input: func(t *autograd.Tape) *autograd.Var { return t.Param(p) }})
}

func (f fronted) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	a, err := f.front(m)
	data := make([]float32, a.Train[0].Len())
	for i := range data {
		data[i] = float32(r.RNG.NormFloat64()) / 5
	}
	a.Train[0].Set(data)
	return a, err
}

func (f fronted) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	a, err := f.front(m)
	if err != nil {
		return nil, err
	}
	if err := peft.ReadConfig(dir, "FRONTED", nil); err != nil {
		return nil, err
	}
	return m, peft.ReadParams(dir, a.All())
}

func TestAnAdapterWithVirtualTokens(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for name, x := range map[string]tunetest.Case{
		"classify":   {Data: tunetest.Classification(), Trainable: 12 * tunetest.Hidden, Modes: []string{spec.ModeLabels, spec.ModeChoices}},
		"completion": {Data: tunetest.Completion(spec.Generation), Trainable: 10 * tunetest.Hidden, Modes: []string{spec.ModeGenerate, spec.ModeLogprobs}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Folder, x.Frozen, x.Params = folder, true, map[string]any{"learning_rate": 5e-2, "accumulation": 3}
			tunetest.Check(t, fronted{}, x)
		})
	}
}

// What an adapter takes of the context is taken off the examples; the loss
// stands on as many tokens as without it.
func TestVirtualTokensShortenExamples(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Generation)
	d.Train[0].Prompt = strings.Repeat("long ", tunetest.Context) + d.Train[0].Prompt
	o := tunetest.Options{Params: map[string]any{"max_steps": 1, "batch_size": len(d.Train)}}
	with, without := tunetest.Run(t, tune.Method(fronted{}), folder, d, o), tunetest.Run(t, tune.Method(norms{}), folder, d, o)
	want := "warning: of 24 training examples 1 were cut to 38 tokens, 0 dropped as too long and 0 for having no answer"
	if !slices.Contains(with.Logs, want) {
		t.Errorf("log %q, expected %q", with.Logs, want)
	}
	if got, want := with.Cost.TrainTokens, without.Cost.TrainTokens-10; got != want {
		t.Errorf("%d tokens, expected %d", got, want)
	}
	supervised := func(r *tunetest.Record) float64 {
		return r.Last(t, "data/supervised_share") * float64(r.Cost.TrainTokens)
	}
	if a, b := supervised(with), supervised(without); a < b-1e-6 || a > b+1e-6 {
		t.Errorf("%g tokens carry loss, without a prefix %g", a, b)
	}
}
