package bench

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/spec"
)

// Bounds of a prediction.
const (
	calibration = 3 * time.Second       // spent on kernels that have not been measured before
	kernelSpan  = 12 * time.Millisecond // on each of them
	callSeconds = 1.5e-6                // of a call outside of its kernel: the tape, buffers
)

// Seconds predicts how long the calls of an estimate take on this machine. The
// largest kinds of calls are measured, for a few seconds in all, and kept under
// dir by the machine's features; the rest are taken to cost as much for their
// work. 0 is no prediction: the estimate has no calls, or the engine is not "cpu".
func Seconds(ctx context.Context, dir string, est spec.Estimate, c spec.Compute) (float64, error) {
	if len(est.Calls) == 0 || c.Engine != "" && c.Engine != "cpu" {
		return 0, nil
	}
	precision := c.Precision
	if precision == "" {
		precision = F32
	}
	e, err := openEngine(precision, c.Threads)
	if err != nil {
		return 0, err
	}
	defer e.Close()
	path, err := ratesFile(dir, thisMachine(e))
	if err != nil {
		return 0, err
	}
	known, err := readRates(path)
	if err != nil {
		return 0, err
	}
	begun, learned := time.Now(), false
	fresh, ok := known[freshMemory]
	if !ok {
		if fresh, err = timeFresh(e); err != nil {
			return 0, err
		}
		known[freshMemory], learned = fresh, true
	}
	var measured, work, rest, calls float64
	for _, call := range est.Calls {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		calls += float64(call.N)
		op, ok := compute.LookupOp(call.Op)
		if !ok || len(call.Ints) != compute.MaxInts { // an op of the plugin's own
			rest += call.Work
			continue
		}
		ints := [compute.MaxInts]int64(call.Ints)
		name := op.Name + " " + shape(op, &ints)
		seconds, ok := known[name]
		if !ok && time.Since(begun) < calibration {
			if seconds, err = timeCall(e, op, call.Ints); err != nil {
				return 0, fmt.Errorf("measure %s: %w", name, err)
			}
			known[name], learned, ok = seconds, true, true
		}
		if !ok {
			rest += call.Work
			continue
		}
		measured += seconds * call.Work / float64(compute.CallWork(op, &ints))
		work += call.Work
	}
	if learned {
		if err := writeRates(path, known); err != nil {
			return 0, err
		}
	}
	if work > 0 {
		measured *= 1 + rest/work
	}
	return measured + callSeconds*calls + fresh*float64(est.MemoryBytes), nil
}

// freshMemory is timeFresh among the rates.
const freshMemory = "fresh memory"

// timeCall is the time of a call, in seconds.
func timeCall(e compute.Engine, op *compute.Op, ints []int64) (float64, error) {
	a, _ := kernelCase{op: op, ints: ints}.args(e)
	defer freeArgs(e, &a)
	if err := compute.Run(e, op, &a); err != nil {
		return 0, err
	}
	run, _ := e.Kernel(op.Name)
	fastest, _ := perCall(kernelSpan, func() { run(&a) }) // what others compute meanwhile is not this machine's rate
	return fastest, nil
}

// freshBytes is how much new memory timeFresh takes.
const freshBytes = 64 << 20

// timeFresh is how long it takes to get a byte of memory from the system.
func timeFresh(e compute.Engine) (float64, error) {
	b := e.AllocRaw(compute.F32, freshBytes/4)
	defer e.Free(b)
	write := func() (float64, error) {
		begun := time.Now()
		err := compute.Call(e, compute.Fill, []compute.Buffer{b}, []int64{freshBytes / 4}, []float64{0})
		return time.Since(begun).Seconds(), err
	}
	first, err := write()
	if err != nil {
		return 0, err
	}
	again, err := write()
	return max(first-again, 0) / freshBytes, err
}

// ratesFile is where a machine's rates are kept; what changes from one minute or
// one build to the next is not in its name.
func ratesFile(dir string, m Machine) (string, error) {
	m.Load, m.Go = 0, ""
	raw, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "cache", fmt.Sprintf("rates-%.8x.json", sha256.Sum256(raw))), nil
}

// readRates gives seconds by call.
func readRates(path string) (map[string]float64, error) {
	known := map[string]float64{}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	} else if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &known); err != nil {
		return nil, fmt.Errorf("%s: %w; delete it, and it is measured again", path, err)
	}
	return known, nil
}

func writeRates(path string, known map[string]float64) error {
	raw, err := json.MarshalIndent(known, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return checkpoint.WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}
