package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// messageSize sends 6 MiB, above gRPC's own limit of 4, then makes the first
// run and asks for more than a message of predictions: a plugin that sends too
// much shows itself there.
func messageSize(s *session) error {
	if err := s.needs(false); err != nil {
		return err
	}
	if len(s.kinds) == 0 {
		return notApplicable("it claims no kind of task that the kit has: see describe")
	}
	err := s.large()
	if s.baseErr = s.first(); s.baseErr != nil {
		s.base = nil
		if oversized(s.baseErr) {
			err = errors.Join(err, s.baseErr)
		}
		return err // anything else is for run to report
	}
	return errors.Join(err, s.chunks())
}

func oversized(err error) bool {
	var p *host.ProtocolError
	return errors.As(err, &p) && strings.Contains(err.Error(), "above the limit")
}

func (s *session) large() error {
	c, err := s.launch()
	if err != nil {
		return err
	}
	defer c.Close()
	in, err := s.given(task(s.kinds[0]), s.short(nil))
	if err != nil {
		return err
	}
	in.Spec.Task.Prompt += strings.Repeat("x", 6<<20)
	if _, err := c.Validate(s.ctx, in); err != nil {
		return fmt.Errorf("a request of 6 MiB: %w", err)
	}
	return nil
}

// first makes the run that others are compared with, after the stages of a
// chain before it.
func (s *session) first() error {
	chain := s.method.Stages
	if len(chain) == 0 {
		chain = []string{""}
	}
	for i, stage := range chain {
		var err error
		if s.base, err = s.finished(how{params: s.short(nil), stage: stage, inputs: slices.Clone(s.earlier)}); err == nil && len(s.base.files) == 0 {
			err = errors.New("the run left no file under artifacts/")
		}
		if err != nil && stage != "" {
			return fmt.Errorf("stage %s: %w", stage, err)
		} else if err != nil {
			return err
		}
		s.stages = append(s.stages, s.base)
		if i < len(chain)-1 {
			s.earlier = append(s.earlier, host.File{Name: stage, Path: s.base.artifacts()})
		}
	}
	return nil
}

// chunks asks about items whose answers are more than one message may hold,
// whatever they are, since each names its item: many items where an answer
// costs one forward pass, fewer and longer names where text is generated.
// What else is wrong with the answers is for predict to say.
func (s *session) chunks() error {
	modes := s.modes(s.base.data)
	mode, count, name := spec.ModeGenerate, 288, 4<<10
	for _, m := range []string{spec.ModeLabels, spec.ModeReward, spec.ModeLogprobs, spec.ModeChoices} {
		if slices.Contains(modes, m) {
			mode, count, name = m, 1536, 700
			break
		}
	}
	if !slices.Contains(modes, mode) {
		return nil
	}
	some := itemsOf(s.base.data, mode)
	items := make([]spec.Item, count)
	for i := range items {
		items[i] = some[i%len(some)]
		items[i].ID = fmt.Sprintf("%0*d", name, i)
	}
	_, largest, err := s.answered(s.base, s.base.artifacts(), mode, items)
	switch {
	case oversized(err):
		return fmt.Errorf("the predictions of %d items in mode %s: %w", count, mode, err)
	case err == nil && largest > wire.MaxChunk:
		return fmt.Errorf("asked about %d items in mode %s it sent a message with %d bytes of predictions, above the limit of %d", count, mode, largest, wire.MaxChunk)
	}
	return nil
}
