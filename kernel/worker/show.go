package worker

import (
	"errors"
	"strings"

	"github.com/tunelab/tunelab/kernel/display"
	"github.com/tunelab/tunelab/kernel/engine"
	"github.com/tunelab/tunelab/kernel/wire"
)

var (
	_ engine.Host  = (*Worker)(nil)
	_ display.Sink = (*Worker)(nil)
)

// Result shows the values of a cell's last statement: one that renders itself as it
// does, others as text on one line.
func (w *Worker) Result(values []any) {
	var text []string
	for _, v := range values {
		if d, ok := display.Rich(v); ok {
			if len(d.Data) > 0 {
				w.result(d)
			}
			continue
		}
		text = append(text, display.Text(v))
	}
	if len(text) > 0 && !(len(text) < len(values) && strings.Trim(strings.Join(text, ""), "<nil>") == "") {
		w.result(display.MakeData(display.MIMETypeText, strings.Join(text, " ")))
	}
}

func (w *Worker) result(d display.Data) {
	w.mu.Lock()
	if w.value != nil {
		w.value.Data, w.value.Metadata = d.Data, d.Metadata
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	w.send(event(wire.Result, d))
}

// Display is both the builtin of cells and the display package's sink.
func (w *Worker) Display(d display.Data, id string, update bool) {
	e := event(wire.Display, d)
	if update {
		e.What = wire.Update
	}
	if id == "" {
		id, _ = d.Transient["display_id"].(string)
	}
	e.Handle = id
	w.send(e)
}

// Clear takes the cell's output away.
func (w *Worker) Clear(wait bool) { w.send(wire.Event{What: wire.Clear, Wait: wait}) }

// Show shows a value at once.
func (w *Worker) Show(v any) { w.Display(display.Of(v), "", false) }

// Note tells the person something.
func (w *Worker) Note(text string) { w.send(wire.Event{What: wire.Note, Text: text}) }

// Background reports a panic of a goroutine.
func (w *Worker) Background(err *engine.Error) { w.send(wire.Event{What: wire.Failure, Error: err}) }

// Input asks for a line.
func (w *Worker) Input(prompt string, secret bool) (string, error) {
	w.mu.Lock()
	ctx := w.ctx
	w.mu.Unlock()
	select { // an answer that came too late for an earlier question
	case <-w.replies:
	default:
	}
	w.send(wire.Event{What: wire.Input, Text: prompt, Secret: secret})
	select {
	case r := <-w.replies:
		if r.Failed != "" {
			return "", errors.New(r.Failed)
		}
		return r.Text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func event(what string, d display.Data) wire.Event {
	return wire.Event{What: what, Data: d.Data, Metadata: d.Metadata}
}
