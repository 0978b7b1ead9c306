// Package weights hands model weights to people and to other numeric code as
// gorgonia tensors: reading any folder that holds safetensors (a model, a PEFT
// adapter, a run's result) and looking at what training changed. Training itself never uses it; its kernels own their buffers.
package weights

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"gorgonia.org/tensor"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Named is one weight, float32 and row-major.
type Named struct {
	Name  string
	Dense *tensor.Dense
}

// Read reads every safetensors file under dir, or one such file, in the order
// of their names; files of a folder give names as they are stored. Two files
// with a tensor of one name are an error.
func Read(path string) ([]Named, error) {
	files := []string{path}
	if st, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	} else if st.IsDir() {
		files = nil
		root, err := filepath.EvalSymlinks(path) // WalkDir does not follow one
		if err != nil {
			return nil, fmt.Errorf("weights: %w", err)
		}
		err = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(p, ".safetensors") {
				files = append(files, p)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("weights: %w", err)
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("weights: %s holds no safetensors file", path)
		}
	}
	var out []Named
	from := map[string]string{}
	for _, f := range files {
		list, err := checkpoint.ReadSafetensors(f)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if other, twice := from[t.Name]; twice {
				return nil, fmt.Errorf("weights: tensor %q stands in %s and in %s; read one of them", t.Name, other, f)
			}
			from[t.Name] = f
			out = append(out, Named{t.Name, dense(t)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func dense(t checkpoint.Tensor) *tensor.Dense {
	shape := t.Shape
	if len(shape) == 0 { // a scalar
		shape = []int{1}
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(t.Data))
}

// Summary is what one weight looks like.
type Summary struct {
	Name   string   `json:"name"`
	Shape  []int    `json:"shape"`
	Mean   float64  `json:"mean"`
	Std    float64  `json:"std"` // of the population
	Norm   float64  `json:"norm"`
	Change *float64 `json:"change,omitempty"` // ||w - base|| / ||base||; nil where the base has no such weight
}

// Summarise looks at each weight and, where base has one of the same name and
// shape, at how far it has moved from it.
func Summarise(list, base []Named) []Summary {
	before := map[string]*tensor.Dense{}
	for _, b := range base {
		before[b.Name] = b.Dense
	}
	out := make([]Summary, 0, len(list))
	for _, w := range list {
		x := w.Dense.Float32s()
		s := Summary{Name: w.Name, Shape: slices.Clone([]int(w.Dense.Shape()))}
		sum, square := 0.0, 0.0
		for _, v := range x {
			sum += float64(v)
			square += float64(v) * float64(v)
		}
		n := float64(max(len(x), 1))
		s.Mean, s.Norm = sum/n, math.Sqrt(square)
		s.Std = math.Sqrt(max(0, square/n-s.Mean*s.Mean))
		if b := before[w.Name]; b != nil && b.Shape().Eq(w.Dense.Shape()) {
			moved, norm := 0.0, 0.0
			for i, v := range b.Float32s() {
				d := float64(x[i]) - float64(v)
				moved += d * d
				norm += float64(v) * float64(v)
			}
			if norm > 0 {
				c := math.Sqrt(moved / norm)
				s.Change = &c
			}
		}
		out = append(out, s)
	}
	return out
}
