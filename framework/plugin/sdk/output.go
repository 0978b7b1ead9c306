package sdk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/spec"
)

// queueSize bounds the events that wait for a slow reader; then the training
// loop waits too, so that no metric is ever dropped. Progress coalesces.
const queueSize = 4096

// sendEvery is how long metrics and progress wait at most to be sent together:
// every send wakes the host, which costs more than what is sent. A run's first
// moments are seen as they come, since nothing waits for more than a tenth of
// the time that the run has taken.
const sendEvery = 250 * time.Millisecond

// Output is where a run reports to. Its methods may be called from several
// goroutines.
type Output struct {
	workDir string
	cost    spec.Cost
	stop    chan struct{}

	mu       sync.Mutex
	ready    *sync.Cond // something to send, or space again, or closed
	queue    []*pb.Event
	urgent   bool // something in it must not wait for more
	progress *pb.Event
	closed   bool // the reader has gone: events are discarded
	done     bool // the method has returned
}

func newOutput(workDir string) (*Output, error) {
	o := &Output{workDir: workDir, stop: make(chan struct{})}
	o.ready = sync.NewCond(&o.mu)
	if err := os.MkdirAll(o.ArtifactDir(), 0o755); err != nil {
		return nil, fmt.Errorf("make the artifact folder: %w", err)
	}
	return o, nil
}

// ArtifactDir is the folder for the run's result; every file under it becomes
// an artifact of the run.
func (o *Output) ArtifactDir() string { return filepath.Join(o.workDir, "artifacts") }

// Cost is filled in by the method with what it counts itself: parameters,
// examples, tokens, FLOPs. The host measures time and memory.
func (o *Output) Cost() *spec.Cost { return &o.cost }

// Stopping is closed when the run should save its state and return ErrStopped.
func (o *Output) Stopping() <-chan struct{} { return o.stop }

// Progress reports step of total; unread reports are replaced by newer ones.
func (o *Output) Progress(step, total int64, phase string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.progress = &pb.Event{Event: &pb.Event_Progress{Progress: &pb.Progress{Step: step, Total: total, Phase: phase}}}
	o.ready.Broadcast()
}

// Metric records one value; it waits for a slow reader, and is never dropped.
func (o *Output) Metric(name string, step int64, value float64) {
	o.send(&pb.Event{Event: &pb.Event_Metric{Metric: &pb.Metric{Name: name, Step: step, Value: value}}})
}

// Log records a line; level is "debug", "info", "warning" or "error".
func (o *Output) Log(level, message string) {
	o.send(&pb.Event{Event: &pb.Event_Log{Log: &pb.Log{Level: level, Message: message}}})
}

// Sample streams a response to a validation item, which the host may score.
func (o *Output) Sample(step int64, itemID, prompt, text string) {
	o.send(&pb.Event{Event: &pb.Event_Sample{Sample: &pb.Sample{Step: step, ItemId: itemID, Prompt: prompt, Text: text}}})
}

// Checkpoint hands over the folder dir, under the work folder, which holds all
// that a resumed run needs from step on. It is moved away: the host stores it
// while the run goes on, and dir may be written again.
func (o *Output) Checkpoint(step int64, dir string) error {
	rel, err := filepath.Rel(o.workDir, dir)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return fmt.Errorf("checkpoint %s is not a folder under the run's folder %s", dir, o.workDir)
	}
	if rel, err = o.handOver(dir); err != nil {
		return fmt.Errorf("hand over the checkpoint %s: %w", dir, err)
	}
	o.send(&pb.Event{Event: &pb.Event_Checkpoint{Checkpoint: &pb.Checkpoint{Step: step, File: &pb.File{Kind: "checkpoint", Path: filepath.ToSlash(rel)}}}})
	return nil
}

// handOver moves dir to the first free name and gives that, relative to the
// work folder.
func (o *Output) handOver(dir string) (rel string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	const sent = ".sent"
	if err := os.MkdirAll(filepath.Join(o.workDir, sent), 0o755); err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		rel = filepath.Join(sent, strconv.Itoa(n))
		if _, err := os.Lstat(filepath.Join(o.workDir, rel)); errors.Is(err, fs.ErrNotExist) {
			return rel, os.Rename(dir, filepath.Join(o.workDir, rel))
		} else if err != nil {
			return "", err
		}
	}
}

func (o *Output) send(e *pb.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) >= queueSize && !o.closed {
		o.ready.Wait()
	}
	if !o.closed {
		o.queue = append(o.queue, e)
		o.urgent = o.urgent || e.GetMetric() == nil || len(o.queue) >= queueSize/2
		o.ready.Broadcast()
	}
}

// pump sends events until the method has returned and the queue is empty. What
// can wait does so up to most after the last send.
func (o *Output) pump(send func(*pb.Event) error, most time.Duration) error {
	start, due := time.Now(), true
	for {
		o.mu.Lock()
		for !o.done && !o.urgent && (!due || len(o.queue) == 0 && o.progress == nil) {
			o.ready.Wait()
		}
		if most > 0 {
			due = false
			time.AfterFunc(min(most, time.Since(start)/10), func() {
				o.mu.Lock()
				defer o.mu.Unlock()
				due = true
				o.ready.Broadcast()
			})
		}
		batch := o.queue
		o.queue, o.urgent = nil, false
		if o.progress != nil {
			batch = append(batch, o.progress)
			o.progress = nil
		}
		finished := o.done && len(batch) == 0
		o.ready.Broadcast()
		o.mu.Unlock()
		if finished {
			return nil
		}
		for _, e := range batch {
			if err := send(e); err != nil {
				o.mu.Lock()
				o.closed = true
				o.ready.Broadcast()
				o.mu.Unlock()
				return err
			}
		}
	}
}

func (o *Output) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	o.ready.Broadcast()
}
