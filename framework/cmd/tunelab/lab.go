package main

import (
	"fmt"
	"time"

	"github.com/tunelab/tunelab/framework/lab"
)

// open opens the state folder for commands that only read it.
func (a *app) open() (*lab.Lab, error) {
	return lab.Open(a.dir, a.options(func(s string) { fmt.Fprintln(a.err, s) }))
}

// options are what the flags say of every command's lab; say writes a line to
// standard error.
func (a *app) options(say func(string)) lab.Options {
	return lab.Options{Lock: a.lock, Unlocked: a.unlocked, Warn: func(s string) { say("warning: " + s) }, Download: download(say)}
}

// models finds models for commands that need no state.
func (a *app) models() lab.Models {
	return lab.Models{State: a.dir, Download: download(func(s string) { fmt.Fprintln(a.err, s) })}
}

// download says every two seconds how far a file is.
func download(say func(string)) func(file string, done, total int64) {
	last := time.Now()
	return func(file string, done, total int64) {
		if time.Since(last) < 2*time.Second {
			return
		}
		last = time.Now()
		if total < 0 {
			say(fmt.Sprintf("fetching %s: %d MiB", file, done>>20))
			return
		}
		say(fmt.Sprintf("fetching %s: %d of %d MiB", file, done>>20, total>>20))
	}
}

// work opens the state folder and shows progress on standard error; call done
// before anything else is printed. more changes what the lab is opened with.
func (a *app) work(more ...func(*lab.Options)) (l *lab.Lab, done func(), err error) {
	p := newProgress(a.err)
	o := a.options(p.line)
	for _, f := range more {
		f(&o)
	}
	o.Watch = p.watch
	l, err = lab.Open(a.dir, o)
	if err != nil {
		p.close()
		return nil, nil, err
	}
	l.Planned = p.planned
	return l, p.close, nil
}
