package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options of Run.
type Options struct {
	Binary string
	// Params are given to every run, over what the kit chooses: where the
	// schema has parameters named max_steps, eval_every and batch_size it makes
	// runs short with them.
	Params map[string]any
	// Long are given to the runs that are to be stopped, over the kit's choice
	// (epochs and max_steps as large as the schema allows).
	Long map[string]any
	// Waive gives reasons why a check, by its name, does not apply; they stand
	// in the report.
	Waive map[string]string
	// Inside holds the outcomes of checks that were made in the plugin's own
	// process (unmerge-weights, gradients, goroutines): nil, DoesNotApply, or
	// what is wrong. One that is not there is reported as not applicable.
	Inside map[string]error
	// Grace is how long a run may take to stop; default 20 s.
	Grace time.Duration
	// Start is how long the plugin may take to start; default a minute.
	Start time.Duration
	// Answer is how long Health may take; default 10 s.
	Answer time.Duration
	// Progress is called before each check; nil: not.
	Progress func(check string)
}

// Run makes every check. An error means that the kit itself could not work; a
// plugin's failures are in the report. It sets TMPDIR of this process while it
// runs, so that what a plugin leaves behind is seen: run nothing beside it that
// makes temporary files.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.Grace = cmp.Or(o.Grace, 20*time.Second)
	o.Start = cmp.Or(o.Start, time.Minute)
	o.Answer = cmp.Or(o.Answer, 10*time.Second)
	var err error
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return nil, err
	}
	for id := range o.Waive {
		if !known(id) {
			return nil, fmt.Errorf("waive: there is no check %q", id)
		}
	}
	for id := range o.Inside {
		if !known(id) {
			return nil, fmt.Errorf("inside: there is no check %q", id)
		}
	}
	s, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("conformance kit: %w", err)
	}
	defer s.close()
	r := &Report{Binary: o.Binary}
	for _, c := range checks {
		if o.Progress != nil {
			o.Progress(c.id)
		}
		start := time.Now()
		res := s.one(c)
		res.Seconds = time.Since(start).Seconds()
		r.Results = append(r.Results, res)
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
	}
	r.SHA256, r.Method, r.Version = s.sha256, s.method.Name, s.method.Version
	return r, nil
}

func known(id string) bool {
	for _, c := range checks {
		if c.id == id {
			return true
		}
	}
	return false
}

func (s *session) one(c check) Result {
	out := Result{Check: c.id, About: c.about, Outcome: Pass}
	if why := s.o.Waive[c.id]; why != "" {
		out.Outcome, out.Found = NotApplicable, "the author says: "+why
		return out
	}
	err := c.run(s)
	switch {
	case err == nil:
	case IsInapplicable(err):
		out.Outcome, out.Found = NotApplicable, err.Error()
	default:
		out.Outcome, out.Found, out.Advice = Fail, err.Error(), c.advice
	}
	return out
}

// temp makes the kit's folder, short for the sockets in it.
func temp() (dir string, restore func(), err error) {
	if dir, err = os.MkdirTemp("", "tlc"); err != nil {
		return "", nil, err
	}
	before, had := os.LookupEnv("TMPDIR")
	tmp := filepath.Join(dir, "t")
	if err := errors.Join(os.Mkdir(tmp, 0o700), os.Setenv("TMPDIR", tmp)); err != nil {
		return "", nil, err
	}
	return dir, func() {
		if had {
			os.Setenv("TMPDIR", before)
		} else {
			os.Unsetenv("TMPDIR")
		}
		os.RemoveAll(dir)
	}, nil
}
