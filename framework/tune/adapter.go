package tune

import (
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Adapter is a way to adapt a model, for authors who leave the run to this
// package.
type Adapter interface {
	// Describe says what the method is; the harness fills in modes, resume
	// and what else follows from it.
	Describe() spec.Method
	// Schema lists the parameters of the adapter itself. The training
	// parameters (TrainingSchema) are added by the harness; a parameter here
	// of the same name replaces the harness's, default included.
	Schema() spec.Schema
	// Attach freezes and extends the model.
	Attach(m *model.Model, r Request) (Attached, error)
	// Restore attaches what Save wrote, strictly: a missing or unexpected
	// tensor is an error. It may return another model in place of m.
	Restore(m *model.Model, p spec.Params, dir string) (*model.Model, error)
}

// EncoderAdapter is implemented by an Adapter that works on encoders too. There
// a run trains labels alone, and the label head is that of transformers' class
// for sequence classification: it belongs to the model, so that the adapter
// trains it, saves it and restores it.
type EncoderAdapter interface {
	// AttachEncoder is Attach. Parameters that train include c.New().
	AttachEncoder(c *encoder.Classifier, r Request) (Attached, error)
	// RestoreEncoder is Restore: the head's new weights must be set.
	RestoreEncoder(c *encoder.Classifier, p spec.Params, dir string) (*encoder.Classifier, error)
}

// Request is what Attach is told of the run.
type Request struct {
	Params   spec.Params
	Classify bool       // a label head takes the output layer's place
	RNG      *rand.Rand // the run's "init" stream
	Task     spec.Task
	Tok      *tokenizer.Tokenizer
	// Probe is a few examples' tokens, on which a result can be compared with
	// the model it was made from.
	// Of an encoder it is EncoderProbe.
	Probe        model.Batch
	EncoderProbe encoder.Batch
	// Metric records a figure of the adapter's own at the run's current step.
	// It may be called in Attach and in Save.
	Metric func(name string, value float64)
	Log    func(level, message string)
}

// Attached is an adapter on a model.
type Attached interface {
	// Params are the parameters that train, in a fixed order. The label head
	// of a decoder is added by the harness.
	Params() []*autograd.Param
	// Save writes the result to the folder dir.
	Save(dir string) error
}

// TaskChecker is implemented by an Adapter whose result answers only the way
// of asking that it was trained on: CheckTask refuses, before Restore, a
// result in dir that does not fit the task's templates.
type TaskChecker interface {
	CheckTask(t spec.Task, tok *tokenizer.Tokenizer, dir string) error
}

// Dropper is implemented by an adapter with dropout: it is told the key of
// the masks before each forward pass, so that a resumed run drops the same
// units. Outside training no key is given and nothing may be dropped.
type Dropper interface{ DropoutKey(key uint64) }
