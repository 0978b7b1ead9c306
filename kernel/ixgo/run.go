package ixgo

import (
	"context"
	"errors"
	"fmt"
	"go/types"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/goplus/ixgo"
	"github.com/visualfc/gid"

	"github.com/tunelab/tunelab/kernel/engine"
)

// Grace is how long an interrupted cell may take to stop before it is left behind.
const Grace = 900 * time.Millisecond

// running is the cell at hand.
type running struct {
	last    types.Type // of the last value of the call at the cell's end; nil: no call
	reached int        // behind which of its statements that define something it came
	ignored map[string]bool
}

var errInterrupted = errors.New("interrupted")

// execute runs a cell's statements.
func (e *Engine) execute(ctx context.Context, c engine.Cell, p *program) error {
	err := e.call(ctx, c, p)
	e.undo(c, p)
	return err
}

func (e *Engine) call(ctx context.Context, c engine.Cell, p *program) error {
	for _, n := range p.notes {
		e.host.Note(n)
	}
	e.mu.Lock()
	e.run = &running{last: p.last}
	e.mu.Unlock()
	setPanics(p.interp, e.panics)
	done := make(chan error, 1)
	go func() {
		err := error(&engine.Error{Kind: engine.Exit, Message: "runtime.Goexit ended the cell"})
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%v", r)
			}
			done <- err
		}()
		if err = p.interp.RunInit(); err == nil {
			_, err = p.interp.RunFunc(p.entry)
		}
	}()
	select {
	case err := <-done:
		return describe(err, p.interp)
	case <-ctx.Done():
	}
	stopCode(code(p.interp))
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
		if d := describe(err, p.interp); d.(*engine.Error).Kind != engine.Interrupted {
			return d
		}
		return &engine.Error{Kind: engine.Interrupted, Message: "the cell was interrupted; its variables are kept"}
	case <-time.After(Grace):
		p.interp.Abort()
		return &engine.Error{Kind: engine.Interrupted, Message: "the cell was interrupted in a call that does not return; it is left behind, the cell's variables are kept"}
	}
}

// stopCode makes every goroutine that runs the code panic at its next instruction.
// The deferred calls that follow in that goroutine run as usual.
func stopCode(functions [][]func(*ixgo.Frame)) {
	var stopped sync.Map // goroutines that have panicked
	for _, instrs := range functions {
		original := slices.Clone(instrs)
		for i := range instrs {
			instrs[i] = func(fr *ixgo.Frame) {
				if _, was := stopped.LoadOrStore(gid.Get(), true); !was {
					panic(stop{errInterrupted})
				}
				original[i](fr)
			}
		}
	}
}

// watch reports the panics of goroutines that cells started.
func (e *Engine) watch() {
	for p := range e.panics {
		err := describe(p, nil)
		var ee *engine.Error
		if errors.As(err, &ee) && ee.Kind != engine.Interrupted && ee.Kind != engine.Exit {
			e.host.Background(ee)
		}
	}
}

// describe turns what the interpreter returns into the cell's error. Without the
// interpreter, places have no columns.
func describe(err error, ip *ixgo.Interp) error {
	if err == nil {
		return nil
	}
	var known *engine.Error
	if errors.As(err, &known) {
		return known
	}
	out := &engine.Error{Kind: engine.Panic, Message: err.Error()}
	var value any = err
	for { // a goroutine's panic wraps the one that its code raised
		var stack []byte
		switch v := value.(type) {
		case ixgo.PanicError:
			value, stack = v.Value, v.Stack()
		case ixgo.FatalError:
			value, stack = v.Value, v.Stack()
		}
		if stack == nil {
			break
		}
		if fs := frames(string(stack), ip); len(fs) > 0 {
			out.Stack = fs
		}
	}
	if len(out.Stack) > 0 {
		out.File, out.Line, out.Col = out.Stack[0].File, out.Stack[0].Line, out.Stack[0].Col
	}
	switch v := value.(type) {
	case *runtime.PanicNilError: // the interpreter's own, behind deferred calls; panic(nil) in a cell has no such value
		out.Kind, out.Message = engine.Exit, "runtime.Goexit ended the goroutine"
	case stop:
		if errors.Is(v.err, errInterrupted) {
			out.Kind = engine.Interrupted
		} else {
			out.Kind, out.Col = engine.Failed, 0 // the place is that of generated code
		}
		out.Message = v.err.Error()
		if known := (*engine.Error)(nil); errors.As(v.err, &known) { // of a compiled cell, or of a command
			if known.File != "" {
				return known
			}
			out.Kind, out.Message = known.Kind, known.Message
		}
	case exit:
		out.Kind, out.Message = engine.Exit, fmt.Sprintf("os.Exit(%d) ended the cell; the session goes on", int(v))
	case runtime.Error:
		out.Message = v.Error()
	case error:
		out.Message = v.Error()
	default:
		out.Message = fmt.Sprint(v)
	}
	return out
}

// frames reads a stack as ixgo prints it, and keeps the calls of cells' code.
func frames(stack string, ip *ixgo.Interp) (list []engine.Frame) {
	lines := strings.Split(stack, "\n")
	for i := 0; i+1 < len(lines); i++ {
		place, ok := strings.CutPrefix(lines[i+1], "\t")
		if !ok {
			continue
		}
		place, number, _ := strings.Cut(place, " +")
		colon := strings.LastIndexByte(place, ':')
		if colon < 0 || !strings.HasPrefix(place, "In[") {
			continue
		}
		line, err := strconv.Atoi(place[colon+1:])
		if err != nil {
			continue
		}
		name, col := strings.TrimSuffix(lines[i], "()"), 0
		if n, err := strconv.ParseInt(number, 0, 64); err == nil && ip != nil {
			col = column(ip, name, int(n)-1, place[:colon], line)
		}
		name = strings.TrimPrefix(name, mainPath+".")
		if strings.HasPrefix(name, "cell"+sep) {
			_, rest, _ := strings.Cut(name, ".")
			if name = place[:colon]; rest != "" {
				name += "." + rest
			}
		}
		list = append(list, engine.Frame{Func: name, File: place[:colon], Line: line, Col: col})
	}
	return list
}
