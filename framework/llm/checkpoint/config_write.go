package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
)

// WriteConfig writes dir/config.json in the form transformers 4 and 5 read, for
// weights of a dtype of WriteSafetensors, which is what transformers then computes
// in.
func WriteConfig(dir string, c Config, dtype string) error {
	family, ok := families[c.Family]
	if !ok {
		return unsupported(c.Family)
	}
	m := map[string]any{
		"model_type":          c.Family,
		"architectures":       []string{family.architecture},
		"vocab_size":          c.VocabSize,
		"tie_word_embeddings": c.TieEmbeddings,
		"torch_dtype":         TorchDType(dtype),
		"initializer_range":   c.InitStd,
		"bos_token_id":        optionalID(c.BOS), // null, for transformers has defaults of its own
		"pad_token_id":        optionalID(c.PAD),
		"eos_token_id":        nil,
	}
	switch len(c.EOS) {
	case 0:
	case 1:
		m["eos_token_id"] = c.EOS[0]
	default:
		m["eos_token_id"] = c.EOS
	}
	if c.NF4 {
		m["quantization_config"] = nf4Config
	}
	family.write(c, m)
	if len(c.Labels) > 0 {
		if err := c.writeLabels(m); err != nil {
			return err
		}
	}
	return WriteFields(filepath.Join(dir, ConfigFile), pythonNumbers(m))
}

// TorchDType is torch's name of F32, F16 or BF16.
func TorchDType(dtype string) string {
	return map[string]string{"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtype]
}

// WriteFields writes an object as a JSON file, with its keys in sorted order.
func WriteFields(path string, m map[string]any) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
}

// pythonNumbers writes whole floating-point numbers as 5.0: transformers 5
// checks the types of its fields.
func pythonNumbers(m map[string]any) map[string]any {
	for k, v := range m {
		switch v := v.(type) {
		case float64:
			if v == math.Trunc(v) && math.Abs(v) < 1e15 {
				m[k] = json.RawMessage(fmt.Sprintf("%.1f", v))
			}
		case map[string]any:
			pythonNumbers(v)
		}
	}
	return m
}

func optionalID(id int) any {
	if id < 0 {
		return nil
	}
	return id
}
