package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
)

// errEnough ends a run of which enough was seen.
var errEnough = errors.New("enough was seen")

// health asks at each event of a long run, until one of a step came.
func health(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	asked := false
	var answer error
	_, err := s.try(how{params: s.long(), event: func(c *host.Client, e *pb.Event) error {
		asked = true
		ctx, cancel := context.WithTimeout(s.ctx, s.o.Answer)
		defer cancel()
		if answer = c.Health(ctx); answer != nil || e.GetMetric().GetStep() > 0 || e.GetProgress() != nil {
			return errEnough
		}
		return nil
	}})
	switch {
	case answer != nil:
		return fmt.Errorf("no answer within %v: %w", s.o.Answer, answer)
	case err != nil && !errors.Is(err, errEnough):
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
