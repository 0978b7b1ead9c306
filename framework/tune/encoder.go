package tune

import (
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// NeedsDecoder is the Validate of a method that reads and writes text: it
// refuses a run whose model is an encoder. A refusal with the path "model" is
// shown in a study's table as not applicable.
func NeedsDecoder(in *sdk.Input) spec.Diagnostics { return needsDecoder(in.ModelDir) }

// needsDecoder refuses the folder of an encoder. What else may be wrong with a
// folder, loading it says.
func needsDecoder(dir string) spec.Diagnostics {
	if is, err := encoder.In(dir); err != nil || !is {
		return nil
	}
	return refuse(dir, "it predicts no next token to continue a text or to score one with")
}

// refuse says why an encoder will not do, and what to do.
func refuse(dir, why string) spec.Diagnostics {
	var ds spec.Diagnostics
	ds.Add("model", fmt.Sprintf("%s is an encoder, and an encoder does not write: %s", filepath.Base(dir), why),
		"use head, full, lora, qlora or feature on a task with labels, or give a decoder")
	return ds
}

// Validate implements sdk.Validator: what no run can do with the kind of its
// model.
func (m *method) Validate(in *sdk.Input) spec.Diagnostics {
	if is, err := encoder.In(in.ModelDir); err != nil || !is {
		return nil
	}
	task := in.Spec.Task
	if _, ok := m.a.(EncoderAdapter); !ok {
		return refuse(in.ModelDir, m.a.Describe().Name+" is made for decoders")
	}
	if len(task.Labels) == 0 {
		return refuse(in.ModelDir, fmt.Sprintf("the %s task %s has no labels that it could learn", task.Kind, task.Name))
	}
	if in.Params.String("objective") == Completion {
		return spec.Diagnostics{{Severity: "error", Path: "params.objective", Summary: "completion trains a model to write, which an encoder does not", Detail: "use classify"}}
	}
	return nil
}

// prepareEncoder is prepare for the folder of an encoder.
func (m *method) prepareEncoder(e compute.Engine, in *sdk.Input, out *sdk.Output) (*trainer, error) {
	if ds := m.Validate(in); len(ds) > 0 {
		return nil, ds
	}
	net, err := openClassifier(e, in)
	if err != nil {
		return nil, err
	}
	net.GradientCheckpointing(in.Params.Bool("gradient_checkpointing"))
	tr := &trainer{in: in, out: out, objective: objective{labels: net}, maxLen: maxLength(in, net.ContextLength())}
	if err := tr.encode(net.tok); err != nil {
		return nil, err
	}
	tr.attached, err = m.a.(EncoderAdapter).AttachEncoder(net.head, Request{Params: in.Params, Classify: true, RNG: spec.Stream(in.Spec.Seed, spec.StreamInit),
		Task: in.Spec.Task, Tok: net.tok, EncoderProbe: packTyped(tr.probe()), Metric: tr.metric, Log: tr.log})
	if err != nil {
		return nil, err
	}
	tr.params = tr.attached.Params()
	return tr, nil
}

// openClassifier loads the run's encoder with the label head that every method
// starts from.
func openClassifier(e compute.Engine, in *sdk.Input) (*classifier, error) {
	m, err := encoder.Load(in.ModelDir, e, encoder.Options{Classify: true})
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(in.ModelDir)
	if err != nil {
		return nil, err
	}
	return &classifier{m, tok, encoder.NewClassifier(m, len(in.Spec.Task.Labels), headStream(in.Spec.Seed))}, nil
}

// loadEncoder makes the predictor of what a run left in dir.
func (m *method) loadEncoder(in *sdk.Input, dir string, r result) (*Predictor, error) {
	a, ok := m.a.(EncoderAdapter)
	if !ok || r.Objective != Classify {
		return nil, fmt.Errorf("%s: the result in %s is not that of an encoder's label head", in.ModelDir, dir)
	}
	if n := len(in.Spec.Task.Labels); n != r.Labels {
		return nil, fmt.Errorf("the result in %s tells %d labels apart, the task has %d", dir, r.Labels, n)
	}
	e, err := engine(in.Spec.Compute)
	if err != nil {
		return nil, err
	}
	net, err := openClassifier(e, in)
	if err != nil {
		return nil, err
	}
	if net.head, err = a.RestoreEncoder(net.head, in.Params, dir); err != nil {
		return nil, err
	}
	net.Encoder = net.head.Encoder()
	return &Predictor{Task: in.Spec.Task, Seed: in.Spec.Seed, MaxLength: r.MaxLength, labels: net}, nil
}
