package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/features"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
)

// feature fits a small classifier on hidden states of the frozen model.
type feature struct{}

func (feature) Describe() spec.Method {
	return spec.Method{
		Name: "feature", Version: "0.1.0", Family: "classic",
		Summary:  "the frozen model as feature extractor, a small classifier on top, solved to convergence",
		Citation: "Peters et al. 2019, To Tune or Not to Tune?, section 2; classifiers as in scikit-learn (Pedregosa et al. 2011)",
		Tasks:    []string{spec.Classification},
		Engines:  compute.Engines(),
		Modes:    []string{spec.ModeLabels},
		Trains:   true,
	}
}

func (feature) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "features", Type: "string", Default: features.Both, Choices: []string{features.CLS, features.Last, features.Mean, features.Both}, Description: "hidden state of the first token (cls: encoders alone), of the last, the mean over tokens, or the last and the mean together", Source: "Peters et al. 2019, section 2"},
		{Name: "layer", Type: "int", Default: -1, Min: spec.At(-1), Description: "which hidden state: 0 the embeddings, n that after the n-th block; the last one, also -1, stands after the final norm", Source: "transformers, output_hidden_states"},
		{Name: "classifier", Type: "string", Default: logistic, Choices: []string{logistic, svm, mlp}, Description: "multinomial logistic regression, one-against-rest SVM with squared hinge, or one hidden layer of tanh units", Source: "scikit-learn LogisticRegression, LinearSVC, MLPClassifier"},
		{Name: "c", Type: "float", Default: 1.0, Min: spec.At(1e-6), Max: spec.At(1e6), Description: "weight of the data against the L2 penalty", Source: "scikit-learn LogisticRegression, C"},
		{Name: "hidden", Type: "int", Default: 32, Min: spec.At(1), Max: spec.At(4096), Unit: "units", Description: "width of the mlp", Source: "scikit-learn MLPClassifier, hidden_layer_sizes"},
		{Name: "max_length", Type: "int", Default: 0, Min: spec.At(0), Unit: "tokens", Description: "inputs are cut at this length; 0: the task's, else the model's context", Source: "TRL SFTConfig, max_length"},
	}}
}

const classifierFile = "classifier.json"

// processBytes is what the process takes beside the model, the examples and what
// is solved.
const processBytes = 24 << 20

// Estimate rehearses the features of both splits. FLOPs are those of the training
// split's; how long the solver will take nobody knows. The vectors are in memory
// as they are and once more while they are standardised and kept.
func (f feature) Estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	var texts [2][]string
	for i, path := range []string{in.Train, in.Validation} {
		examples, err := sdk.ReadExamples(path)
		if err != nil {
			return spec.Estimate{}, err
		}
		texts[i] = inputs(examples)
	}
	n, err := features.Rehearse(ctx, options(in), texts[0], texts[1])
	if err != nil {
		return spec.Estimate{}, err
	}
	c := classifier{Kind: in.Params.String("classifier"), Labels: len(in.Spec.Task.Labels), In: n.Width, Hidden: in.Params.Int("hidden")}
	return spec.Estimate{TotalParams: n.Params, TrainableParams: int64(c.weights()), FLOPs: n.FLOPs, Calls: tune.Calls(n.Calls),
		MemoryBytes: processBytes + n.Bytes + 2*8*int64((len(texts[0])+len(texts[1]))*n.Width)}, nil
}

func (f feature) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	labels := in.Spec.Task.Labels
	if len(labels) < 2 {
		return sdk.Fail("task.labels", "feature needs a task with at least two labels", "choose a classification task")
	}
	train, err := sdk.ReadExamples(in.Train)
	if err != nil {
		return err
	}
	if len(train) == 0 {
		return sdk.Fail("task", "the training split is empty", "give training examples")
	}
	y := make([]int, len(train))
	for i, e := range train {
		if y[i] = e.Label; e.Label < 0 || e.Label >= len(labels) {
			return fmt.Errorf("example %s: label %d is outside 0..%d; check the task's labels", e.ID, e.Label, len(labels)-1)
		}
	}
	x, err := newExtractor(in)
	if err != nil {
		return err
	}
	defer x.Close()
	rows, err := extract(ctx, x, inputs(train), out)
	if err != nil {
		return err
	}
	c := &classifier{Kind: in.Params.String("classifier"), Labels: len(labels), In: len(rows[0].X), Hidden: in.Params.Int("hidden")}
	s, err := c.fit(rows, y, in.Params.Float("c"), spec.Stream(in.Spec.Seed, spec.StreamInit))
	if err != nil {
		return err
	}
	if err := report(in, out, rows, s); err != nil {
		return err
	}
	out.Cost().LabelledExamples, out.Cost().TrainableParams = int64(len(train)), int64(len(c.W))
	out.Metric("train/accuracy", 0, c.accuracy(rows, y))
	if err := validate(ctx, in, out, x, c); err != nil {
		return err
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write the classifier: %w", err)
	}
	return os.WriteFile(filepath.Join(out.ArtifactDir(), classifierFile), raw, 0o644)
}

