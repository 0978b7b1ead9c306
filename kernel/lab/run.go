package lab

import (
	"context"
	"errors"
	"fmt"

	framework "github.com/tunelab/tunelab/framework/lab"
	"github.com/tunelab/tunelab/kernel/interrupt"
)

// ErrStopped is the error of a study that was interrupted: its result holds what had
// finished, and the same study goes on where it was.
var ErrStopped = errors.New("the study was stopped: the result holds what had finished, and Run goes on from the last checkpoint")

// Run makes the study's runs and shows how they go. Runs that finished before, with
// the same settings and data, are not made again. An interrupt stops the run under way
// with a checkpoint: the result is then what there is, and the error ErrStopped. Runs
// that failed stand in the result as failed, and make an error beside it.
func (p *Plan) Run() (*Result, error) {
	if p.err != nil {
		return nil, p.err
	}
	ctx, release := interrupt.Context()
	defer release()
	c := newCard(p.study.Name)
	defer c.close()
	l, err := framework.Open(p.dir, framework.Options{Watch: c.watch, Unlocked: p.unlocked, Warn: c.note})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Planned = c.planned
	s := p.study
	err = l.RunStudy(ctx, &s)
	var failed *framework.RunsFailed
	switch {
	case ctx.Err() != nil:
		c.stopped = true
		err = ErrStopped
	case err != nil && !errors.As(err, &failed):
		return nil, err
	}
	res, readErr := p.read(l)
	if readErr != nil {
		return nil, errors.Join(err, readErr)
	}
	res.Stopped = ctx.Err() != nil
	return res, err
}

// Open reads back a study that has run: by the name, in the state folder of the options.
func Open(name string, options ...Option) (*Result, error) {
	p := Study(append(options, Name(name))...)
	var res *Result
	err := p.with(func(ctx context.Context, l *framework.Lab) (err error) {
		res, err = p.read(l)
		return err
	})
	return res, err
}

// with opens the state folder for something that an interrupt may end.
func (p *Plan) with(do func(context.Context, *framework.Lab) error) error {
	if p.err != nil {
		return p.err
	}
	ctx, release := interrupt.Context()
	defer release()
	l, err := framework.Open(p.dir, framework.Options{Unlocked: p.unlocked})
	if err != nil {
		return err
	}
	defer l.Close()
	err = do(ctx, l)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	return err
}
