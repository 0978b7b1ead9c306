package jinja

import (
	"math/big"
	"strings"
	"time"
)

// run is one rendering.
type run struct {
	vars   map[string]any
	now    func() time.Time
	limits Limits

	steps, memory, depth int
	unread               int // bytes that are no whole step yet
}

// itemBytes is what an element of a list counts.
const itemBytes = 16

func (r *run) step() error {
	r.steps++
	if r.steps > r.limits.Steps {
		return errorf(Limit, "more than %d steps", r.limits.Steps)
	}
	return nil
}

// bytesAStep is how many bytes are read in about the time of a step: the slowest
// functions of characters take some nanoseconds for each.
const bytesAStep = 256

// read counts n bytes before they are walked through. Without it a step could
// take as long as the longest text.
func (r *run) read(n int) error {
	r.unread += n
	r.steps += r.unread/bytesAStep - 1
	r.unread %= bytesAStep
	return r.step()
}

// readValues counts the texts and the integers beyond 64 bits among values; the
// latter by the time that it takes to multiply, divide or print one.
func (r *run) readValues(values ...any) error {
	n := 0
	for _, v := range values {
		if s, ok := text(v); ok {
			n += len(s)
		} else if i, ok := v.(*big.Int); ok {
			n += i.BitLen() * i.BitLen() / 4096
		}
	}
	return r.read(n)
}

// grow counts n bytes before they are made.
func (r *run) grow(n int) error {
	if n < 0 || n > r.limits.Memory-r.memory {
		return errorf(Limit, "strings and lists of more than %d bytes in all", r.limits.Memory)
	}
	r.memory += n
	return nil
}

// growText counts the text and gives it, or the error.
func (r *run) growText(s string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return s, r.grow(len(s))
}

// deeper counts a level; the caller leaves it by r.depth--.
func (r *run) deeper() error {
	r.depth++
	if r.depth > r.limits.Depth {
		return errorf(Limit, "more than %d levels of recursion", r.limits.Depth)
	}
	return r.step()
}

// buffer takes output.
type buffer struct {
	run *run
	b   strings.Builder
}

func (b *buffer) write(s string) error {
	if b.b.Len()+len(s) > b.run.limits.Output {
		return errorf(Limit, "more than %d bytes of output", b.run.limits.Output)
	}
	if err := b.run.grow(len(s)); err != nil {
		return err
	}
	b.b.WriteString(s)
	return nil
}

// frame holds the values of an entered scope.
type frame struct {
	parent *frame
	values map[string]any
}

// enter counts a step for each name; the next step sees whether they were too
// many.
func (r *run) enter(s *scope, parent *frame) *frame {
	r.steps += len(s.names)
	f := &frame{parent: parent, values: make(map[string]any, len(s.names))}
	for _, name := range s.names {
		f.values[name] = missing
		switch s.loads[name] {
		case resolve:
			if v, ok := r.global(name); ok {
				f.values[name] = v
			}
		case alias:
			f.values[name] = parent.find(name)
		}
	}
	return f
}

// find gives the innermost value, or missing.
func (f *frame) find(name string) any {
	for ; f != nil; f = f.parent {
		if v, ok := f.values[name]; ok {
			return v
		}
	}
	return missing
}

// global looks among Render's variables, then among Jinja's functions.
func (r *run) global(name string) (any, bool) {
	if v, ok := r.vars[name]; ok {
		return v, true
	}
	if f, ok := globals[name]; ok {
		return f, true
	}
	return nil, false
}

// keep counts the frames that a macro keeps alive.
func (r *run) keep(f *frame) error {
	n := 0
	for ; f != nil; f = f.parent {
		n += 1 + len(f.values)
	}
	if err := r.read(n); err != nil {
		return err
	}
	return r.grow(4 * itemBytes * n)
}
