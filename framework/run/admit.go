package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// admit records the estimate and refuses a run that cannot fit.
func (a *active) admit(ctx context.Context, est spec.Estimate) (err error) {
	if a.Seconds != nil {
		if est.Seconds, err = a.Seconds(ctx, est, a.job.Spec.Compute); err != nil {
			return fmt.Errorf("predict the run's time: %w", err)
		}
	}
	est.Calls = nil
	raw, err := json.Marshal(est)
	if err != nil {
		return err
	}
	if err := a.Store.AppendEvents(ctx, a.id, []tracking.Event{{Kind: "estimate", Level: "info", Data: raw}}); err != nil {
		return err
	}
	a.update(Update{Estimate: &est})
	have := memoryTotal()
	if most := a.job.Spec.Budget.MaxMemoryBytes; most > 0 && (have == 0 || most < have) {
		have = most
	}
	if have > 0 && est.MemoryBytes > have {
		return fmt.Errorf("the run is estimated to need %d MiB and %d MiB are there: %s", est.MemoryBytes>>20, have>>20, smaller(a.job.Spec))
	}
	return nil
}

// smaller says what would make a run need less memory, the least change first.
// Products in bf16 would not: weights and what is kept of a step stay in f32.
func smaller(r spec.Run) string {
	var ways []string
	// A stage of a chained method has its parameters under the stage's name.
	param := func(name string) (full string, v any) {
		if v, ok := r.Params[name]; ok {
			return name, v
		}
		full = r.Stage + "_" + name
		return full, r.Params[full]
	}
	if name, v := param("gradient_checkpointing"); v == false {
		ways = append(ways, "set "+name+"=true (the same numbers for about a third more arithmetic)")
	}
	size, b := param("batch_size")
	split, acc := param("accumulation")
	if b, ok := b.(int64); ok {
		switch acc, ok := acc.(int64); {
		case ok && acc < b:
			ways = append(ways, fmt.Sprintf("raise %s from %d (a step of %d examples in more parts)", split, acc, b))
		case !ok && b > 1:
			ways = append(ways, fmt.Sprintf("lower %s from %d", size, b))
		}
	}
	if name, v := param("max_length"); v != nil {
		ways = append(ways, "lower "+name)
	}
	switch r.Method {
	case "full", "sft":
		ways = append(ways, "choose lora or qlora")
	case "lora":
		ways = append(ways, "choose qlora")
	}
	if len(ways) == 0 {
		return "choose a smaller model"
	}
	return strings.Join(ways, ", or ")
}
