package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

const (
	headFile    = "score.safetensors" // the label or reward head of the SDK's harness
	modelFolder = "model"
)

// completion is the kind of task on which log-probabilities are compared.
func (s *session) completion() string {
	for _, k := range []string{spec.Instruction, spec.Generation, spec.Classification} {
		if slices.Contains(s.kinds, k) {
			return k
		}
	}
	return ""
}

// identity trains with a learning rate of 0.
func identity(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	kind, rate := s.completion(), s.param("learning_rate")
	switch {
	case s.answers == nil:
		return notApplicable("it gives no proper predictions: see predict")
	case s.method.Family != "peft":
		return notApplicable("its family is %q: only a peft method's result is an adapter on the unchanged model", s.method.Family)
	case !slices.Contains(s.method.Modes, spec.ModeLogprobs) || kind == "":
		return notApplicable("it gives no log-probabilities to compare")
	case rate == nil || rate.Min != nil && *rate.Min > 0:
		return notApplicable("it has no parameter learning_rate that may be 0")
	}
	for name := range s.base.metrics {
		if strings.HasPrefix(name, "quant/") {
			return notApplicable("it stores the base model in fewer bits (it reports %s), so that it starts from another model than the given one", name)
		}
	}
	zero := map[string]any{"learning_rate": 0.0}
	if p := s.param("objective"); p != nil && slices.Contains(p.Choices, tune.Completion) {
		zero["objective"] = tune.Completion
	}
	r, err := s.finished(how{params: s.short(zero), data: data(kind)})
	if err != nil {
		return err
	}
	if raw, err := os.ReadFile(filepath.Join(r.artifacts(), peft.ConfigFile)); err == nil {
		for _, virtual := range []string{"PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING"} {
			if strings.Contains(string(raw), `"`+virtual+`"`) {
				return notApplicable("%s puts virtual tokens before the input, which change the answers from the start", virtual)
			}
		}
	}
	_, got, err := s.ask(r, r.artifacts(), spec.ModeLogprobs)
	if err != nil {
		return err
	}
	return s.likeModel(s.model, r, got, identityWithin)
}

// trainableClaim counts the tensors of a PEFT folder, or those of a whole model
// that changed, and the label head.
func trainableClaim(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	return s.each(s.counted)
}

func (s *session) counted(r *record) error {
	claim := r.done.Cost.TrainableParams
	if !s.method.Trains {
		if claim != 0 || r.estimate.TrainableParams != 0 {
			return fmt.Errorf("it says that it does not train, and claims %d trainable parameters (estimate %d)", claim, r.estimate.TrainableParams)
		}
		return nil
	}
	if claim != r.estimate.TrainableParams && r.estimate.TrainableParams != 0 {
		return fmt.Errorf("its estimate says that %d parameters train, its cost %d", r.estimate.TrainableParams, claim)
	}
	dir := r.artifacts()
	count, err := elements(filepath.Join(dir, headFile), nil)
	if err != nil {
		return err
	}
	adapter, whole := filepath.Join(dir, peft.WeightsFile), filepath.Join(dir, modelFolder, "model.safetensors")
	switch {
	case exists(adapter):
		n, err := elements(adapter, nil)
		if err != nil {
			return err
		}
		count += n
	case exists(whole):
		n, err := s.changed(whole)
		if err != nil {
			return err
		}
		count += n
	case count == 0:
		return notApplicable("its result is neither a PEFT folder nor a model folder, so that nothing can be counted; it claims %d", claim)
	}
	if len(s.method.Stages) > 0 && count < claim {
		return notApplicable("a stage of a chain may train what its result does not keep, as PPO does its value model: it claims %d, and the result holds %d", claim, count)
	}
	if count > claim && exists(adapter) {
		if moved, err := s.moving(r); err != nil || moved == claim {
			return err
		}
	}
	if count != claim {
		return fmt.Errorf("it claims %d trainable parameters, its result holds %d", claim, count)
	}
	return nil
}

// moving counts what still changes between a run and a shorter one: an adapter's
// file may hold fixed tensors too, as VeRA's projections (Kopiczko et al. 2024,
// section 3) and the A of LoRA-FA.
func (s *session) moving(r *record) (n int64, err error) {
	if s.param("max_steps") == nil {
		return 0, nil
	}
	short, err := s.finished(how{params: s.short(map[string]any{"max_steps": 3.0}), data: &r.data})
	if err != nil {
		return 0, fmt.Errorf("a run of three steps: %w", err)
	}
	for _, name := range []string{headFile, peft.WeightsFile} {
		path := filepath.Join(short.artifacts(), name)
		if !exists(path) {
			continue
		}
		before, err := checkpoint.ReadSafetensors(path)
		if err != nil {
			return 0, err
		}
		then := map[string][]float32{}
		for _, t := range before {
			then[t.Name] = t.Data
		}
		c, err := elements(filepath.Join(r.artifacts(), name), func(t checkpoint.Tensor) bool { return !slices.Equal(then[t.Name], t.Data) })
		if err != nil {
			return 0, err
		}
		n += c
	}
	return n, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// elements adds up the elements of a file's tensors that keep holds for; a file
// that is not there has none.
func elements(path string, keep func(checkpoint.Tensor) bool) (n int64, err error) {
	if !exists(path) {
		return 0, nil
	}
	list, err := checkpoint.ReadSafetensors(path)
	for _, t := range list {
		if keep == nil || keep(t) {
			n += int64(len(t.Data))
		}
	}
	return n, err
}

// changed counts the elements of the tensors in which a model differs from the
// base at all.
func (s *session) changed(path string) (int64, error) {
	list, err := checkpoint.ReadSafetensors(filepath.Join(s.model, "model.safetensors"))
	if err != nil {
		return 0, err
	}
	base := map[string][]float32{}
	for _, t := range list {
		base[t.Name] = t.Data
	}
	return elements(path, func(t checkpoint.Tensor) bool { return !slices.Equal(base[t.Name], t.Data) })
}
