package tune

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"

	_ "github.com/tunelab/tunelab/framework/compute/cpu" // the engines that a run can name
	_ "github.com/tunelab/tunelab/framework/compute/ref"
)

// Serve runs an adapter as a plugin; it is all that an adapter's main needs.
func Serve(a Adapter) { sdk.Serve(Method(a)) }

// Method makes an adapter a whole method.
func Method(a Adapter) sdk.Method { return &method{a} }

type method struct{ a Adapter }

// result describes what Run left in the artifact folder, for Predictor.
type result struct {
	Objective string `json:"objective"`
	MaxLength int    `json:"max_length"`
	Labels    int    `json:"labels,omitempty"`
}

// HeadFile holds the label head in the result of a run that trained one.
const HeadFile = "score.safetensors"

const (
	resultFile = "tunelab.json"
	headName   = "score.weight"
)

func (m *method) Describe() spec.Method {
	d := m.a.Describe()
	d.Trains, d.Resume, d.Engines = true, true, compute.Engines()
	if d.Tasks == nil {
		d.Tasks = []string{spec.Classification, spec.Generation, spec.Instruction, spec.Preference}
	}
	if d.Modes == nil {
		d.Modes = []string{spec.ModeLabels, spec.ModeChoices, spec.ModeGenerate, spec.ModeLogprobs}
	}
	return d
}

func (m *method) Schema() spec.Schema { return Merge(m.a.Schema()) }

// prepare loads the model, encodes the data and attaches the adapter. All
// randomness comes from named streams, opened before anything is built. out is
// nil where nothing runs.
func (m *method) prepare(in *sdk.Input, out *sdk.Output) (*trainer, error) {
	lm, err := Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return nil, err
	}
	task := in.Spec.Task
	classify, err := wantsHead(task, in.Params.String("objective"))
	if err != nil {
		return nil, err
	}
	tr := &trainer{in: in, out: out, m: lm.Model, maxLen: maxLength(in, lm)}
	if err := tr.encode(lm.Tok, classify); err != nil {
		return nil, err
	}
	rng := spec.Stream(in.Spec.Seed, spec.StreamInit)
	tr.attached, err = m.a.Attach(lm.Model, Request{Params: in.Params, Classify: classify, RNG: rng, Task: task, Tok: lm.Tok,
		Probe: tr.probe(), Metric: tr.metric, Log: tr.log})
	if err != nil {
		return nil, err
	}
	if c := lm.Model.ContextLength(); c < tr.maxLen { // the adapter took positions for itself
		tr.maxLen = c
		if err := tr.encode(lm.Tok, classify); err != nil {
			return nil, err
		}
	}
	tr.params = tr.attached.Params()
	if classify && lm.Model.Head().Adapt != nil {
		return nil, sdk.Fail("params.target_modules", "lm_head takes no part in the loss of a label head", "leave it out, or train with the completion objective")
	}
	if classify {
		start := spec.Stream(in.Spec.Seed, spec.StreamInit+"/head") // of its own, so that every method starts from the same head
		data := make([]float32, len(task.Labels)*lm.Model.Config().HiddenSize)
		for i := range data { // transformers: normal with the config's initializer_range, 0.02
			data[i] = float32(start.NormFloat64() * 0.02)
		}
		tr.head = autograd.NewParam(lm.Model.Engine(), headName, []int{len(task.Labels), lm.Model.Config().HiddenSize}, data)
		tr.head.Trainable = true
		tr.params = append(tr.params, tr.head)
	}
	if len(tr.params) == 0 {
		return nil, sdk.Fail("params", "no parameter trains", "choose target modules that the model has, or the classify objective")
	}
	return tr, nil
}

func wantsHead(t spec.Task, objective string) (bool, error) {
	switch objective {
	case Classify:
		if len(t.Labels) == 0 {
			return false, sdk.Fail("params.objective", "classify needs a task with labels; task "+t.Name+" has none", "use completion")
		}
		return true, nil
	case Completion:
		return false, nil
	}
	return len(t.Labels) > 0, nil
}

func maxLength(in *sdk.Input, lm *LM) int {
	n := in.Params.Int("max_length")
	if n == 0 {
		n = in.Spec.Task.MaxLength
	}
	if c := lm.Model.ContextLength(); n == 0 || n > c {
		n = c
	}
	return n
}

func (m *method) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	tr, err := m.prepare(in, out)
	if err != nil {
		return err
	}
	if err := tr.plan(); err != nil {
		return err
	}
	cost := out.Cost()
	cost.LabelledExamples = int64(len(tr.train.seqs))
	for _, p := range tr.params {
		cost.TrainableParams += int64(p.Len())
	}
	tr.describeData()
	tr.opt = optim.NewAdamW(tr.params, optim.Config{WeightDecay: in.Params.Float("weight_decay")})
	tr.opt.DecayOnly(func(p *autograd.Param) bool { return len(p.T.Shape) > 1 })
	if in.Checkpoint != "" {
		if err := tr.resume(in.Checkpoint); err != nil {
			return err
		}
	} else if err := tr.evaluate(); err != nil {
		return err
	}
	err = tr.run()
	cost.TrainTokens, cost.FLOPs = tr.tokens, tr.flops
	if err != nil {
		return err
	}
	if err := tr.save(); err != nil {
		return err
	}
	return m.verify(tr)
}

// save writes the adapter, the label head and how to use them.
func (tr *trainer) save() error {
	dir := tr.out.ArtifactDir()
	if err := tr.attached.Save(dir); err != nil {
		return err
	}
	r := result{Objective: Completion, MaxLength: tr.maxLen}
	if tr.head != nil {
		r.Objective, r.Labels = Classify, tr.head.T.Shape[0]
		err := checkpoint.WriteSafetensors(filepath.Join(dir, HeadFile), []checkpoint.Tensor{{Name: headName, Shape: tr.head.T.Shape, Data: tr.head.Data()}}, nil)
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
	want, err := evaluate(tr.m, tr.head, split)
	if err != nil {
		return err
	}
	got, err := evaluate(p.LM.Model, p.Head, split)
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
		t, err := checkpoint.ReadTensor(filepath.Join(dir, HeadFile), headName, []int{r.Labels, lm.Model.Config().HiddenSize})
		if err != nil {
			return nil, err
		}
		p.Head = autograd.NewParam(lm.Model.Engine(), headName, t.Shape, t.Data)
	}
	return p, nil
}
