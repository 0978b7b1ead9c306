package lab

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

func TestEndStates(t *testing.T) {
	b := newBench(t)
	b.runner.HungAfter = time.Second
	for _, c := range []struct {
		method, fault string
		budget        spec.Budget
		status        tracking.Status
		words         []string
	}{
		{testplugins.Counter, "error", spec.Budget{}, tracking.Failed, []string{"params.at: it was reached; set it above steps"}},
		{testplugins.Counter, "panic", spec.Budget{}, tracking.Failed, []string{"the sum is odd", "fault.go"}},
		{testplugins.Counter, "estimate", spec.Budget{}, tracking.Failed, []string{"estimated to need", "lower batch_size"}},
		{testplugins.Counter, "missing", spec.Budget{}, tracking.Failed, []string{"no answer to item test-"}},
		{testplugins.Counter, "memory", spec.Budget{MaxMemoryBytes: 150 << 20}, tracking.Failed, []string{"cap of 150 MiB", "budget.max_memory_bytes"}},
		{testplugins.Counter, "huge", spec.Budget{}, tracking.Failed, []string{"16 MiB"}},
		{testplugins.Counter, "exit", spec.Budget{}, tracking.Crashed, []string{"exit status 4", "giving up"}},
		{testplugins.Counter, "kill", spec.Budget{}, tracking.Crashed, []string{"signal: killed"}},
		{testplugins.Counter, "panic-go", spec.Budget{}, tracking.Crashed, []string{"the sum is odd"}},
		{testplugins.Counter, "fork", spec.Budget{}, tracking.Crashed, []string{"exit status 0"}},
		{testplugins.Counter, "hang", spec.Budget{}, tracking.Crashed, []string{"hung"}},
		{"unended", "", spec.Budget{}, tracking.Failed, []string{"without saying how"}},
		{"stateless", "", spec.Budget{}, tracking.Failed, []string{"tired"}},
		{"oversize", "", spec.Budget{}, tracking.Failed, []string{"16 MiB"}},
	} {
		t.Run(c.method+" "+c.fault, func(t *testing.T) {
			b.t = t
			o := b.one(nil)
			o.Method, o.Budget = c.method, c.budget
			if c.fault != "" {
				o.Params = map[string]any{"fault": c.fault}
			}
			id, err := b.RunOne(t.Context(), o)
			if id == "" || err == nil {
				t.Fatalf("run %q, %v", id, err)
			}
			r := b.ended(id, c.status, c.words...)
			if !strings.Contains(err.Error(), r.Reason) || !strings.Contains(err.Error(), id) {
				t.Errorf("the error and the record differ: %v", err)
			}
			if r.NotReplayable {
				t.Error("it is marked as not replayable")
			}
		})
	}
}

func TestStopThenResume(t *testing.T) {
	b := newBench(t)
	whole := b.run(nil)
	id, err := b.stopAt(b.one(map[string]any{"hold_at": 3}), atStep(3))
	if err == nil || !strings.Contains(err.Error(), "--resume "+id) {
		t.Errorf("stopping says %v", err)
	}
	r := b.ended(id, tracking.Stopped, "stopped by the user", id)
	if r.NotReplayable {
		t.Error("a stopped run is marked as not replayable")
	}
	if _, err := b.Replay(t.Context(), id); err == nil || !strings.Contains(err.Error(), "only a finished run") || strings.Contains(err.Error(), "went on") {
		t.Errorf("replaying a stopped run: %v", err)
	}
	again, err := b.Resume(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.ended(again, tracking.Finished)
	b.same(whole, again)
	if _, err := b.Replay(t.Context(), id); err == nil || !strings.Contains(err.Error(), "run "+again+" went on from it") {
		t.Errorf("replaying a stopped run that went on: %v", err)
	}
	parents, err := b.Store.Parents(t.Context(), again)
	if err != nil || len(parents) != 1 || parents[0].Parent != id || parents[0].Relation != tracking.ResumedFrom {
		t.Errorf("parents %+v, %v", parents, err)
	}
	if _, err := b.Resume(t.Context(), again); err == nil || !strings.Contains(err.Error(), "nothing to resume") {
		t.Errorf("resuming a finished run: %v", err)
	}
}

// A resumed run that fails before a checkpoint of its own can be resumed too:
// what it started from belongs to it.
func TestResumeOfAResumedRun(t *testing.T) {
	b := newBench(t)
	id, err := b.stopAt(b.one(map[string]any{"hold_at": 3, "every": 10, "fault": "error", "at": 5}), atStep(3))
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Stopped)
	for range 2 {
		next, err := b.Resume(t.Context(), id)
		if err == nil {
			t.Fatal("it finished")
		}
		b.ended(next, tracking.Failed)
		var steps []int64
		for _, m := range b.metrics(next) {
			steps = append(steps, m.Step)
		}
		if len(steps) != 5 || steps[0] != 1 || steps[4] != 5 {
			t.Errorf("run %s has metrics at steps %v", next, steps)
		}
		at, err := b.Store.Events(t.Context(), next, tracking.EventFilter{Kind: "checkpoint"})
		if err != nil || len(at) != 1 || !strings.Contains(string(at[0].Data), `"step":3`) {
			t.Errorf("checkpoints of run %s: %+v, %v", next, at, err)
		}
		id = next
	}
}

