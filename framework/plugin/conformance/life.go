package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
)

// healthIn is how long Health may take while a run goes on.
const healthIn = 10 * time.Second

func health(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	asked := false
	var answer error
	_, err := s.finished(how{params: s.short(nil), event: func(c *host.Client, _ *pb.Event) error {
		if !asked {
			asked = true
			ctx, cancel := context.WithTimeout(s.ctx, healthIn)
			defer cancel()
			answer = c.Health(ctx)
		}
		return nil
	}})
	switch {
	case answer != nil:
		return fmt.Errorf("no answer within %v: %w", healthIn, answer)
	case err != nil:
		return err
	case !asked:
		return notApplicable("its run sends no event, so that there is no moment to ask")
	}
	return nil
}

// stopEnds stops a long run at its first event.
func stopEnds(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	var asked time.Time
	var refused error
	r, err := s.try(how{params: s.long(), limit: s.o.Grace + runLimit, event: func(c *host.Client, e *pb.Event) error {
		if asked.IsZero() && (e.GetMetric().GetStep() > 0 || e.GetProgress() != nil) {
			asked = time.Now()
			refused = c.Stop(fmt.Sprint("conformance-", s.count), s.o.Grace)
		}
		if !asked.IsZero() && time.Since(asked) > s.o.Grace {
			return fmt.Errorf("the run still goes on %v after Stop", s.o.Grace)
		}
		return nil
	}})
	switch {
	case refused != nil:
		return fmt.Errorf("the call Stop failed: %w", refused)
	case err != nil:
		return err
	case r.done.State == "finished":
		return notApplicable("its run ended in %v, before it could be stopped; give parameters that make it longer (--long)", r.took.Round(time.Millisecond))
	case r.done.State != "stopped":
		return fmt.Errorf("the stopped run ended as %s: %s", r.done.State, r.done.Reason)
	case time.Since(asked) > s.o.Grace:
		return fmt.Errorf("it took %v to stop, above the grace time of %v", time.Since(asked).Round(time.Millisecond), s.o.Grace)
	}
	s.stopped = r
	return nil
}

func checkpointKept(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	switch {
	case !s.method.Resume:
		return notApplicable("it does not claim to resume")
	case s.stopped == nil:
		return notApplicable("no run was stopped: see stop")
	case len(s.stopped.checkpoints) == 0:
		return errors.New("the stopped run sent no checkpoint")
	}
	last := s.stopped.checkpoints[len(s.stopped.checkpoints)-1]
	if files, err := sums(last.dir); err != nil || len(files) == 0 {
		return fmt.Errorf("the checkpoint of step %d is no folder with files: %v", last.step, err)
	}
	return nil
}

// resume kills a run at its first checkpoint.
func resume(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	switch {
	case !s.method.Resume:
		return notApplicable("it does not claim to resume")
	case s.unseeded:
		return notApplicable("two runs with one seed differ: see same-seed")
	case len(s.base.checkpoints) == 0:
		return notApplicable("a short run sends no checkpoint to resume from; give a parameter that makes it (the kit sets eval_every to 2 where there is one)")
	}
	var from *saved
	killed, err := s.try(how{params: s.short(nil), event: func(c *host.Client, e *pb.Event) error {
		if e.GetCheckpoint() != nil && from == nil {
			from = &saved{step: e.GetCheckpoint().GetStep()}
			return kill(c)
		}
		return nil
	}})
	if from == nil {
		return fmt.Errorf("a run like one that sent checkpoints sent none: %v", err)
	}
	from = &killed.checkpoints[0]
	r, err := s.finished(how{params: s.short(nil), checkpoint: from.dir})
	if err != nil {
		return fmt.Errorf("the run that resumes at step %d: %w", from.step, err)
	}
	if d := differs(s.base, r, from.step); d != "" {
		return fmt.Errorf("uninterrupted, then resumed at step %d: %s", from.step, d)
	}
	return nil
}

// slowReader pauses at the first metric of a long run, reads the rest slowly
// for a moment and stops the run.
func slowReader(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	if s.stopped == nil {
		return notApplicable("no long run can be stopped: see stop")
	}
	events, asked := 0, false
	r, err := s.try(how{params: s.long(), limit: s.o.Grace + runLimit, event: func(c *host.Client, e *pb.Event) error {
		if e.GetMetric() == nil {
			return nil
		}
		if events++; events == 1 {
			time.Sleep(1500 * time.Millisecond)
		}
		if events > 500 && !asked {
			asked = true
			return c.Stop(fmt.Sprint("conformance-", s.count), s.o.Grace)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.metrics)) {
		if n := int64(len(s.base.metrics[name])); n < 3 || n < s.base.last() {
			continue // not one of each step
		}
		list := r.metrics[name]
		for i := 1; i < len(list); i++ {
			if list[i].step != list[i-1].step+1 {
				return fmt.Errorf("the metric %s comes at each step, but after step %d came step %d", name, list[i-1].step, list[i].step)
			}
		}
	}
	return nil
}

// diverges takes the largest learning rate.
func diverges(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	p := s.param("learning_rate")
	if p == nil || p.Type != "float" {
		return notApplicable("it has no parameter learning_rate with which a run could diverge")
	}
	top := 1e4
	if p.Max != nil {
		top = *p.Max
	}
	over := map[string]any{"learning_rate": top}
	if g := s.param("max_grad_norm"); g != nil {
		over["max_grad_norm"] = 0.0
	}
	r, err := s.try(how{params: s.short(over)})
	if err != nil {
		return fmt.Errorf("with learning_rate %g: %w", top, err)
	}
	for _, list := range r.metrics {
		for _, x := range list {
			if math.IsNaN(x.value) || math.IsInf(x.value, 0) {
				return nil
			}
		}
	}
	if r.done.State == "failed" {
		if len(r.done.Errors) == 0 {
			return fmt.Errorf("with learning_rate %g it failed without a diagnostic: %s", top, r.done.Reason)
		}
		return nil
	}
	return notApplicable("no number of a run with learning_rate %g went out of range", top)
}

// leftovers looks, at the end of all, for what carries the kit's TMPDIR.
func leftovers(s *session) error {
	if err := s.needs(false); err != nil {
		return err
	}
	if left := remaining(os.Getenv("TMPDIR"), 5*time.Second); len(left) > 0 {
		for _, p := range left {
			p.kill()
		}
		return fmt.Errorf("still running after the plugin was closed: %v", left)
	}
	entries, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) > 0 {
		return fmt.Errorf("left in the temporary folder: %v", names)
	}
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		return notApplicable("no file was left; this system has no /proc, in which processes could be seen")
	}
	return nil
}
