package tune

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
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
	if is, err := encoder.In(in.ModelDir); err != nil {
		return nil, err
	} else if is {
		return m.prepareEncoder(in, out)
	}
	lm, err := Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return nil, err
	}
	task := in.Spec.Task
	classify, err := wantsHead(task, in.Params.String("objective"))
	if err != nil {
		return nil, err
	}
	cfg := lm.Model.Config()
	tr := &trainer{in: in, out: out, objective: objective{text: lm.Model}, maxLen: maxLength(in, lm.Model.ContextLength()),
		perToken: activations(cfg.HiddenSize, cfg.KVHeads*cfg.HeadDim, cfg.IntermediateSize, cfg.Layers)}
	var head *autograd.Param
	if classify {
		head = newHead(lm.Model, len(task.Labels), headStream(in.Spec.Seed))
		tr.objective = objective{labels: lastToken{lm.Model, lm.Tok, head}}
	}
	if err := tr.encode(lm.Tok); err != nil {
		return nil, err
	}
	probe, _ := pack(tr.probe())
	rng := spec.Stream(in.Spec.Seed, spec.StreamInit)
	tr.attached, err = m.a.Attach(lm.Model, Request{Params: in.Params, Classify: classify, RNG: rng, Task: task, Tok: lm.Tok,
		Probe: probe, Metric: tr.metric, Log: tr.log})
	if err != nil {
		return nil, err
	}
	if c := lm.Model.ContextLength(); c < tr.maxLen { // the adapter took positions for itself
		tr.maxLen = c
		if err := tr.encode(lm.Tok); err != nil {
			return nil, err
		}
	}
	tr.params = tr.attached.Params()
	if classify && lm.Model.Head().Adapt != nil {
		return nil, sdk.Fail("params.target_modules", "lm_head takes no part in the loss of a label head", "leave it out, or train with the completion objective")
	}
	if h := lm.Model.Head(); classify && (h.B != nil && slices.Contains(tr.params, h.B) || h.W != lm.Model.Embedding() && slices.Contains(tr.params, h.W)) {
		return nil, sdk.Fail("params", "the output layer (lm_head) would train, and it takes no part in the loss of a label head", "leave it out of modules_to_save, take bias lora_only or none, or train with the completion objective")
	}
	if classify {
		tr.params = append(tr.params, head)
	}
	if len(tr.params) == 0 {
		return nil, sdk.Fail("params", "no parameter trains", "choose target modules that the model has, or the classify objective")
	}
	return tr, nil
}

// headStream is what a label head is drawn from: a stream of its own, so that
// every method starts from the same head.
func headStream(seed int64) *rand.Rand { return spec.Stream(seed, spec.StreamInit+"/head") }

// newHead is the label head of a decoder, [labels, C].
func newHead(m *model.Model, labels int, rng *rand.Rand) *autograd.Param {
	c := m.Config().HiddenSize
	data := make([]float32, labels*c)
	for i := range data { // transformers: normal with the config's initializer_range, 0.02
		data[i] = float32(rng.NormFloat64() * 0.02)
	}
	return autograd.NewParam(m.Engine(), headName, []int{labels, c}, data)
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

// maxLength is where examples are cut, of a model with that context.
func maxLength(in *sdk.Input, context int) int {
	n := in.Params.Int("max_length")
	if n == 0 {
		n = in.Spec.Task.MaxLength
	}
	if n == 0 || n > context {
		n = context
	}
	return n
}

func (m *method) Run(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	return WithMemory(func() error { return m.run(in, out) })
}

func (m *method) run(in *sdk.Input, out *sdk.Output) error {
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
	tr.opt.DecayOnly(func(p *autograd.Param) bool {
		return len(p.T.Shape) > 1 && !strings.Contains(p.Name, "bias") // MPNet's relative_attention_bias is a matrix
	})
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
