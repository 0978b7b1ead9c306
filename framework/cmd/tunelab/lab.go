package main

import (
	"github.com/tunelab/tunelab/framework/lab"
)

// open opens the state folder for commands that only read it.
func (a *app) open() (*lab.Lab, error) { return lab.Open(a.dir, lab.Options{}) }

// work opens the state folder and shows progress on standard error; call done
// before anything else is printed.
func (a *app) work() (l *lab.Lab, done func(), err error) {
	p := newProgress(a.err)
	l, err = lab.Open(a.dir, lab.Options{Watch: p.watch})
	if err != nil {
		p.close()
		return nil, nil, err
	}
	l.Planned = p.planned
	return l, p.close, nil
}