func TestStopBeforeItTrains(t *testing.T) {
	b := newBench(t)
	whole := b.run(nil)
	id, err := b.stopAt(b.one(nil), func(u run.Update) bool { return u.Phase == "estimate" })
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Stopped, "stopped by the user")
	again, err := b.Resume(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.same(whole, again)
}

func TestStopWhileItAnswers(t *testing.T) {
	b := newBench(t)
	whole := b.run(nil)
	id, err := b.stopAt(b.one(nil), func(u run.Update) bool {
		return u.Phase == "train" && u.Step == u.Total || strings.HasPrefix(u.Phase, "predict")
	})
	if err == nil { // the last answer may have come before the stop
		b.ended(id, tracking.Finished)
		return
	}
	b.ended(id, tracking.Stopped)
	again, err := b.Resume(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.same(whole, again)
}

func TestPluginThatDoesNotStop(t *testing.T) {
	b := newBench(t)
	b.runner.StopGrace = 300 * time.Millisecond
	id, err := b.stopAt(b.one(map[string]any{"fault": "ignore-stop"}), atStep(3))
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Stopped, "did not stop when asked within 300ms", "its last checkpoint stands")
}

func TestWallCap(t *testing.T) {
	b := newBench(t)
	o := b.one(map[string]any{"hold_at": 3})
	o.Budget.MaxWallSeconds = 0.5
	id, err := b.RunOne(t.Context(), o)
	if err == nil {
		t.Fatal("it finished")
	}
	if r := b.ended(id, tracking.Stopped, "cap on wall time"); !r.NotReplayable {
		t.Error("it is not marked as not replayable")
	}
}

// A run whose lease another process ended gives up, and the record stands.
func TestLeaseThatIsLost(t *testing.T) {
	b := newBench(t)
	b.runner.LeaseTTL = 200 * time.Millisecond
	b.watch = func(u run.Update) {
		if atStep(3)(u) {
			if err := b.Store.SetStatus(t.Context(), u.RunID, tracking.Lost, "reaped by a test"); err != nil {
				t.Error(err)
			}
		}
	}
	id, err := b.RunOne(t.Context(), b.one(map[string]any{"hold_at": 3}))
	if err == nil || !strings.Contains(err.Error(), "another process took the run for lost") && !errors.Is(err, tracking.Conflict) {
		t.Errorf("got %v", err)
	}
	b.ended(id, tracking.Lost, "reaped by a test")
}

// A host that was taken for dead, and wakes, adds nothing to its run, not even
// an event.
func TestLostRunIsNotWrittenOn(t *testing.T) {
	b := newBench(t)
	said, held := 0, 0
	id, err := b.stopAt(b.one(map[string]any{"fault": "linger", "hold_at": 3}), func(u run.Update) bool {
		if u.Log != "" {
			said++
		}
		if said == 3 && held == 0 { // the third line has come and is not written
			held = len(b.events(u.RunID))
			if err := b.Store.SetStatus(t.Context(), u.RunID, tracking.Lost, "reaped by a test"); err != nil {
				t.Error(err)
			}
		}
		return atStep(3)(u)
	})
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Lost, "reaped by a test")
	if n := len(b.events(id)); held == 0 || n != held {
		t.Errorf("%d events where there were %d when it was lost", n, held)
	}
}
