package tune

import (
	"errors"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

// WithMemory runs fn, which trains or gets ready to. That there is no memory, or
// that a weight could not be read when it was first used, is its error and no
// panic; the former says what to do.
func WithMemory(fn func() error) error {
	err := compute.Recover(fn)
	if e := new(compute.MemoryError); errors.As(err, &e) {
		return sdk.Fail("params", err.Error(), "lower batch_size or max_length, raise accumulation, or take a method that trains less, such as lora, or qlora, which keeps the base in 4 bits")
	}
	return err
}
