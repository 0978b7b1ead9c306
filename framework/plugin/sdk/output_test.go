package sdk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
)

func output(t *testing.T) *Output {
	t.Helper()
	o, err := newOutput(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// text is an event as one word.
func text(e *pb.Event) string {
	switch x := e.GetEvent().(type) {
	case *pb.Event_Metric:
		return fmt.Sprintf("%s@%d", x.Metric.GetName(), x.Metric.GetStep())
	case *pb.Event_Progress:
		return fmt.Sprintf("progress@%d", x.Progress.GetStep())
	case *pb.Event_Log:
		return "log:" + x.Log.GetMessage()
	case *pb.Event_Sample:
		return "sample:" + x.Sample.GetItemId()
	case *pb.Event_Checkpoint:
		return "checkpoint:" + x.Checkpoint.GetFile().GetPath()
	}
	return "?"
}

// step makes a checkpoint folder that holds its content as a file.
func step(t *testing.T, o *Output, content string) (dir string) {
	t.Helper()
	dir = filepath.Join(o.workDir, "checkpoints", "step")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "state"), []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEventsKeepTheirOrder(t *testing.T) {
	o := output(t)
	o.Metric("loss", 1, 0.5)
	o.Log("info", "a")
	o.Sample(1, "item", "p", "q")
	for _, content := range []string{"old", "new"} { // the same folder twice, before anybody has read the first
		if err := o.Checkpoint(1, step(t, o, content)); err != nil {
			t.Fatal(err)
		}
	}
	o.Metric("loss", 2, 0.25)
	o.finish()
	var got []string
	err := o.pump(func(e *pb.Event) error {
		word := text(e)
		if path, ok := strings.CutPrefix(word, "checkpoint:"); ok {
			raw, err := os.ReadFile(filepath.Join(o.workDir, path, "state"))
			if err != nil {
				return err
			}
			word = "checkpoint:" + string(raw)
		}
		got = append(got, word)
		return nil
	}, sendEvery)
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(got, " "); s != "loss@1 log:a sample:item checkpoint:old checkpoint:new loss@2" {
		t.Errorf("events: %s", s)
	}
}

func TestCheckpointThatIsNoFolderOfTheRun(t *testing.T) {
	o := output(t)
	for _, dir := range []string{t.TempDir(), o.workDir, filepath.Join(o.workDir, "none")} {
		if err := o.Checkpoint(1, dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v", dir, err)
		}
	}
}

// A reader that takes nothing for a while makes the writers wait; then
// everything comes, each writer's metrics in order.
func TestSlowReaderLosesNoMetric(t *testing.T) {
	const writers, each = 3, 3 * queueSize
	o := output(t)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				o.Metric(fmt.Sprint("w", w), int64(i), float64(i))
			}
		})
	}
	go func() { wg.Wait(); o.finish() }()

	o.mu.Lock()
	for len(o.queue) < queueSize { // a full queue is what a slow reader leaves
		o.ready.Wait()
	}
	o.mu.Unlock()
	next := map[string]int64{}
	longest := 0
	err := o.pump(func(e *pb.Event) error {
		m := e.GetMetric()
		if m.GetStep() != next[m.GetName()] {
			t.Fatalf("%s is at step %d, expected %d", m.GetName(), m.GetStep(), next[m.GetName()])
		}
		next[m.GetName()]++
		o.mu.Lock()
		longest = max(longest, len(o.queue))
		o.mu.Unlock()
		return nil
	}, sendEvery)
	if err != nil {
		t.Fatal(err)
	}
	for w := range writers {
		if n := next[fmt.Sprint("w", w)]; n != each {
			t.Errorf("%d of %d metrics of writer %d", n, each, w)
		}
	}
	if longest > queueSize {
		t.Errorf("the queue grew to %d", longest)
	}
}

func TestProgressCoalesces(t *testing.T) {
	o := output(t)
	for i := range 1000 {
		o.Progress(int64(i), 1000, "train")
	}
	o.Metric("loss", 1, 1)
	o.finish()
	var got []string
	if err := o.pump(func(e *pb.Event) error { got = append(got, text(e)); return nil }, sendEvery); err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(got, " "); s != "loss@1 progress@999" {
		t.Errorf("events: %s", s)
	}
}

// When the reader has gone, the method is not kept waiting for ever.
func TestWriterGoesOnWithoutAReader(t *testing.T) {
	o := output(t)
	gone := errors.New("gone")
	done := make(chan struct{})
	go func() {
		for i := range 2 * queueSize {
			o.Metric("loss", int64(i), 0)
		}
		close(done)
	}()
	if err := o.pump(func(*pb.Event) error { return gone }, sendEvery); err != gone {
		t.Errorf("got %v", err)
	}
	<-done
}

// The metrics of a long run are sent together, those of its first moments, and
// anything else, at once.
func TestMetricsWaitForEachOther(t *testing.T) {
	o := output(t)
	synctest.Test(t, func(t *testing.T) {
		o.ready = sync.NewCond(&o.mu) // of this bubble
		start, done := time.Now(), make(chan error)
		var sends []time.Duration // since the start, of each group
		go func() {
			done <- o.pump(func(e *pb.Event) error {
				at := time.Since(start)
				if len(sends) == 0 || sends[len(sends)-1] != at {
					sends = append(sends, at)
				}
				if e.GetLog() != nil && e.GetLog().GetMessage() != fmt.Sprint(at) {
					t.Errorf("what was said at %s comes at %v", e.GetLog().GetMessage(), at)
				}
				return nil
			}, sendEvery)
		}()
		const pause = 10 * time.Millisecond
		for i := range 1000 {
			o.Metric("loss", int64(i), 0)
			time.Sleep(pause)
			if i == 700 {
				o.Log("info", fmt.Sprint(time.Since(start)))
			}
		}
		o.finish()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for i, at := range sends[1:] {
			if gap := at - sends[i]; gap > sendEvery+pause || gap > at/10+pause {
				t.Errorf("after the send at %v the next comes at %v", sends[i], at)
			}
		}
		if len(sends) > 100 { // 40 in ten seconds, and more often in the first ones
			t.Errorf("1000 metrics are sent in %d groups", len(sends))
		}
	})
}
