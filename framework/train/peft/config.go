package peft

import (
	"fmt"
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Ways to draw A; B is zero in each.
const (
	InitDefault  = "default"  // uniform in +-1/sqrt(in): kaiming_uniform_ with a = sqrt(5)
	InitGaussian = "gaussian" // normal with standard deviation 1/r
)

// Which biases train beside the adapter (PEFT's LoraConfig.bias).
const (
	BiasNone = "none"
	BiasAll  = "all"       // every bias of the model
	BiasLoRA = "lora_only" // those of the adapted layers
)

// AllLinear is the target pattern for every linear layer but the output layer.
const AllLinear = "all-linear"

// Config says what a LoRA adapter is; the fields and their meaning are those
// of PEFT's LoraConfig.
type Config struct {
	// Rank r of the update; default 8.
	Rank int
	// Alpha is the numerator of the scale; default 8.
	Alpha float64
	// Dropout is the probability that an element of the adapter's input is
	// dropped while training, in [0, 1); default 0.
	Dropout float64
	// Targets are the modules to adapt, each pattern one of
	//   - AllLinear;
	//   - a module's name or its end on a dot, "q_proj", "mlp.up_proj", "lm_head";
	//   - a regular expression for the whole name, known by a character that
	//     no module name has: `.*\.[01]\.self_attn\..*`.
	// Empty: PEFT's default for the family (DefaultTargets).
	Targets []string
	// RankPattern and AlphaPattern give modules another Rank or Alpha. A key
	// is a regular expression for the end of the module's name, from a dot on;
	// the first that matches counts.
	RankPattern  []Override
	AlphaPattern []Override
	// Exclude are modules that are left out although Targets names them: names,
	// their ends on a dot, or regular expressions for whole names.
	Exclude []string
	// Layers, if any, are the numbers of the blocks in which a name in Targets
	// adapts; a name given whole, and with AllLinear or a regular expression
	// nothing, is bound by them. LayersPattern are the names of the lists that
	// the blocks stand in ("layers", "h"); none: any list.
	Layers        []int
	LayersPattern []string
	// ModulesToSave are modules that train whole beside the adapter and are
	// saved with it: all whose names end so ("embed_tokens", "lm_head", "norm").
	ModulesToSave []string
	// Bias is BiasNone (also when empty), BiasAll or BiasLoRA.
	Bias string
	// DoRA trains the length of each row of W + B A apart from its direction.
	DoRA bool
	// RSLoRA divides Alpha by sqrt(r) in place of r.
	RSLoRA bool
	// Init is InitDefault (also when empty) or InitGaussian.
	Init string
	// Base is recorded as base_model_name_or_path; empty: null.
	Base string
	// TaskType is recorded as task_type; default "CAUSAL_LM", of an encoder none.
	TaskType string
}

// Override is one entry of a rank or alpha pattern.
type Override struct {
	Pattern string
	Value   float64 // of a rank: whole
}

// withDefaults fills in what the zero value leaves open.
func (c Config) withDefaults(family string) Config {
	if c.Rank == 0 {
		c.Rank = 8
	}
	if c.Alpha == 0 {
		c.Alpha = 8
	}
	if len(c.Targets) == 0 {
		c.Targets = DefaultTargets(family)
	}
	if c.Init == "" {
		c.Init = InitDefault
	}
	if c.Bias == "" {
		c.Bias = BiasNone
	}
	if c.TaskType == "" && slices.Contains(checkpoint.Families(), family) {
		c.TaskType = "CAUSAL_LM"
	}
	return c
}

// validate checks everything that needs no model. Errors begin with the field
// as adapter_config.json names it.
func (c Config) validate() error {
	switch {
	case c.Rank < 1:
		return fmt.Errorf("r: %d is not a rank; give 1 or more", c.Rank)
	case !(c.Alpha > 0) || math.IsInf(c.Alpha, 0):
		return fmt.Errorf("lora_alpha: %g would switch the adapter off or is no number; give more than 0", c.Alpha)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("lora_dropout: %g is not a probability in [0, 1)", c.Dropout)
	case c.Init != InitDefault && c.Init != InitGaussian:
		return fmt.Errorf("init_lora_weights: %q is not supported; use %q or %q", c.Init, InitDefault, InitGaussian)
	case c.Bias != BiasNone && c.Bias != BiasAll && c.Bias != BiasLoRA:
		return fmt.Errorf("bias: %q is not supported; use %q, %q or %q", c.Bias, BiasNone, BiasAll, BiasLoRA)
	case len(c.LayersPattern) > 0 && len(c.Layers) == 0:
		return fmt.Errorf("layers_pattern: says in which lists layers_to_transform counts, which is missing")
	}
	for _, o := range c.RankPattern {
		if o.Value < 1 || o.Value != math.Trunc(o.Value) || o.Value > math.MaxInt32 {
			return fmt.Errorf("rank_pattern[%q]: %g is not a rank; give a whole number from 1 on", o.Pattern, o.Value)
		}
	}
	for _, o := range c.AlphaPattern {
		if !(o.Value > 0) || math.IsInf(o.Value, 0) {
			return fmt.Errorf("alpha_pattern[%q]: %g would switch the adapter off or is no number; give more than 0", o.Pattern, o.Value)
		}
	}
	return nil
}

// scale is what the update of a module of rank r is multiplied by.
func (c Config) scale(alpha float64, r int) float32 {
	if c.RSLoRA {
		return float32(alpha / math.Sqrt(float64(r)))
	}
	return float32(alpha / float64(r))
}
