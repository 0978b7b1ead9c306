package embed

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// stage is a module after the pooling.
type stage func(v []float32) ([]float32, error)

// ends are where a module reads and writes.
type ends struct {
	Input  *string `json:"module_input_name"`
	Output *string `json:"module_output_name"`
}

func (e ends) check(path string) error {
	if err := mustBe(path, "module_input_name", e.Input, "sentence_embedding"); err != nil {
		return err
	}
	return mustBe(path, "module_output_name", e.Output, "sentence_embedding")
}

func (r *recipe) readNormalize(dir string) error {
	path := filepath.Join(dir, "config.json")
	var s ends
	if _, err := readStrict(path, &s); err != nil {
		return err
	}
	r.stages = append(r.stages, normalize)
	return s.check(path)
}

// normalize divides a vector by its Euclidean norm, by 1e-12 where that is less
// (torch.nn.functional.normalize).
func normalize(v []float32) ([]float32, error) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	norm := max(math.Sqrt(sum), 1e-12)
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(float64(x) / norm)
	}
	return out, nil
}

// denseActivations are classes of torch.nn.
var denseActivations = map[string]func(float64) float64{
	"Identity": func(x float64) float64 { return x },
	"Tanh":     math.Tanh,
	"ReLU":     func(x float64) float64 { return max(x, 0) },
	"GELU":     func(x float64) float64 { return x * 0.5 * math.Erfc(-x/math.Sqrt2) },
	"SiLU":     func(x float64) float64 { return x / (1 + math.Exp(-x)) },
	"Sigmoid":  func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
}

// readDense adds a linear layer and an activation.
func (r *recipe) readDense(dir string) error {
	path := filepath.Join(dir, "config.json")
	s := struct {
		In         int     `json:"in_features"`
		Out        int     `json:"out_features"`
		Bias       bool    `json:"bias"`
		Activation *string `json:"activation_function"`
		Residual   bool    `json:"use_residual"`
		ends
	}{Bias: true}
	if ok, err := readStrict(path, &s); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%s: is missing; it says what the Dense module is", path)
	}
	if err := s.check(path); err != nil {
		return err
	}
	name := "torch.nn.modules.activation.Tanh"
	if s.Activation != nil {
		name = *s.Activation
	}
	act, ok := denseActivations[name[strings.LastIndexByte(name, '.')+1:]]
	switch {
	case !ok || !strings.HasPrefix(name, "torch.nn."):
		return fmt.Errorf("%s: activation_function: %q is not supported; supported are Identity, Tanh, ReLU, GELU, SiLU and Sigmoid of torch.nn", path, name)
	case s.Residual:
		return fmt.Errorf("%s: use_residual is not supported", path)
	case s.In < 1 || s.Out < 1:
		return fmt.Errorf("%s: in_features %d and out_features %d must be positive", path, s.In, s.Out)
	}
	weights := filepath.Join(dir, checkpoint.WeightsFile)
	if _, err := os.Stat(weights); err != nil {
		return fmt.Errorf("%w: weights that are PyTorch pickles are not loaded; convert the model with sentence-transformers, SentenceTransformer(MODEL).save(FOLDER), and give the folder", err)
	}
	f, err := checkpoint.Open(weights)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := f.Float32("linear.weight", s.Out, s.In)
	if err != nil {
		return err
	}
	b := make([]float32, s.Out)
	if s.Bias {
		if b, err = f.Float32("linear.bias", s.Out); err != nil {
			return err
		}
	}
	r.stages = append(r.stages, func(v []float32) ([]float32, error) {
		if len(v) != s.In {
			return nil, fmt.Errorf("%s: in_features is %d, but what comes has %d numbers", path, s.In, len(v))
		}
		out := make([]float32, s.Out)
		for i := range out {
			sum := float64(b[i])
			for j, x := range v {
				sum += float64(w[i*s.In+j]) * float64(x)
			}
			out[i] = float32(act(sum))
		}
		return out, nil
	})
	return nil
}
