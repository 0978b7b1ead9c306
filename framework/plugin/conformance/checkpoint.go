package conformance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
)

// keep takes a checkpoint as the host does: it copies the folder while the run
// goes on and then removes it. A record that holds leaves it there, as a host
// that has not come to it yet.
func (r *record) keep(c *pb.Checkpoint) error {
	path := filepath.FromSlash(c.GetFile().GetPath())
	if !filepath.IsLocal(path) || filepath.Clean(path) == "." {
		return fmt.Errorf("the checkpoint %q is not a folder under work_dir", c.GetFile().GetPath())
	}
	at := saved{step: c.GetStep(), sent: filepath.Join(r.in.WorkDir, path), dir: fmt.Sprintf("%s.checkpoint-%d", r.in.WorkDir, len(r.checkpoints))}
	if err := os.CopyFS(at.dir, os.DirFS(at.sent)); err != nil {
		return fmt.Errorf("read the checkpoint of step %d: %w", at.step, err)
	}
	r.checkpoints = append(r.checkpoints, at)
	if r.hold {
		return nil
	}
	return os.RemoveAll(at.sent)
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
	if len(s.base.checkpoints) == 0 {
		return nil // a short run sends none
	}
	r, err := s.finished(how{params: s.short(nil), hold: true})
	if err != nil {
		return fmt.Errorf("a run whose host takes its time with the checkpoints: %w", err)
	}
	return r.leftAlone()
}

// leftAlone says what a run that goes on did to the checkpoints that it had sent.
func (r *record) leftAlone() error {
	steps := map[string]int64{}
	for _, c := range r.checkpoints {
		if before, ok := steps[c.sent]; ok {
			return fmt.Errorf("the checkpoints of the steps %d and %d came in one folder, which was the host's when the second was written", before, c.step)
		}
		steps[c.sent] = c.step
	}
	for _, c := range r.checkpoints {
		sent, err := sums(c.sent)
		if err != nil {
			return fmt.Errorf("the checkpoint of step %d is gone before the host took it: %w", c.step, err)
		}
		kept, err := sums(c.dir)
		if err != nil {
			return err
		}
		if d := differentFile(kept, sent); d != "" {
			return fmt.Errorf("in the checkpoint of step %d, after it was sent, %s", c.step, d)
		}
	}
	return nil
}
