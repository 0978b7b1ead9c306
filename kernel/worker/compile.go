package worker

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/tunelab/tunelab/kernel/compiled"
)

// Compile runs the cell at hand, which begins with %%go. Programs of earlier cells all
// of whose functions it declares anew end.
func (w *Worker) Compile() error {
	w.mu.Lock()
	ctx, c, e := w.ctx, w.cell, w.engine
	w.mu.Unlock()
	p, stub, notes, err := compiled.Run(ctx, c, e.Package, os.Stdout, os.Stderr)
	if err != nil {
		return err
	}
	for _, n := range notes {
		w.Note(n)
	}
	if p == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil { // left behind: another cell may run by now
		p.Close()
		return ctx.Err()
	}
	for n, old := range w.compiled {
		if !slices.ContainsFunc(old.Names(), func(f string) bool { return !slices.Contains(p.Names(), f) }) {
			old.Close()
			delete(w.compiled, n)
		}
	}
	w.compiled[c.N], w.stub = p, stub
	return nil
}

// Export gives the session as a program.
func (w *Worker) Export() (string, error) { return w.current().Export() }

// Compiled calls a function of a compiled cell.
func (w *Worker) Compiled(cell int, name string, args, results []any) error {
	w.mu.Lock()
	p, ctx := w.compiled[cell], w.ctx
	w.mu.Unlock()
	if p == nil {
		return fmt.Errorf("%s of In[%d] is no longer there: run that cell again", name, cell)
	}
	if ctx.Err() != nil { // a goroutine that outlived its cell
		ctx = context.Background()
	}
	return p.Call(ctx, name, args, results)
}
