package sdk

import (
	"context"

	"github.com/tunelab/tunelab/framework/spec"
)

// Method is what an author implements and hands to Serve. The host calls
// Describe and Schema before anything else, Run at most once in a process, and
// Predictor only in a fresh process, on the sealed artifacts of a finished run.
type Method interface {
	Describe() spec.Method
	Schema() spec.Schema
	// Estimate predicts cost from the spec and the files; it must not train.
	Estimate(ctx context.Context, in *Input) (spec.Estimate, error)
	// Run adapts the model and writes its result under out.ArtifactDir().
	Run(ctx context.Context, in *Input, out *Output) error
	// Predictor loads the result of a finished run.
	Predictor(ctx context.Context, in *Input) (Predictor, error)
}

// Validator is implemented by a method that checks more than its schema says.
type Validator interface {
	Validate(in *Input) spec.Diagnostics
}

// Predictor answers items in one mode. It calls emit in the items' order.
type Predictor interface {
	Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error
	Close() error
}

// Input is what a method is given.
type Input struct {
	RunID      string
	Spec       spec.Run
	Params     spec.Params       // resolved against the schema
	ModelDir   string            // Hugging Face folder
	Train      string            // path of the JSONL of spec.Example; "" when predicting
	Validation string            // likewise
	Inputs     map[string]string // artifact folders of parent runs, by name (a chained method: by stage)
	Artifacts  string            // predicting: the finished run's artifact folder
	WorkDir    string
	CacheDir   string
	Checkpoint string // folder to resume from; "" to start fresh

	HostAddress string // where Features asks; "": no host serves
}
