package frontend

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tunelab/tunelab/kernel/engine"
	"github.com/tunelab/tunelab/kernel/wire"
)

// Died is the kind of error of a cell whose worker ended.
const Died = "worker ended"

// worker is the process in which cells run, and its successors.
type worker struct {
	command []string
	outputs *outputs
	event   func(*execution, wire.Event)

	mu      sync.Mutex
	cmd     *exec.Cmd
	to      *wire.Writer
	pipe    io.Closer
	ready   bool
	early   []wire.Request // asked before it was ready
	waiting map[int]*asked
	next    int
	why     string // it was killed
	ended   chan bool
	stopped bool
}

type asked struct {
	execution *execution
	done      chan wire.Event
	doom      *time.Timer // kills the worker after an interrupt; nil: there was none
}

func newWorker(command []string, o *outputs, event func(*execution, wire.Event)) *worker {
	w := &worker{command: command, outputs: o, event: event, waiting: map[int]*asked{}}
	go w.keep()
	return w
}

// keep starts a worker whenever there is none. The thread stays with it: Linux ends
// a child whose parent-death signal is set when the thread that started it ends.
func (w *worker) keep() {
	runtime.LockOSThread()
	for failures := 0; ; {
		began := time.Now()
		err := w.start()
		if err == nil {
			<-w.ended
		}
		w.mu.Lock()
		stopped := w.stopped
		w.mu.Unlock()
		if stopped {
			return
		}
		if failures++; time.Since(began) > 10*time.Second {
			failures = 0
		}
		if err != nil || failures > 3 { // it dies at once, again and again
			if err == nil {
				err = errors.New("it ends at once")
			}
			w.refuse(err)
			time.Sleep(time.Second)
		}
	}
}

func (w *worker) start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return errors.New("stopped")
	}
	var pipes [4][2]*os.File // requests, events, stdout, stderr
	for i := range pipes {
		r, s, err := os.Pipe()
		if err != nil {
			return err
		}
		pipes[i] = [2]*os.File{r, s}
	}
	cmd := exec.Command(w.command[0], w.command[1:]...)
	cmd.Stdout, cmd.Stderr = pipes[2][1], pipes[3][1]
	cmd.ExtraFiles = []*os.File{pipes[0][0], pipes[1][1]}
	private(cmd)
	w.outputs.begin()
	err := cmd.Start()
	pipes[0][0].Close()
	for _, p := range pipes[1:] {
		p[1].Close()
	}
	if err != nil {
		pipes[0][1].Close()
		for _, p := range pipes[1:] {
			p[0].Close()
		}
		return fmt.Errorf("starting a worker: %w", err)
	}
	w.cmd, w.to, w.pipe, w.ready, w.why = cmd, wire.NewWriter(pipes[0][1]), pipes[0][1], false, ""
	w.ended = make(chan bool)
	var streams sync.WaitGroup
	for i, p := range pipes[2:] {
		streams.Go(func() { w.outputs.follow(i, p[0]); p[0].Close() })
	}
	go func() {
		wire.Read(pipes[1][0], w.take)
		pipes[1][0].Close()
		err := cmd.Wait()
		killGroup(cmd.Process.Pid)
		printed := make(chan bool)
		go func() { streams.Wait(); close(printed) }()
		select {
		case <-printed:
		case <-time.After(time.Second):
		}
		w.end(err)
	}()
	return nil
}

// take handles one event.
func (w *worker) take(e wire.Event) {
	w.outputs.await(e.Mark, e.What == wire.Done)
	defer w.outputs.release(e.Mark)
	w.mu.Lock()
	if e.What == wire.Ready {
		w.ready = true
		for _, r := range w.early {
			w.to.Write(r)
		}
		w.early = nil
	}
	a := w.waiting[e.ID]
	if e.What == wire.Done {
		delete(w.waiting, e.ID)
	}
	if e.What == wire.Ending && a != nil && a.doom != nil { // it saves what it has first
		a.doom.Stop()
	}
	w.mu.Unlock()
	switch {
	case e.What == wire.Ready, e.What == wire.Ending:
	case e.What == wire.Done:
		if a != nil {
			a.done <- e
		}
	case a != nil:
		w.event(a.execution, e)
	default:
		w.event(nil, e)
	}
}

// end answers what was asked of a worker that is gone.
func (w *worker) end(err error) {
	w.outputs.release(math.MaxInt)
	w.outputs.flush(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	why := w.why
	if why == "" {
		why = "the worker ended: " + reason(err)
	}
	gone := &engine.Error{Kind: Died, Message: why + ". Variables, functions, types and imports of all earlier cells are lost; the next cell starts afresh."}
	for id, a := range w.waiting {
		if w.ready || a.execution == nil {
			delete(w.waiting, id)
			a.done <- wire.Event{What: wire.Done, Error: gone}
		}
	}
	w.ready = false
	w.pipe.Close()
	close(w.ended)
}

// refuse answers what is asked of a worker that does not start.
func (w *worker) refuse(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.early = nil
	for id, a := range w.waiting {
		delete(w.waiting, id)
		a.done <- wire.Event{What: wire.Done, Error: &engine.Error{Kind: Died, Message: "no worker can be started: " + err.Error()}}
	}
}

func reason(err error) string {
	var exit *exec.ExitError
	if err == nil {
		return "exit status 0"
	}
	if errors.As(err, &exit) {
		return strings.TrimPrefix(exit.Error(), "exec: ")
	}
	return err.Error()
}

// ask sends a request and waits for its Done event.
func (w *worker) ask(r wire.Request, x *execution) wire.Event {
	a := &asked{execution: x, done: make(chan wire.Event, 1)}
	w.mu.Lock()
	w.next++
	r.ID = w.next
	w.waiting[r.ID] = a
	if w.ready {
		w.to.Write(r)
	} else {
		w.early = append(w.early, r)
	}
	w.mu.Unlock()
	return <-a.done
}

// tell sends what has no answer.
func (w *worker) tell(r wire.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready {
		w.to.Write(r)
	}
}

// killUnlessDone kills the worker if the cell that runs now still runs later.
func (w *worker) killUnlessDone(d time.Duration, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, a := range w.waiting {
		if a.execution == nil {
			continue
		}
		a.doom = time.AfterFunc(d, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.waiting[id] == a && w.ready {
				w.why = why
				killGroup(w.cmd.Process.Pid)
			}
		})
	}
}

// stop ends the worker and what it started.
func (w *worker) stop() {
	w.mu.Lock()
	w.stopped = true
	ended := w.ended
	if w.pipe != nil {
		w.pipe.Close()
	}
	cmd := w.cmd
	w.mu.Unlock()
	if ended == nil {
		return
	}
	select {
	case <-ended:
	case <-time.After(300 * time.Millisecond):
		killGroup(cmd.Process.Pid)
		select {
		case <-ended:
		case <-time.After(2 * time.Second):
		}
	}
}
