package lab

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
)

// fit knows which methods suit a study's model. A decoder suits all. An encoder
// answers labels alone, and not with every method: one says so itself, by a
// diagnostic of its Validate with the path "model".
type fit struct {
	encoder bool
	refused map[[2]string]string // by a method entry's key and a task's name: why
}

// fits asks the plugins of a study.
func (l *Lab) fits(ctx context.Context, s *Study, dir string, tasks []*data.Prepared) (fit, error) {
	f := fit{encoder: isEncoder(dir), refused: map[[2]string]string{}}
	if !f.encoder {
		return f, nil
	}
	entries := s.Methods
	if s.baselines() {
		entries = append([]MethodEntry{zeroShot}, entries...)
	}
	for _, e := range entries {
		c, err := l.launch(ctx, e.Name, s.path(e.Plugin))
		if err != nil {
			return f, err
		}
		for _, t := range tasks {
			ds, err := c.Validate(ctx, host.Input{Model: host.File{Path: dir},
				Spec: spec.Run{Method: e.Name, Task: t.Task, Params: e.combinations()[0], Seed: s.Seeds[0], Budget: s.Budget, Compute: s.Compute}})
			if err != nil {
				c.Close()
				return f, fmt.Errorf("method %s: %w", e.Name, err)
			}
			for _, d := range ds {
				if d.Path == "model" {
					f.refused[[2]string{e.key(), t.Task.Name}] = d.Summary + "; " + d.Detail
				}
			}
		}
		c.Close()
	}
	return f, nil
}

// why says why a method's entry cannot be run on a task with the model; "": it
// can.
func (f fit) why(e MethodEntry, m spec.Method, t *data.Prepared) string {
	if why := f.refused[[2]string{e.key(), t.Task.Name}]; why != "" {
		return why
	}
	mode, why := run.Applicable(m, t.Task, t.Gold != "")
	if why == "" && f.encoder && mode != spec.ModeLabels {
		return fmt.Sprintf("an encoder does not write: %s is measured on what a model writes or on the probability of a text", t.Task.Metric)
	}
	return why
}

// decodes refuses an encoder's folder.
func decodes(dir string) error {
	if isEncoder(dir) {
		return fmt.Errorf("%s holds an encoder, which writes nothing and gives no next token: give a decoder (embed takes both)", dir)
	}
	return nil
}

// isEncoder tells an encoder's folder. What may be wrong with a folder, whoever
// loads it says.
func isEncoder(dir string) bool {
	is, err := encoder.In(dir)
	return err == nil && is
}
