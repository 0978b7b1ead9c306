package worker

import (
	"context"
	"go/parser"
	"maps"
	"slices"

	"github.com/tunelab/tunelab/kernel/display"
	"github.com/tunelab/tunelab/kernel/engine"
	"github.com/tunelab/tunelab/kernel/wire"
)

// evaluate gives the values of the expressions that a request asks for beside its cell:
// user_expressions of Jupyter's messaging protocol.
func (w *Worker) evaluate(ctx context.Context, e engine.Engine, r wire.Request) map[string]wire.Value {
	values := map[string]wire.Value{}
	for _, name := range slices.Sorted(maps.Keys(r.Expressions)) {
		code := r.Expressions[name]
		if _, err := parser.ParseExpr(code); err != nil {
			values[name] = wire.Value{Error: &engine.Error{Kind: engine.SyntaxError, Message: code + " is no expression: " + err.Error()}}
			continue
		}
		v := wire.Value{Data: map[string]any{display.MIMETypeText: ""}}
		w.keepResult(&v)
		err := e.Run(ctx, engine.Cell{N: r.Cell, Code: code})
		w.keepResult(nil)
		if err != nil {
			v = wire.Value{Error: asError(err)}
			v.Error.File, v.Error.Stack = "", nil // places in no cell
		}
		values[name] = v
	}
	return values
}

func (w *Worker) keepResult(v *wire.Value) {
	w.mu.Lock()
	w.value = v
	w.mu.Unlock()
}
