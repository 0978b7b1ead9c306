// Package worker is the process in which cells run. It is told what to do by a
// front-end through two pipes (package wire) and may die at any time: by a panic of
// compiled code, a stack overflow, a kill. Nothing but what is in it is lost then.
package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"github.com/tunelab/tunelab/kernel/command"
	"github.com/tunelab/tunelab/kernel/compiled"
	"github.com/tunelab/tunelab/kernel/display"
	"github.com/tunelab/tunelab/kernel/engine"
	"github.com/tunelab/tunelab/kernel/interrupt"
	"github.com/tunelab/tunelab/kernel/wire"
)

// maxStack bounds a goroutine's stack, in bytes: a recursion without end ends the
// worker in a second.
const maxStack = 256 << 20

// Worker is one session.
type Worker struct {
	make   func(engine.Host) engine.Engine
	events *wire.Writer
	out    [2]*os.File // file descriptors 1 and 2

	mu       sync.Mutex
	engine   engine.Engine
	id       int                // request of the cell that runs, or ran last
	cancel   context.CancelFunc // of the cell that runs
	ctx      context.Context    // of it
	reset    bool
	page     string
	mark     int
	replies  chan wire.Request
	cell     engine.Cell               // that runs, or ran last
	stub     string                    // to be run after it: declares functions of a compiled cell
	compiled map[int]*compiled.Program // by cell
	value    *wire.Value               // where a result goes while an expression is evaluated
}

// Run serves requests until there are no more.
func Run(requests io.Reader, events io.Writer, stdout, stderr *os.File, newEngine func(engine.Host) engine.Engine) error {
	debug.SetMaxStack(maxStack)
	w := &Worker{make: newEngine, events: wire.NewWriter(events), out: [2]*os.File{stdout, stderr}, replies: make(chan wire.Request, 1), compiled: map[int]*compiled.Program{}, ctx: context.Background()}
	w.engine = w.make(w)
	display.SetSink(w)
	w.send(wire.Event{What: wire.Ready})
	return wire.Read(requests, w.handle)
}

func (w *Worker) handle(r wire.Request) {
	switch r.Do {
	case wire.Execute:
		go w.execute(r)
	case wire.Complete:
		go func() {
			c, ok := command.Complete(r.Code, r.Offset)
			if !ok {
				c = w.current().Complete(r.Code, r.Offset)
			}
			w.send(wire.Event{ID: r.ID, What: wire.Done, Completion: &c})
		}()
	case wire.Inspect:
		go func() {
			text, found := w.current().Inspect(r.Code, r.Offset)
			w.send(wire.Event{ID: r.ID, What: wire.Done, Text: text, Found: found})
		}()
	case wire.Interrupt:
		w.Interrupt()
	case wire.Reply:
		select {
		case w.replies <- r:
		default: // nobody waits any more
		}
	}
}

func (w *Worker) current() engine.Engine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.engine
}

// Interrupt stops the cell that runs, if one does, unless what it called asked to be
// told first.
func (w *Worker) Interrupt() {
	if interrupt.Take() {
		w.send(wire.Event{What: wire.Ending})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
	}
}

func (w *Worker) execute(r wire.Request) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w.mu.Lock()
	w.id, w.cancel, w.ctx, w.page = r.ID, cancel, ctx, ""
	w.cell, w.stub = engine.Cell{N: r.Cell, Code: r.Code}, ""
	e := w.engine
	w.mu.Unlock()
	err := e.Run(ctx, engine.Cell{N: r.Cell, Code: r.Code})
	w.mu.Lock()
	stub := w.stub
	w.mu.Unlock()
	if err == nil && stub != "" {
		err = e.Run(ctx, engine.Cell{N: r.Cell, Code: stub})
	}
	done := wire.Event{ID: r.ID, What: wire.Done}
	if done.Error = asError(err); err == nil {
		done.Values = w.evaluate(ctx, e, r)
	}
	w.mu.Lock()
	w.cancel = nil
	if w.reset {
		for n, p := range w.compiled {
			p.Close()
			delete(w.compiled, n)
		}
		w.engine, w.reset = w.make(w), false
	}
	done.Payload = w.page
	w.mu.Unlock()
	w.send(done)
}

func asError(err error) *engine.Error {
	var known *engine.Error
	if err != nil && !errors.As(err, &known) {
		known = &engine.Error{Kind: engine.Failed, Message: err.Error()}
	}
	return known
}

// send marks what is printed so far, and sends the event.
func (w *Worker) send(e wire.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.What != wire.Done {
		e.ID = w.id
	}
	w.mark++
	e.Mark = w.mark
	for _, f := range w.out {
		f.WriteString(wire.Mark(e.Mark))
	}
	if err := w.events.Write(e); err != nil {
		e.Data = map[string]any{display.MIMETypeText: fmt.Sprintf("this value cannot be shown: %v", err)}
		e.Metadata, e.Values = nil, nil
		w.events.Write(e)
	}
}

// Names, Reset and Page serve commands.
func (w *Worker) Names() []engine.Name { return w.current().Names() }

func (w *Worker) Reset() {
	w.mu.Lock()
	w.reset = true
	w.mu.Unlock()
}

func (w *Worker) Page(text string) {
	w.mu.Lock()
	w.page = text
	w.mu.Unlock()
}

// Command runs a % or $ line of the cell that runs.
func (w *Worker) Command(line string, shell bool) error {
	w.mu.Lock()
	ctx := w.ctx
	w.mu.Unlock()
	return command.Run(ctx, w, line, shell, os.Stdout)
}
