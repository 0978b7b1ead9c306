package tune

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// LoRARate is the default peak learning rate of methods that train low-rank
// adapters only: a larger one than for all weights (1e-3 here), since B starts
// at zero and the update is a product of two small matrices. The optimum is
// about ten times that of full fine-tuning (Schulman et al. 2025, LoRA Without
// Regret); half of that leaves room below divergence on small models.
const LoRARate = 5e-3

// LoRASchema are the parameters of a LoRA adapter, named as in PEFT's
// LoraConfig save for rank and alpha.
func LoRASchema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: LoRARate, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; five times that of full fine-tuning on small models", Source: "Schulman et al. 2025, LoRA Without Regret: the optimum is about ten times full fine-tuning's"},
		{Name: "rank", Type: "int", Default: 8, Min: spec.At(1), Max: spec.At(4096), Description: "r of the update B A", Source: "Hu et al. 2022, section 4.1; default of PEFT"},
		{Name: "alpha", Type: "float", Default: 16.0, Min: spec.At(1e-6), Max: spec.At(1e6), Description: "the update is scaled by alpha / rank", Source: "Hu et al. 2022, section 4.1"},
		{Name: "dropout", Type: "float", Default: 0.0, Min: spec.At(0), Max: spec.At(0.99), Description: "share of the adapter's input that is dropped in training", Source: "default of PEFT"},
		{Name: "target_modules", Type: "strings", Default: []string{}, Description: "modules to adapt: names (q_proj), regular expressions for whole names, or all-linear; none: PEFT's default for the model family", Source: "PEFT LoraConfig"},
		{Name: "use_rslora", Type: "bool", Default: false, Description: "scale by alpha / sqrt(rank)", Source: "Kalajdzievski 2023, section 3"},
		{Name: "use_dora", Type: "bool", Default: false, Description: "also trains the length of each row of the adapted weight, apart from its direction", Source: "Liu et al. 2024, DoRA, section 4.1; PEFT LoraConfig"},
		{Name: "bias", Type: "string", Default: peft.BiasNone, Choices: []string{peft.BiasNone, peft.BiasAll, peft.BiasLoRA}, Description: "biases that train too: none, all of the model's, or those of the adapted layers", Source: "PEFT LoraConfig"},
		{Name: "modules_to_save", Type: "strings", Default: []string{}, Description: "modules that train whole and are saved with the adapter, by the ends of their names (embed_tokens, lm_head, norm)", Source: "PEFT LoraConfig"},
		{Name: "init_lora_weights", Type: "string", Default: peft.InitDefault, Choices: []string{peft.InitDefault, peft.InitGaussian}, Description: "how A is drawn: uniform in +-1/sqrt(inputs), or normal with standard deviation 1/rank; B is 0", Source: "PEFT LoraConfig"},
		{Name: "rank_pattern", Type: "strings", Default: []string{}, Description: "other ranks for some modules, each \"pattern=rank\" with a regular expression for the end of the name; the first that matches counts", Source: "PEFT LoraConfig"},
		{Name: "alpha_pattern", Type: "strings", Default: []string{}, Description: "likewise for alpha", Source: "PEFT LoraConfig"},
	}}
}

// LoRAConfig reads the parameters of LoRASchema.
func LoRAConfig(p spec.Params) (peft.Config, error) {
	c := peft.Config{Rank: p.Int("rank"), Alpha: p.Float("alpha"), Dropout: p.Float("dropout"), Targets: p.Strings("target_modules"),
		RSLoRA: p.Bool("use_rslora"), DoRA: p.Bool("use_dora"), Bias: p.String("bias"), ModulesToSave: p.Strings("modules_to_save"), Init: p.String("init_lora_weights")}
	var err error
	if c.RankPattern, err = overrides("rank_pattern", p); err != nil {
		return c, err
	}
	c.AlphaPattern, err = overrides("alpha_pattern", p)
	return c, err
}

func overrides(name string, p spec.Params) ([]peft.Override, error) {
	var out []peft.Override
	for i, s := range p.Strings(name) {
		at := strings.LastIndexByte(s, '=')
		v, err := strconv.ParseFloat(s[at+1:], 64)
		if at < 1 || err != nil {
			return nil, sdk.Fail(fmt.Sprintf("params.%s[%d]", name, i), fmt.Sprintf("got %q", s), `expected "pattern=number", such as "q_proj=16"`)
		}
		out = append(out, peft.Override{Pattern: s[:at], Value: v})
	}
	return out, nil
}

// LoRA is an adapter in training, whose result is a PEFT folder.
type LoRA struct{ *peft.LoRA }

var (
	_ Attached = (*LoRA)(nil)
	_ Dropper  = (*LoRA)(nil)
)

// AttachLoRA freezes m and puts a new adapter on it; mistakes in the
// configuration come back under the parameter's name.
func AttachLoRA(m *model.Model, c peft.Config, rng *rand.Rand) (*LoRA, error) {
	return attachLoRA(m, c, rng)
}

// AttachEncoderLoRA is AttachLoRA for an encoder with its label head, whose new
// modules train whole and are saved with the adapter, as PEFT's modules_to_save
// of an adapter for sequence classification.
func AttachEncoderLoRA(m *encoder.Classifier, c peft.Config, rng *rand.Rand) (*LoRA, error) {
	c.TaskType = "SEQ_CLS"
	return attachLoRA(m.Encoder(), c, rng, headOf(m))
}

// LoadEncoderLoRA restores what AttachEncoderLoRA made and Save wrote to dir.
func LoadEncoderLoRA(m *encoder.Classifier, dir string) (*LoRA, error) {
	l, err := peft.Load(m.Encoder(), dir, headOf(m))
	return &LoRA{l}, err
}

func headOf(m *encoder.Classifier) peft.Own { return peft.Own{Modules: m.Modules(), Params: m.New()} }

func attachLoRA(m peft.Base, c peft.Config, rng *rand.Rand, own ...peft.Own) (*LoRA, error) {
	l, err := peft.Attach(m, c, rng, own...)
	if err != nil {
		return nil, ParamError(err)
	}
	return &LoRA{l}, nil
}

// ParamError is an error that begins with a parameter's name, such as those of
// peft.Match, as one of the run's parameters.
func ParamError(err error) error {
	field, what, _ := strings.Cut(err.Error(), ": ")
	return sdk.Fail("params."+field, what, "")
}
