package embed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
)

// readStrict fills v from a JSON file and refuses a field that v does not have. A
// file that is not there leaves v as it is; ok tells.
func readStrict(path string, v any) (ok bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}

// mustBe refuses a stated value that is not the one supported.
func mustBe(path, field string, value *string, only string) error {
	if value != nil && *value != only {
		return fmt.Errorf("%s: %s: %q is not supported, only %s", path, field, *value, only)
	}
	return nil
}

type kwargs map[string]json.RawMessage

type transformerSettings struct {
	MaxLength *int    `json:"max_seq_length"`
	LowerCase bool    `json:"do_lower_case"`
	Task      *string `json:"transformer_task"`
	Modality  map[string]struct {
		Method *string `json:"method"`
		Output *string `json:"method_output_name"`
	} `json:"modality_config"`
	Output *string `json:"module_output_name"`
	Unpad  *bool   `json:"unpad_inputs"` // how a batch is laid out; no number depends on it

	ModelArgs       kwargs `json:"model_args"`
	ModelKwargs     kwargs `json:"model_kwargs"`
	TokenizerArgs   kwargs `json:"tokenizer_args"`
	ProcessorKwargs kwargs `json:"processor_kwargs"`
	ConfigArgs      kwargs `json:"config_args"`
	ConfigKwargs    kwargs `json:"config_kwargs"`
	Processing      kwargs `json:"processing_kwargs"`
}

// settingsFiles are the names that a transformer's settings have had.
var settingsFiles = []string{"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_camembert_config.json",
	"sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json"}

func (r *recipe) readTransformer(dir string) error {
	r.dir = dir
	var s transformerSettings
	var path string
	for _, name := range settingsFiles {
		path = filepath.Join(dir, name)
		if ok, err := readStrict(path, &s); err != nil {
			return err
		} else if ok {
			break
		}
	}
	err := errors.Join(mustBe(path, "transformer_task", s.Task, "feature-extraction"), mustBe(path, "module_output_name", s.Output, "token_embeddings"))
	if text, ok := s.Modality["text"]; ok {
		err = errors.Join(err, mustBe(path, "modality_config.text.method", text.Method, "forward"), mustBe(path, "modality_config.text.method_output_name", text.Output, "last_hidden_state"))
	} else if s.Modality != nil {
		err = errors.Join(err, fmt.Errorf("%s: modality_config: has no text", path))
	}
	// Of these arguments no number in float32 depends on the ones that are let through.
	for _, a := range []struct {
		name     string
		args     kwargs
		harmless []string
	}{
		{"model_args", s.ModelArgs, harmlessToModel}, {"model_kwargs", s.ModelKwargs, harmlessToModel},
		{"tokenizer_args", s.TokenizerArgs, harmlessToTokenizer}, {"processor_kwargs", s.ProcessorKwargs, harmlessToTokenizer},
		{"config_args", s.ConfigArgs, nil}, {"config_kwargs", s.ConfigKwargs, nil}, {"processing_kwargs", s.Processing, nil},
	} {
		for name := range a.args {
			if !slices.Contains(a.harmless, name) && name != "trust_remote_code" {
				err = errors.Join(err, fmt.Errorf("%s: %s: %s is not supported", path, a.name, name))
			}
		}
	}
	if err != nil {
		return err
	}
	r.lowerCase = s.LowerCase
	return r.readLength(dir, path, s.MaxLength)
}

var (
	harmlessToModel     = []string{"torch_dtype", "dtype", "attn_implementation", "add_pooling_layer", "low_cpu_mem_usage", "device_map", "use_safetensors"}
	harmlessToTokenizer = []string{"padding_side", "use_fast"}
)

// readLength reads the length from the settings, or what the tokenizer says.
func (r *recipe) readLength(dir, path string, stated *int) error {
	if stated != nil {
		if r.maxLength = *stated; r.maxLength < 1 {
			return fmt.Errorf("%s: max_seq_length: %d is not positive", path, r.maxLength)
		}
	}
	path = filepath.Join(dir, tokenizer.ConfigFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var t struct {
		MaxLength float64 `json:"model_max_length"` // a huge number means none
		Side      *string `json:"truncation_side"`
	}
	if err := checkpoint.ParseJSON(raw, &t); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if t.MaxLength >= 1 && t.MaxLength < math.MaxInt32 {
		r.tokenizerLength = int(t.MaxLength)
	}
	return mustBe(path, "truncation_side", t.Side, "right")
}

// limit is where texts are cut for a model whose context has so many tokens: what
// the settings say, else the lesser of the tokenizer's limit and the context.
func (r *recipe) limit(context int) int {
	switch {
	case r.maxLength > 0:
		return r.maxLength
	case r.tokenizerLength > 0:
		return min(r.tokenizerLength, context)
	}
	return context
}

func (r *recipe) readPooling(dir string) error {
	path := filepath.Join(dir, "config.json")
	var s struct {
		Mode      json.RawMessage `json:"pooling_mode"`
		CLS       bool            `json:"pooling_mode_cls_token"`
		Max       bool            `json:"pooling_mode_max_tokens"`
		Mean      bool            `json:"pooling_mode_mean_tokens"`
		MeanSqrt  bool            `json:"pooling_mode_mean_sqrt_len_tokens"`
		Weighted  bool            `json:"pooling_mode_weightedmean_tokens"`
		LastToken bool            `json:"pooling_mode_lasttoken"`
		Prompt    *bool           `json:"include_prompt"`
		Width     int             `json:"embedding_dimension"` // the model has it
		OldWidth  int             `json:"word_embedding_dimension"`
	}
	if ok, err := readStrict(path, &s); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%s: is missing; it says how to pool", path)
	}
	var one string
	switch {
	case s.Mode == nil || string(s.Mode) == "null":
		for _, old := range []struct {
			on   bool
			mode string
		}{{s.CLS, CLS}, {s.Max, Max}, {s.Mean, Mean}, {s.MeanSqrt, MeanSqrt}, {s.Weighted, WeightedMean}, {s.LastToken, LastToken}} {
			if old.on {
				r.pooling = append(r.pooling, old.mode)
			}
		}
		if r.pooling == nil {
			r.pooling = []string{Mean}
		}
	case json.Unmarshal(s.Mode, &one) == nil:
		r.pooling = []string{one}
	default:
		if err := json.Unmarshal(s.Mode, &r.pooling); err != nil {
			return fmt.Errorf("%s: pooling_mode: %w", path, err)
		}
	}
	for _, mode := range r.pooling {
		if !slices.Contains(Poolings[1:], mode) {
			return fmt.Errorf("%s: pooling_mode: %q is not supported; supported are %s", path, mode, strings.Join(Poolings[1:], ", "))
		}
	}
	r.skipPrompt = s.Prompt != nil && !*s.Prompt
	return nil
}
