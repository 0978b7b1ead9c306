// Package wire is what the kernel's two processes say to each other: the front-end,
// which speaks with Jupyter, and the worker, in which cells run. Requests go to the
// worker on one inherited pipe and events come back on another, a JSON object on
// each line. What cells print comes on pipes of its own, the worker's file
// descriptors 1 and 2, so that nothing of it is lost when the worker dies.
//
// Before an event, the worker writes a mark with the event's number to both of them:
// when the front-end has read it, everything printed before the event is there.
package wire

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/tunelab/tunelab/kernel/engine"
)

// What a front-end asks for.
const (
	Execute   = "execute"
	Complete  = "complete"
	Inspect   = "inspect"
	Interrupt = "interrupt" // the cell that runs, if one does; no answer of its own
	Reply     = "reply"     // to an Input event
)

// Request is one of them. The worker answers each but Interrupt and Reply with a
// Done event of the same id.
type Request struct {
	ID     int    `json:"id"`
	Do     string `json:"do"`
	Cell   int    `json:"cell,omitempty"` // execute: its number
	Code   string `json:"code,omitempty"`
	Offset int    `json:"offset,omitempty"` // complete, inspect: in bytes

	// execute: expressions to evaluate behind the cell, by the names of their values
	Expressions map[string]string `json:"expressions,omitempty"`
	Text        string            `json:"text,omitempty"`   // reply
	Failed      string            `json:"failed,omitempty"` // reply: why there is none
}

// What a worker says.
const (
	Ready   = "ready"   // once, when requests are read
	Result  = "result"  // the values of a cell's last statement
	Display = "display" // Data, with an id in Handle if it can be changed
	Update  = "update"  // Data for what was shown with the id
	Clear   = "clear"   // Wait
	Input   = "input"   // Text is the prompt; Secret; a Reply is awaited
	Note    = "note"    // Text
	Ending  = "ending"  // an interrupt was taken by what the cell called, which ends by itself
	Failure = "failure" // Error of a goroutine; no cell ends by it
	Done    = "done"    // a request is answered: Error, Completion or Text
)

// Event is one of them.
type Event struct {
	ID         int                `json:"id"`
	What       string             `json:"what"`
	Mark       int                `json:"mark"`
	Data       map[string]any     `json:"data,omitempty"` // by MIME type, as Jupyter has it
	Metadata   map[string]any     `json:"metadata,omitempty"`
	Handle     string             `json:"handle,omitempty"`
	Text       string             `json:"text,omitempty"`
	Wait       bool               `json:"wait,omitempty"`
	Secret     bool               `json:"secret,omitempty"`
	Found      bool               `json:"found,omitempty"`
	Payload    string             `json:"payload,omitempty"` // done: a text for the pager
	Error      *engine.Error      `json:"error,omitempty"`
	Completion *engine.Completion `json:"completion,omitempty"`
	Values     map[string]Value   `json:"values,omitempty"` // done: of the request's Expressions
}

// Value is what an expression has: Data, or an Error.
type Value struct {
	Data     map[string]any `json:"data,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Error    *engine.Error  `json:"error,omitempty"`
}

// Writer writes values, a line each; it may be used by several goroutines.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes one value.
func (w *Writer) Write(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("kernel pipe: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.w.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("kernel pipe: %w", err)
	}
	return nil
}

// Read calls f with each value that comes, until there are no more.
func Read[T any](r io.Reader, f func(T)) error {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("kernel pipe: %w", err)
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return fmt.Errorf("kernel pipe: %w", err)
		}
		f(v)
	}
}

// Marker begins and ends a mark in what the worker prints.
const Marker = "\x00tunelab\x00"

// Mark is what is written for an event's number.
func Mark(n int) string { return fmt.Sprintf("%s%d%s", Marker, n, Marker) }
