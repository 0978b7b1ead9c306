package lab

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// A run in bf16 follows its twin in f32, on the embedded model and task, within
// 1% of the loss over every ten steps, without being it, and replays bit for bit.
// TUNELAB_LONG=1 makes 200 steps of 30.
func TestBF16FollowsF32(t *testing.T) {
	steps := 30
	if os.Getenv("TUNELAB_LONG") != "" {
		steps = 200
	}
	dir := t.TempDir()
	t.Setenv("TUNELAB_PLUGIN_DIR", shipped(t, "full"))
	l, err := Open(filepath.Join(dir, "state"), Options{Unlocked: true, Lock: filepath.Join(dir, "tunelab.lock")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	losses := func(precision string) (id string, out []float64) {
		id, err := l.RunOne(t.Context(), One{Method: "full", Task: "instructions", Params: map[string]any{"max_steps": steps, "epochs": 30, "batch_size": 8},
			Compute: spec.Compute{Precision: precision}})
		if err != nil {
			t.Fatal(err)
		}
		ms, err := l.Store.Metrics(t.Context(), id, tracking.MetricFilter{Name: "train/loss"})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			out = append(out, m.Value)
		}
		return id, out
	}
	_, full := losses(compute.FullPrecision)
	id, half := losses(compute.BF16Precision)
	if len(full) != steps || len(half) != steps {
		t.Fatalf("%d and %d losses", len(full), len(half))
	}
	same := true
	for k := 0; k < steps; k += 10 {
		a, b := 0.0, 0.0
		for i := k; i < k+10; i++ {
			a, b, same = a+full[i], b+half[i], same && full[i] == half[i]
		}
		if d := math.Abs(b/a - 1); !(d < 0.01) {
			t.Errorf("steps %d to %d: the loss is %.4f in bf16 and %.4f in f32", k+1, k+10, b/10, a/10)
		}
	}
	if same {
		t.Error("the losses in bf16 are those in f32")
	}
	if again, err := l.Replay(t.Context(), id); err != nil || !again.Identical {
		t.Errorf("replay: %+v: %v", again, err)
	}
	_, err = l.RunOne(t.Context(), One{Method: "full", Task: "instructions", Compute: spec.Compute{Engine: "ref", Precision: compute.BF16Precision}})
	if err == nil || !strings.Contains(err.Error(), "computes in f32 only") {
		t.Errorf("bf16 on ref: %v", err)
	}
}
