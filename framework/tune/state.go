package tune

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// state is what a checkpoint holds beside the tensors.
type state struct {
	Step    int     `json:"step"`
	Tokens  int64   `json:"tokens"`
	FLOPs   float64 `json:"flops"`
	OptStep int     `json:"optimizer_step"`
}

// dropoutKey derives the mask key of a micro-batch: a function of the seed and
// the position alone, so that a resumed run drops the same units.
func dropoutKey(seed int64, step, micro int) uint64 {
	return spec.Stream(seed, fmt.Sprintf("%s/%d/%d", spec.StreamDropout, step, micro)).Uint64()
}

func (tr *trainer) checkpoint() error {
	dir := filepath.Join(tr.in.WorkDir, "checkpoints", fmt.Sprintf("step-%08d", tr.step))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the checkpoint folder: %w", err)
	}
	var tensors []checkpoint.Tensor
	for i, p := range tr.params {
		m, v := tr.opt.Moments(p)
		tensors = append(tensors,
			checkpoint.Tensor{Name: fmt.Sprintf("param.%d", i), Shape: p.T.Shape, Read: p.Data},
			checkpoint.Tensor{Name: fmt.Sprintf("moment1.%d", i), Shape: p.T.Shape, Read: m},
			checkpoint.Tensor{Name: fmt.Sprintf("moment2.%d", i), Shape: p.T.Shape, Read: v})
	}
	if err := checkpoint.WriteSafetensors(filepath.Join(dir, "state.safetensors"), tensors, nil); err != nil {
		return err
	}
	raw, err := json.Marshal(state{Step: tr.step, Tokens: tr.tokens, FLOPs: tr.flops, OptStep: tr.opt.Steps()})
	if err != nil {
		return err
	}
	err = checkpoint.WriteAtomic(filepath.Join(dir, "state.json"), func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	return tr.out.Checkpoint(int64(tr.step), dir)
}

// resume loads a checkpoint strictly and puts the trainer where it stood.
func (tr *trainer) resume(dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	var st state
	if err := json.Unmarshal(raw, &st); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, "state.json"), err)
	}
	path := filepath.Join(dir, "state.safetensors")
	tensors, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		return err
	}
	byName := map[string]checkpoint.Tensor{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	if len(tensors) != 3*len(tr.params) {
		return fmt.Errorf("%s: holds %d tensors, this run has %d: the checkpoint is of another run", path, len(tensors), 3*len(tr.params))
	}
	moments := optim.State{Step: st.OptStep, M: map[string][]float32{}, V: map[string][]float32{}}
	for i, p := range tr.params {
		get := func(kind string) ([]float32, error) {
			t, ok := byName[fmt.Sprintf("%s.%d", kind, i)]
			if !ok || !slices.Equal(t.Shape, p.T.Shape) {
				return nil, fmt.Errorf("%s: %s.%d is missing or has not the shape %v of %s", path, kind, i, p.T.Shape, p.Name)
			}
			return t.Data, nil
		}
		w, err := get("param")
		if err != nil {
			return err
		}
		p.Set(w)
		if moments.M[p.Name], err = get("moment1"); err != nil {
			return err
		}
		if moments.V[p.Name], err = get("moment2"); err != nil {
			return err
		}
	}
	if err := tr.opt.Import(moments); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	tr.step, tr.tokens, tr.flops = st.Step, st.Tokens, st.FLOPs
	return nil
}
