package autograd

import (
	"errors"
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
)

// ShapeError says that an op was given shapes it cannot work with.
type ShapeError struct {
	Op     string
	Shapes [][]int
	Reason string // what the op needs
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("autograd: %s: shapes %v: %s", e.Op, e.Shapes, e.Reason)
}

// IndexError says that an index is outside its range [0, Limit).
type IndexError struct {
	Op           string
	At           int // position in the index list
	Value, Limit int
}

func (e *IndexError) Error() string {
	return fmt.Sprintf("autograd: %s: index %d at position %d is outside 0..%d", e.Op, e.Value, e.At, e.Limit-1)
}

// Catch runs fn and returns the shape, index, size or missing-op error that it
// panicked with, or what [compute.Recover] catches; nil if it did not. Any other
// panic goes on.
func Catch(fn func()) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		e, ok := r.(error)
		if !ok {
			panic(r)
		}
		var shape *ShapeError
		var index *IndexError
		var missing *compute.MissingOpError
		var size *compute.SizeError
		if !errors.As(e, &shape) && !errors.As(e, &index) && !errors.As(e, &missing) && !errors.As(e, &size) {
			panic(r)
		}
		err = e
	}()
	return compute.Recover(func() error { fn(); return nil })
}

// must panics with a ShapeError unless ok.
func (t *Tape) must(ok bool, op, reason string, vars ...*Var) {
	if ok {
		return
	}
	e := &ShapeError{Op: op, Reason: reason}
	for _, v := range vars {
		if v != nil {
			e.Shapes = append(e.Shapes, v.Shape())
		}
	}
	panic(e)
}

func checkIndices(op string, idx []int32, low, limit int) {
	for i, v := range idx {
		if int(v) < low || int(v) >= limit {
			panic(&IndexError{Op: op, At: i, Value: int(v), Limit: limit})
		}
	}
}
