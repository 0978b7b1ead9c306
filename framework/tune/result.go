package tune

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// result describes what Run left in the artifact folder, for Predictor.
type result struct {
	Objective string `json:"objective"`
	MaxLength int    `json:"max_length"`
	Labels    int    `json:"labels,omitempty"`
}

// HeadFile holds the label head in the result of a run that trained one on a
// decoder, or that trained nothing else on an encoder.
const HeadFile = "score.safetensors"

const (
	resultFile = "tunelab.json"
	headName   = "score.weight"
)

// save writes the adapter, a decoder's label head and how to use them.
func (tr *trainer) save() error {
	dir := tr.out.ArtifactDir()
	if err := tr.attached.Save(dir); err != nil {
		return err
	}
	r := result{Objective: Completion, MaxLength: tr.maxLen}
	if tr.labels != nil {
		r.Objective, r.Labels = Classify, len(tr.in.Spec.Task.Labels)
	}
	if h, ok := tr.labels.(lastToken); ok {
		err := checkpoint.WriteSafetensors(filepath.Join(dir, HeadFile), []checkpoint.Tensor{{Name: headName, Shape: h.w.T.Shape, Data: h.w.Data()}}, nil)
		if err != nil {
			return err
		}
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, resultFile), append(raw, '\n'), 0o644)
}

// ReadHead reads the label head, [labels, width], that a run trained on a decoder
// of that width (rlhf: one number for the reward), from its result in dir.
func ReadHead(dir string, labels, width int) (checkpoint.Tensor, error) {
	return checkpoint.ReadTensor(filepath.Join(dir, HeadFile), headName, []int{labels, width})
}

// verify loads what was saved into a fresh model and asks for the same
// validation loss: an adapter or head that does not load would otherwise give
// the base model's answers (pitfalls of strict=False loading).
func (m *method) verify(tr *trainer) error {
	p, err := m.load(tr.in, tr.out.ArtifactDir())
	if err != nil {
		return fmt.Errorf("load what was just saved: %w", err)
	}
	split := &encoded{seqs: tr.val.seqs}
	if len(split.seqs) == 0 {
		split.seqs = tr.train.seqs
	}
	split.seqs = split.seqs[:min(len(split.seqs), 8)]
	want, err := tr.objective.evaluate(split)
	if err != nil {
		return err
	}
	got, err := p.objective().evaluate(split)
	if err != nil {
		return err
	}
	if want.loss != got.loss {
		return fmt.Errorf("the saved result does not give the trained model's numbers: loss %v after loading, %v before", got.loss, want.loss)
	}
	return nil
}

func (m *method) Predictor(ctx context.Context, in *sdk.Input) (sdk.Predictor, error) {
	return m.load(in, in.Artifacts)
}

func (m *method) load(in *sdk.Input, dir string) (*Predictor, error) {
	raw, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil {
		return nil, fmt.Errorf("read the run's result: %w", err)
	}
	var r result
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, resultFile), err)
	}
	if is, err := encoder.In(in.ModelDir); err != nil {
		return nil, err
	} else if is {
		return m.loadEncoder(in, dir, r)
	}
	lm, err := Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return nil, err
	}
	if c, ok := m.a.(TaskChecker); ok {
		if err := c.CheckTask(in.Spec.Task, lm.Tok, dir); err != nil {
			return nil, err
		}
	}
	if lm.Model, err = m.a.Restore(lm.Model, in.Params, dir); err != nil {
		return nil, err
	}
	p := &Predictor{LM: lm, Task: in.Spec.Task, Seed: in.Spec.Seed, MaxLength: r.MaxLength}
	if r.Objective == Classify {
		t, err := ReadHead(dir, r.Labels, lm.Model.Config().HiddenSize)
		if err != nil {
			return nil, err
		}
		p.labels = lastToken{lm.Model, lm.Tok, autograd.NewParam(lm.Model.Engine(), headName, t.Shape, t.Data)}
	}
	return p, nil
}
