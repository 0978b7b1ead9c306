package main

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/lab"
)

// open opens the state folder for commands that only read it.
func (a *app) open() (*lab.Lab, error) {
	return lab.Open(a.dir, a.options(func(s string) { fmt.Fprintln(a.err, s) }))
}

// options are what the flags say of every command's lab; say writes a line to
// standard error.
func (a *app) options(say func(string)) lab.Options {
	return lab.Options{Lock: a.lock, Unlocked: a.unlocked, Warn: func(s string) { say("warning: " + s) }}
}

// work opens the state folder and shows progress on standard error; call done
// before anything else is printed.
func (a *app) work() (l *lab.Lab, done func(), err error) {
	p := newProgress(a.err)
	o := a.options(p.line)
	o.Watch = p.watch
	l, err = lab.Open(a.dir, o)
	if err != nil {
		p.close()
		return nil, nil, err
	}
	l.Planned = p.planned
	return l, p.close, nil
}
