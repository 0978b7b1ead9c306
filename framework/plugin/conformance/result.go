package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/spec"
)

func runs(s *session) error {
	if err := s.needs(false); err != nil {
		return err
	}
	if oversized(s.baseErr) {
		return notApplicable("see message-size")
	}
	if s.baseErr != nil {
		return s.baseErr
	}
	if s.base == nil {
		return notApplicable("see message-size")
	}
	return nil
}

// each makes a check of every stage of a chain, and says of which it failed; it
// does not apply if it applies to none.
func (s *session) each(check func(*record) error) error {
	var found, none []error
	for _, r := range s.stages {
		err := check(r)
		switch {
		case err == nil:
			continue
		case IsInapplicable(err):
			none = append(none, err)
		case r.in.Spec.Stage != "":
			found = append(found, fmt.Errorf("stage %s: %w", r.in.Spec.Stage, err))
		default:
			found = append(found, err)
		}
	}
	if len(found) == 0 && len(none) == len(s.stages) {
		return none[0]
	}
	return errors.Join(found...)
}

// lastMetric compares the last step that metrics name with the last step that
// progress or the estimate names.
func lastMetric(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	return s.each((*record).ended)
}

func (r *record) ended() error {
	total := r.last()
	if total == 0 {
		return notApplicable("it reports no progress and estimates no steps, so that no last step is known")
	}
	last := int64(0)
	for _, list := range r.metrics {
		last = max(last, list[len(list)-1].step)
	}
	if last == 0 {
		return notApplicable("it sends no metric of a step")
	}
	if last < total {
		return fmt.Errorf("the run went to step %d, its last metric is of step %d", total, last)
	}
	// What comes at every step must come at the last one.
	for _, name := range slices.Sorted(maps.Keys(r.metrics)) {
		list := r.metrics[name]
		if n := int64(len(list)); n >= 3 && n >= total-1 && list[n-1].step < total {
			return fmt.Errorf("the metric %s comes at each step, but its last is of step %d of %d", name, list[n-1].step, total)
		}
	}
	return nil
}

// predict seals the result: a copy that cannot be written, elsewhere, with the
// training data and the cache gone.
func predict(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	sealed := filepath.Join(s.root, "sealed")
	if err := copyTree(s.base.artifacts(), sealed); err != nil {
		return err
	}
	hidden := s.base.in.WorkDir + ".away"
	if err := os.Rename(s.base.in.WorkDir, hidden); err != nil {
		return err
	}
	defer os.Rename(hidden, s.base.in.WorkDir)
	answers := map[string][]string{}
	for _, mode := range s.modes(s.base.data) {
		first, ps, err := s.ask(s.base, sealed, mode)
		if err != nil {
			return err
		}
		if err := wellFormed(mode, ps, s.base.data.Task); err != nil {
			return fmt.Errorf("mode %s: %w", mode, err)
		}
		second, _, err := s.ask(s.base, sealed, mode)
		if err != nil {
			return err
		}
		if i := firstOther(first, second); i >= 0 {
			return fmt.Errorf("mode %s: two fresh processes disagree: %s and %s", mode, first[i], second[i])
		}
		answers[mode] = first
	}
	if after, err := sums(sealed); err != nil || differentFile(s.base.files, after) != "" {
		return fmt.Errorf("predicting changed the sealed result: %s %v", differentFile(s.base.files, after), err)
	}
	for _, r := range s.stages[:len(s.stages)-1] {
		if err := s.usable(r); err != nil {
			return fmt.Errorf("stage %s: %w", r.in.Spec.Stage, err)
		}
	}
	s.answers = answers
	return nil
}

// usable asks an earlier stage of a chain, whose result must answer in a mode
// at least: a reward model does not write.
func (s *session) usable(r *record) error {
	var refused error
	for _, mode := range s.modes(r.data) {
		_, ps, err := s.ask(r, r.artifacts(), mode)
		if err == nil {
			return wellFormed(mode, ps, r.data.Task)
		}
		refused = cmp.Or(refused, err)
	}
	return fmt.Errorf("its result answers in none of the method's modes: %w", refused)
}

func firstOther(a, b []string) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

func copyTree(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("seal the result: %w", err)
	}
	return filepath.WalkDir(to, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(p, 0o444)
	})
}

func wellFormed(mode string, ps []spec.Prediction, t spec.Task) error {
	for _, p := range ps {
		n := len(p.Scores)
		switch {
		case mode == spec.ModeLabels && n != len(t.Labels):
			return fmt.Errorf("item %s has %d scores for %d labels", p.ID, n, len(t.Labels))
		case mode == spec.ModeChoices && n != 2:
			return fmt.Errorf("item %s has %d scores for 2 choices", p.ID, n)
		case mode == spec.ModeReward && n != 1:
			return fmt.Errorf("item %s has %d rewards", p.ID, n)
		case mode == spec.ModeLogprobs && len(p.Logprobs) == 0:
			return fmt.Errorf("item %s has no log-probabilities", p.ID)
		case mode == spec.ModeLogprobs && slices.Max(p.Logprobs) > 1e-5:
			return fmt.Errorf("item %s has a log-probability above 0: %v", p.ID, slices.Max(p.Logprobs))
		}
	}
	return nil
}

func tasks(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	if s.answers == nil {
		return notApplicable("it gives no proper predictions: see predict")
	}
	if len(s.kinds) == 1 {
		return notApplicable("it claims one kind of task, which run and predict tried")
	}
	for _, k := range s.kinds[1:] {
		r, err := s.finished(how{params: s.short(nil), data: data(k)})
		if err != nil {
			return fmt.Errorf("task kind %s: %w", k, err)
		}
		for _, mode := range s.modes(r.data) {
			_, ps, err := s.ask(r, r.artifacts(), mode)
			if err == nil {
				err = wellFormed(mode, ps, r.data.Task)
			}
			if err != nil {
				return fmt.Errorf("task kind %s: %w", k, err)
			}
		}
	}
	return nil
}

func sameSeed(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	var r *record // of the last stage
	err := s.each(func(first *record) error {
		cache, err := s.freshCache()
		if err != nil {
			return err
		}
		if r, err = s.finished(how{params: s.short(nil), stage: first.in.Spec.Stage, inputs: first.in.Inputs, cache: cache}); err != nil {
			return err
		}
		if d := differs(first, r, 0); d != "" {
			s.unseeded = true
			return errors.New("two runs with one seed: " + d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, mode := range slices.Sorted(maps.Keys(s.answers)) {
		got, _, err := s.ask(r, r.artifacts(), mode)
		if err != nil {
			return err
		}
		if i := firstOther(s.answers[mode], got); i >= 0 {
			return fmt.Errorf("two runs with one seed, mode %s: %s and %s", mode, s.answers[mode][i], got[i])
		}
	}
	return nil
}

func baseUnchanged(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	err := s.each(func(r *record) error {
		if r.spoilt != "" {
			return errors.New("in the base model's folder " + r.spoilt)
		}
		data, err := sums(filepath.Dir(r.in.Train.Path))
		if err != nil {
			return fmt.Errorf("the data that it was given: %w", err)
		}
		if d := differentFile(r.given, data); d != "" {
			return errors.New("in the folder of the data that it was given " + d)
		}
		result, err := sums(r.artifacts())
		if err != nil {
			return fmt.Errorf("its result: %w", err)
		}
		if d := differentFile(r.files, result); d != "" {
			return errors.New("after it had ended, in its result " + d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	now, err := sums(s.model)
	if err != nil {
		return err
	}
	if d := differentFile(s.before, now); d != "" {
		return errors.New("in the base model's folder " + d)
	}
	return nil
}
