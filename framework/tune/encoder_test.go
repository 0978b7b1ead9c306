package tune_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// output trains the label head alone and keeps it in the harness's file.
type output struct{ norms }

func (output) AttachEncoder(c *encoder.Classifier, _ tune.Request) (tune.Attached, error) {
	c.Encoder().Freeze()
	return outputOf{c}, nil
}

func (output) RestoreEncoder(c *encoder.Classifier, _ spec.Params, dir string) (*encoder.Classifier, error) {
	return c, c.LoadHead(dir + "/" + tune.HeadFile)
}

type outputOf struct{ c *encoder.Classifier }

func (o outputOf) Params() []*autograd.Param { return o.c.New() }
func (o outputOf) Save(dir string) error     { return o.c.SaveHead(dir + "/" + tune.HeadFile) }

// A run that no encoder can make is refused before it starts, and says what to
// do; a decoder's runs are not.
func TestWhatAnEncoderDoesNotDo(t *testing.T) {
	folder := tunetest.Folder(t, encoder.BERT)
	for name, c := range map[string]struct {
		a      tune.Adapter
		d      tunetest.Data
		params map[string]any
		path   string
		want   string
	}{
		"generation":           {output{}, tunetest.Completion(spec.Generation), nil, "model", "an encoder does not write: the generation task next has no labels"},
		"completion of labels": {output{}, tunetest.Classification(), map[string]any{"objective": tune.Completion}, "params.objective", "which an encoder does not"},
		"a decoder's adapter":  {norms{}, tunetest.Classification(), nil, "model", "norms is made for decoders"},
	} {
		m, o := tune.Method(c.a), tunetest.Options{Params: c.params}
		ds := m.(sdk.Validator).Validate(tunetest.Input(t, m, folder, c.d, o))
		if len(ds) != 1 || ds[0].Path != c.path || !strings.Contains(ds[0].Summary, c.want) || ds[0].Detail == "" {
			t.Errorf("%s: %v, expected %q of %s", name, ds, c.want, c.path)
		}
		if _, err := tunetest.TryRun(t, m, folder, c.d, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: a run gives %v, expected %q", name, err, c.want)
		}
		if ds := m.(sdk.Validator).Validate(tunetest.Input(t, m, tunetest.Folder(t, checkpoint.Llama), c.d, o)); len(ds) != 0 {
			t.Errorf("%s: a decoder is refused: %v", name, ds)
		}
	}
	if _, err := tune.Open(folder, spec.Compute{}); err == nil || !strings.Contains(err.Error(), "an encoder does not write") {
		t.Errorf("an encoder opened to write: %v", err)
	}
}

func TestAnEncoderAnswersLabelsAlone(t *testing.T) {
	folder, d, m := tunetest.Folder(t, encoder.DistilBERT), tunetest.Classification(), tune.Method(output{})
	d.Validation[0].Input = strings.Repeat("see the sea ", tunetest.Context) // cut
	r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1, "max_length": 9}})
	for i, p := range r.Predict(t, m, d, spec.ModeLabels) {
		if len(p.Scores) != 2 || p.PromptTokens < 4 || p.PromptTokens > 9 || i == 0 && p.PromptTokens != 9 || p.FLOPs < 2*float64(tunetest.Layers*tunetest.Hidden*tunetest.Hidden) {
			t.Errorf("item %s: scores %v, %d tokens, %g FLOPs", p.ID, p.Scores, p.PromptTokens, p.FLOPs)
		}
	}
	for _, mode := range []string{spec.ModeChoices, spec.ModeLogprobs, spec.ModeGenerate} {
		if _, err := r.TryPredict(t, m, d, mode); err == nil || !strings.Contains(err.Error(), "an encoder does not write") {
			t.Errorf("mode %s: %v", mode, err)
		}
	}
	d.Task.Labels = append(slices.Clone(d.Task.Labels), "green")
	if _, err := r.TryPredict(t, m, d, spec.ModeLabels); err == nil || !strings.Contains(err.Error(), "tells 2 labels apart, the task has 3") {
		t.Errorf("a task of other labels: %v", err)
	}
}

// A text longer than the context is cut to it, in training as in prediction.
func TestLongTextsOfAnEncoder(t *testing.T) {
	folder, d, m := tunetest.Folder(t, encoder.BERT), tunetest.Classification(), tune.Method(output{})
	long := strings.Repeat("see the sea ", tunetest.Context)
	for i := range d.Validation {
		d.Validation[i].Input = long + strings.Repeat("and more ", i)
	}
	r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	all := r.Predict(t, m, d, spec.ModeLabels)
	in := *r.In
	in.Artifacts = r.Artifacts
	p, err := m.Predictor(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	err = p.Predict(context.Background(), spec.ModeLabels, []spec.Item{{ID: "x", Input: long}}, func(pr spec.Prediction) error {
		for _, a := range all {
			if a.PromptTokens != tunetest.Context+2 || !slices.Equal(a.Scores, pr.Scores) {
				t.Errorf("item %s: %d tokens, scores %v, of the text without what is cut %v", a.ID, a.PromptTokens, a.Scores, pr.Scores)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if want := "warning: of 8 validation examples 8 were cut to 50 tokens, 0 dropped as too long and 0 for having no answer"; !slices.Contains(r.Logs, want) {
		t.Errorf("log %q, expected %q", r.Logs, want)
	}
}
