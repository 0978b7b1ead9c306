package compute

import (
	"errors"
	"fmt"
)

// MemoryError says that there is no memory for a buffer. Engines panic with it;
// [Recover] makes it an error again.
type MemoryError struct {
	Bytes     int64 // asked for
	InUse     int64 // by the engine's buffers
	Available int64 // on the machine, as far as it says; -1: it doesn't, or that was not what failed
}

func (e *MemoryError) Error() string {
	s := fmt.Sprintf("out of memory: %s asked for beside %s in use", mebibytes(e.Bytes), mebibytes(e.InUse))
	if e.Available >= 0 {
		s += fmt.Sprintf(", %s available", mebibytes(e.Available))
	}
	return s
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// FillError says that a lazy buffer could not be filled when it was first used.
// Engines panic with it; [Recover] makes it an error again.
type FillError struct{ Err error }

func (e *FillError) Error() string { return e.Err.Error() }
func (e *FillError) Unwrap() error { return e.Err }

// Recover runs fn and returns its error, or the [MemoryError] or [FillError]
// that it panicked with: what is no mistake of the program, and so no panic to
// whoever called it. Any other panic goes on.
func Recover(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			var memory *MemoryError
			var fill *FillError
			if !ok || !errors.As(e, &memory) && !errors.As(e, &fill) {
				panic(r)
			}
			err = e
		}
	}()
	return fn()
}
