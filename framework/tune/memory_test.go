package tune_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// tight is an engine that has memory for so many buffers.
type tight struct {
	compute.Engine
	left *atomic.Int64
}

func (e tight) Alloc(dt compute.DType, n int) compute.Buffer {
	e.take(dt, n)
	return e.Engine.Alloc(dt, n)
}

func (e tight) AllocRaw(dt compute.DType, n int) compute.Buffer {
	e.take(dt, n)
	return e.Engine.AllocRaw(dt, n)
}

func (e tight) take(dt compute.DType, n int) {
	if e.left.Add(-1) < 0 {
		panic(&compute.MemoryError{Bytes: int64(n * dt.Size()), Available: 0})
	}
}

// Wherever in a run the memory ends, the run fails with what to do, and does not
// panic.
func TestARunWithoutMemoryFails(t *testing.T) {
	var left atomic.Int64
	compute.Register("tight", func(threads int) (compute.Engine, error) {
		e, err := compute.Open("cpu", threads)
		return tight{e, &left}, err
	})
	folder, d, m := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(), tune.Method(norms{})
	run := func(buffers int64) error {
		in := tunetest.Input(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 2}})
		in.Spec.Compute.Engine = "tight"
		left.Store(buffers)
		_, err := sdk.RunLocal(context.Background(), m, in, sdk.Events{})
		return err
	}
	const plenty = 1 << 40
	if err := run(plenty); err != nil {
		t.Fatal(err)
	}
	all := plenty - left.Load()
	for i := range int64(12) {
		if err := run(all * i / 12); err == nil || !strings.Contains(err.Error(), "out of memory") || !strings.Contains(err.Error(), "lower batch_size") || strings.Contains(err.Error(), "panicked") {
			t.Errorf("with %d of %d buffers: %v", all*i/12, all, err)
		}
	}
	in := tunetest.Input(t, m, folder, d, tunetest.Options{})
	in.Spec.Compute.Engine = "tight"
	left.Store(0)
	if _, err := m.Estimate(t.Context(), in); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("estimate: %v", err)
	}
}
