package conformance

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// diverges takes the largest learning rate and, if all numbers of that run stay
// in range, a model with a weight that is not a number.
func diverges(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	if !s.method.Trains {
		return notApplicable("it does not train, so that nothing can diverge")
	}
	if p := s.param("learning_rate"); p != nil && p.Type == "float" {
		top := 1e4
		if p.Max != nil {
			top = *p.Max
		}
		over := map[string]any{"learning_rate": top}
		if g := s.param("max_grad_norm"); g != nil {
			over["max_grad_norm"] = 0.0
		}
		if out, err := s.outOfRange(how{params: s.short(over)}); out || err != nil {
			return described(err, "with learning_rate %g", top)
		}
	}
	dir, err := s.poisoned()
	if err != nil {
		return err
	}
	out, err := s.outOfRange(how{params: s.short(nil), model: dir})
	if err == nil && !out {
		return notApplicable("no number of its runs went out of range, with the largest learning_rate and with a model that holds NaN")
	}
	return described(err, "with a model that holds NaN")
}

func described(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// outOfRange makes a run in which numbers may leave the range, and says whether
// they did and what is wrong with how the run ended.
func (s *session) outOfRange(h how) (out bool, err error) {
	for _, stage := range s.stages { // the first of a chain reads the model, later ones its result
		h.stage, h.inputs = stage.in.Spec.Stage, stage.in.Inputs
		r, err := s.try(h)
		if err != nil {
			return true, err
		}
		if r.done.State == "failed" {
			if len(r.done.Errors) == 0 || r.done.Errors[0].Summary == "" {
				return true, fmt.Errorf("it failed without a diagnostic: %q", r.done.Reason)
			}
			return true, nil
		}
		for _, name := range slices.Sorted(maps.Keys(r.metrics)) {
			if r.done.State != "finished" || stage.metrics[name] == nil {
				continue
			}
			last := r.metrics[name][len(r.metrics[name])-1]
			if strings.Contains(name, "loss") && !finite(last.value) {
				return true, fmt.Errorf("the metric %s was %v at step %d, its last, and the run ended as finished", name, last.value, last.step)
			}
			until := int64(0)
			if r.reached() == stage.reached() { // it did not end early
				until = stage.metrics[name][len(stage.metrics[name])-1].step
			}
			if err := r.complete(name, stage, until); err != nil {
				return true, fmt.Errorf("%w, and the run ended as finished: a number that is not finite must be sent as it is", err)
			}
		}
		for _, list := range r.metrics {
			out = out || slices.ContainsFunc(list, func(p point) bool { return !finite(p.value) })
		}
	}
	return out, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// reached is the last step that anything was reported of.
func (r *record) reached() int64 {
	step := r.progress
	for _, list := range r.metrics {
		step = max(step, list[len(list)-1].step)
	}
	return step
}

// poisoned is a copy of the tiny model whose last normalisation holds NaN, so
// that every output does.
func (s *session) poisoned() (string, error) {
	dir := filepath.Join(s.root, "poisoned")
	if err := os.CopyFS(dir, os.DirFS(s.model)); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "model.safetensors")
	list, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(t checkpoint.Tensor) bool { return t.Name == "model.norm.weight" })
	if i < 0 {
		return "", fmt.Errorf("%s has no model.norm.weight", path)
	}
	list[i].Data = slices.Clone(list[i].Data)
	list[i].Data[0] = float32(math.NaN())
	return dir, checkpoint.WriteSafetensors(path, list, nil)
}
