package host

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/spec"
)

var plugins string // folder of the test plugins

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) == "host" {
		beHost()
		return
	}
	os.Exit(testplugins.Main(m, &plugins))
}

// ownTemp gives the hosts of this test a temporary folder of their own and
// checks at its end that they left nothing there.
func ownTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "h") // short, for the sockets in it
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left in the temporary folder: %v %v", left, err)
		}
		os.RemoveAll(dir)
	})
	return dir
}

func launch(t *testing.T, name string, o LaunchOptions) *Client {
	t.Helper()
	c, err := Launch(t.Context(), testplugins.Path(plugins, name), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func input(t *testing.T, params map[string]any) Input {
	t.Helper()
	return Input{RunID: "r1", Spec: spec.Run{Method: testplugins.Counter, Params: params, Seed: 7}, WorkDir: t.TempDir()}
}

func ignore(*pb.Event) error { return nil }

func TestRunStreamsEventsInOrder(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{Name: testplugins.Counter})
	in := input(t, nil)
	var got []string
	last := 0.0
	done, err := c.Run(t.Context(), in, File{}, func(e *pb.Event) error {
		switch {
		case e.GetMetric() != nil:
			got = append(got, e.GetMetric().GetName())
			if e.GetMetric().GetName() == "train/loss" {
				last = e.GetMetric().GetValue()
			}
		case e.GetCheckpoint() != nil:
			got = append(got, "checkpoint")
		case e.GetArtifact() != nil:
			got = append(got, e.GetArtifact().GetFile().GetPath())
		}
		return nil
	})
	if err != nil || done.State != "finished" {
		t.Fatalf("%+v, %v", done, err)
	}
	want := "train/loss train/loss checkpoint train/saved train/loss train/loss checkpoint train/saved train/loss train/loss artifacts/state.json"
	if strings.Join(got, " ") != want {
		t.Errorf("events %v", got)
	}
	if done.Cost.TrainTokens != 6 || done.Cost.FLOPs != 12 {
		t.Errorf("cost %+v", done.Cost)
	}
	sum := 0.0
	for _, s := range []string{"1", "2", "3", "4", "5", "6"} {
		sum += spec.Stream(7, "step "+s).Float64()
	}
	if last != sum {
		t.Errorf("the last sum is %v, expected %v", last, sum)
	}
	c.Close()
	if cpu, peak := c.Usage(); cpu <= 0 || peak < 1<<20 {
		t.Errorf("used %v CPU seconds and %d bytes", cpu, peak)
	}
}

func TestStopGivesACheckpoint(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	in := input(t, map[string]any{"hold_at": 3})
	at := int64(0)
	done, err := c.Run(t.Context(), in, File{}, func(e *pb.Event) error {
		if m := e.GetMetric(); m.GetName() == "train/loss" && m.GetStep() == 3 {
			return c.Stop(in.RunID, testplugins.Deadline)
		}
		if e.GetCheckpoint() != nil {
			at = e.GetCheckpoint().GetStep()
		}
		return nil
	})
	if err != nil || done.State != "stopped" || at != 3 {
		t.Errorf("%+v, %v, last checkpoint at %d", done, err, at)
	}
}

func TestStopBeforeTheRunBegins(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	in := input(t, map[string]any{"hold_at": 3})
	if err := c.Stop(in.RunID, testplugins.Deadline); err != nil {
		t.Fatal(err)
	}
	done, err := c.Run(t.Context(), in, File{}, ignore)
	if err != nil || done.State != "stopped" {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestCancelEndsTheRunAtOnce(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.Run(ctx, input(t, map[string]any{"fault": "ignore-stop"}), File{}, func(e *pb.Event) error {
		if e.GetMetric().GetStep() == 3 {
			cancel()
		}
		return nil
	})
	if err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestMistakesTravelWithTheirPath(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	ds, err := c.Validate(t.Context(), input(t, map[string]any{"refuse": true}))
	if err != nil || ds.Err() == nil || ds[0].Path != "params.refuse" || ds[0].Detail != "leave it false" {
		t.Errorf("%+v, %v", ds, err)
	}
	_, err = c.Estimate(t.Context(), input(t, map[string]any{"steps": "many"}))
	if ds, ok := err.(spec.Diagnostics); !ok || ds[0].Path != "params.steps" {
		t.Errorf("estimate: %v", err)
	}
	done, err := c.Run(t.Context(), input(t, map[string]any{"fault": "error"}), File{}, ignore)
	if err != nil || done.State != "failed" || len(done.Errors) != 1 || done.Errors[0].Path != "params.at" {
		t.Errorf("run: %+v, %v", done, err)
	}
}

func TestPanicComesBackAndThePluginLives(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	done, err := c.Run(t.Context(), input(t, map[string]any{"fault": "panic"}), File{}, ignore)
	if err != nil || done.State != "failed" || !strings.Contains(done.Reason, "the sum is odd") || !strings.Contains(done.Reason, "fault.go") {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := c.Estimate(t.Context(), input(t, nil)); err != nil {
		t.Errorf("after the panic: %v", err)
	}
}

func TestNoMetricIsLostInAFlood(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	next := int64(0)
	done, err := c.Run(t.Context(), input(t, map[string]any{"fault": "flood"}), File{}, func(e *pb.Event) error {
		if m := e.GetMetric(); m.GetName() == "flood" {
			if m.GetStep() != next || m.GetValue() != float64(next)/3 {
				t.Fatalf("metric %d came as %v", next, m)
			}
			if next++; next == 1000 {
				time.Sleep(100 * time.Millisecond) // the queues on both sides fill
			}
		}
		return nil
	})
	if err != nil || done.State != "finished" || next != 100_000 {
		t.Errorf("%d metrics, %+v, %v", next, done, err)
	}
}