// report records how the solver ended, and what features and solver cost. A
// linear classifier that is not solved fails the run: its score would depend on
// where the solver stopped. The mlp has no one solution to reach.
func report(in *sdk.Input, out *sdk.Output, rows []features.Row, s solution) error {
	converged, cut := 0.0, 0
	if s.converged {
		converged = 1
	}
	cost := out.Cost()
	cost.FLOPs = s.flops
	for _, r := range rows {
		cost.TrainTokens += int64(r.Tokens)
		cost.FLOPs += r.FLOPs
		if r.Cut > 0 {
			cut++
		}
	}
	if cut > 0 {
		out.Log("warning", fmt.Sprintf("of %d training examples %d were cut to the maximum length", len(rows), cut))
	}
	out.Metric("data/cut", 0, float64(cut))
	out.Metric("feature/iterations", 0, float64(s.iterations))
	out.Metric("feature/objective", 0, s.objective)
	out.Metric("feature/grad_norm", 0, s.gradient)
	out.Metric("feature/converged", 0, converged)
	if !s.converged && in.Params.String("classifier") != mlp {
		return sdk.Fail("params.c", fmt.Sprintf("the classifier is not solved after %d iterations: largest partial derivative %.3g, wanted %g", s.iterations, s.gradient, solvedTolerance),
			"lower c: a weaker penalty takes longer")
	}
	return nil
}

func validate(ctx context.Context, in *sdk.Input, out *sdk.Output, x *features.Extractor, c *classifier) error {
	val, err := sdk.ReadExamples(in.Validation)
	if err != nil || len(val) == 0 {
		return err
	}
	rows, err := extract(ctx, x, inputs(val), out)
	if err != nil {
		return err
	}
	y := make([]int, len(val))
	for i, e := range val {
		y[i] = e.Label
	}
	out.Metric("eval/accuracy", 0, c.accuracy(rows, y))
	return nil
}

func (c *classifier) accuracy(rows []features.Row, y []int) float64 {
	hits := 0
	for i, r := range rows {
		s, best := c.scores(r.X), 0
		for k := range s {
			if s[k] > s[best] {
				best = k
			}
		}
		if best == y[i] {
			hits++
		}
	}
	return float64(hits) / float64(len(y))
}

func inputs(ex []spec.Example) []string {
	out := make([]string, len(ex))
	for i, e := range ex {
		out[i] = e.Input
	}
	return out
}

func (feature) Predictor(ctx context.Context, in *sdk.Input) (sdk.Predictor, error) {
	path := filepath.Join(in.Artifacts, classifierFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the classifier: %w", err)
	}
	var c classifier
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.check(len(in.Spec.Task.Labels)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	x, err := newExtractor(in)
	if err != nil {
		return nil, err
	}
	return &predictor{x, &c}, nil
}

type predictor struct {
	x *features.Extractor
	c *classifier
}

func (p *predictor) Close() error {
	p.x.Close()
	return nil
}

func (p *predictor) Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	if mode != spec.ModeLabels {
		return fmt.Errorf("prediction mode %q is not one feature answers; it scores labels", mode)
	}
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = it.Input
	}
	rows, err := p.x.Rows(ctx, texts, nil)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if len(r.X) != p.c.In {
			return fmt.Errorf("the classifier takes %d features, the model gives %d: it was fitted on another model or with other settings", p.c.In, len(r.X))
		}
		if err := emit(spec.Prediction{ID: items[i].ID, Scores: p.c.scores(r.X), PromptTokens: r.Tokens, FLOPs: r.FLOPs}); err != nil {
			return err
		}
	}
	return nil
}
