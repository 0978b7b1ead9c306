package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
)

// Log-probabilities may differ by this much, in nats. A merged model adds the
// update to each weight before it multiplies, the adapter after it, so that
// float32 rounds elsewhere.
const (
	identityWithin = 1e-5
	mergeWithin    = 1e-3
)

// likeModel compares log-probabilities with those of a model folder.
func (s *session) likeModel(dir string, r *record, got []spec.Prediction, within float64) error {
	lm, err := tune.Open(dir, r.in.Spec.Compute)
	if err != nil {
		return err
	}
	i := 0
	p := &tune.Predictor{LM: lm, Task: r.data.Task}
	return p.Predict(context.Background(), spec.ModeLogprobs, itemsOf(r.data, spec.ModeLogprobs), func(want spec.Prediction) error {
		have := got[i]
		i++
		if len(have.Logprobs) != len(want.Logprobs) {
			return fmt.Errorf("item %s has %d log-probabilities, the model gives %d", want.ID, len(have.Logprobs), len(want.Logprobs))
		}
		for j, w := range want.Logprobs {
			if !(math.Abs(w-have.Logprobs[j]) <= within) {
				return fmt.Errorf("item %s: the log-probability of token %d of the target is %v, the model's is %v", want.ID, j, have.Logprobs[j], w)
			}
		}
		return nil
	})
}

// merging are the parameters of the runs that are compared.
func (s *session) merging(on bool) map[string]any {
	over := map[string]any{"merge": on}
	if p := s.param("objective"); p != nil && slices.Contains(p.Choices, tune.Completion) {
		over["objective"] = tune.Completion
	}
	return s.short(over)
}

func merge(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	p, kind := s.param("merge"), s.completion()
	switch {
	case s.answers == nil:
		return notApplicable("it gives no proper predictions: see predict")
	case p == nil || p.Type != "bool":
		return notApplicable("it has no parameter merge")
	case !slices.Contains(s.method.Modes, spec.ModeLogprobs) || kind == "":
		return notApplicable("it gives no log-probabilities to compare")
	}
	r, err := s.finished(how{params: s.merging(true), data: data(kind)})
	if err != nil {
		return err
	}
	dir := filepath.Join(r.artifacts(), modelFolder)
	if !exists(dir) {
		return errors.New("with merge the run left no folder model/ in its result")
	}
	_, got, err := s.ask(r, r.artifacts(), spec.ModeLogprobs)
	if err != nil {
		return err
	}
	s.merged = r
	return s.likeModel(dir, r, got, mergeWithin)
}

// unmerge compares a run that merges with one that does not. Whatever merges on
// the way to the end of a run (to try whether it can, to measure the error, to
// write the model) must take the weights apart again: then both runs report the
// same and save the same adapter, bit for bit, and the base model's folder keeps
// its bytes. What the merging run alone reports or leaves is not compared, nor
// are JSON files, which may say that it merged.
func unmerge(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	if s.merged == nil {
		return notApplicable("no run merged: see merge")
	}
	if s.unseeded {
		return notApplicable("two runs with one seed differ: see same-seed")
	}
	plain, err := s.finished(how{params: s.merging(false), data: &s.merged.data})
	if err != nil {
		return err
	}
	merged := *s.merged
	merged.metrics = maps.Clone(merged.metrics)
	maps.DeleteFunc(merged.metrics, func(name string, _ []point) bool { return plain.metrics[name] == nil })
	common := func(of, other *record) map[string]string {
		out := maps.Clone(of.files)
		maps.DeleteFunc(out, func(f, _ string) bool { return other.files[f] == "" || strings.HasSuffix(f, ".json") })
		return out
	}
	plain.files, merged.files = common(plain, &merged), common(&merged, plain)
	if d := differs(plain, &merged, 0); d != "" {
		return fmt.Errorf("without merge, then with it: %s", d)
	}
	if merged.spoilt != s.base.spoilt {
		return fmt.Errorf("a run with merge changed the base model's folder: %s", merged.spoilt)
	}
	return nil
}
