package ixgo

import (
	"context"
	"fmt"
	"go/types"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/goplus/ixgo"
	_ "github.com/goplus/ixgo/pkg"                 // the standard library
	_ "github.com/goplus/reflectx/icall/icall8192" // room for 8192 methods of cells' types

	"github.com/tunelab/tunelab/kernel/engine"
)

// Engine is a session on ixgo.
type Engine struct {
	host engine.Host
	ctx  *ixgo.Context
	pins *pins
	conf types.Config

	mu      sync.Mutex // over what follows; not held while a cell's code runs
	live    map[string]*binding
	imports map[string]string // name -> path
	cells   map[*types.Package]*built
	run     *running
	done    []*done // cells that ended well

	dirs    map[string]string // where the source of an interpreted package lies
	carries map[string]bool   // interpreted packages whose variables and types are handed on

	panics chan ixgo.PanicError // of goroutines
}

var _ engine.Engine = (*Engine)(nil)

// binding is what a name means to the next cell.
type binding struct {
	obj  types.Object // in its cell's package; a variable's name there is a hoisted one
	cell int
	decl *decl // nil for a variable
}

// New starts a session.
func New(host engine.Host) *Engine {
	ctx := ixgo.NewContext(ixgo.SupportMultipleInterp)
	ctx.SetEvalMode(true)
	ctx.RunContext = context.Background() // so that panics of goroutines are sent to a channel
	e := &Engine{
		host: host, ctx: ctx, pins: newPins(ctx.Loader),
		live: map[string]*binding{}, imports: map[string]string{}, cells: map[*types.Package]*built{},
		dirs: map[string]string{}, carries: map[string]bool{},
		panics: make(chan ixgo.PanicError),
	}
	ctx.Loader = e.pins
	ctx.Lookup = e.lookup
	e.pins.also = e.dirs
	e.conf = types.Config{
		GoVersion:                goVersion(),
		Sizes:                    types.SizesFor("gc", runtime.GOARCH),
		Importer:                 ctx.Importer,
		DisableUnusedImportCheck: true,
	}
	e.registerBuiltins()
	go e.watch()
	return e
}

// goVersion is the language version of cells: that of the toolchain that built this.
func goVersion() string {
	v := runtime.Version()
	if i := strings.IndexAny(v, " -"); i > 0 {
		v = v[:i]
	}
	return v
}

// Run executes a cell.
func (e *Engine) Run(ctx context.Context, c engine.Cell) (err error) {
	p, err := e.prepare(c)
	if err != nil || p == nil {
		return err
	}
	if err := e.execute(ctx, c, p); err != nil {
		return err
	}
	e.mu.Lock()
	e.done = append(e.done, p.done)
	e.mu.Unlock()
	return nil
}

// prepare brings a cell to where it can run, and makes what it declares part of
// the session. A cell without code gives nil.
func (e *Engine) prepare(c engine.Cell) (p *program, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = &engine.Error{Kind: engine.Refused, Message: fmt.Sprintf("the engine cannot run this cell: %v", r)}
		}
	}()
	s, err := e.generate(c)
	if err != nil {
		return nil, err
	}
	if s.file == nil {
		e.adopt(s.imports)
		return nil, nil
	}
	k, err := e.check(s)
	if err != nil {
		return nil, err
	}
	if err := e.refuse(k); err != nil {
		return nil, err
	}
	e.hoist(k)
	p, err = e.build(k)
	if err != nil {
		return nil, err
	}
	e.publish(k)
	p.done = e.note(k)
	p.redo = k.statements(k.redo)
	if k.retyped {
		e.migrate(c)
	}
	return p, nil
}

// Names lists what the session holds, sorted.
func (e *Engine) Names() []engine.Name {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []engine.Name
	for _, n := range slices.Sorted(maps.Keys(e.live)) {
		b := e.live[n]
		names = append(names, engine.Name{Name: n, Kind: kindOf(b.obj), Type: typeText(b.obj), Cell: b.cell})
	}
	for _, n := range slices.Sorted(maps.Keys(e.imports)) {
		names = append(names, engine.Name{Name: n, Kind: "import", Type: e.imports[n]})
	}
	return names
}

func kindOf(o types.Object) string {
	switch o.(type) {
	case *types.Var:
		return "var"
	case *types.Func:
		return "func"
	case *types.TypeName:
		return "type"
	case *types.Const:
		return "const"
	}
	return "package"
}

// typeText is an object's type as a person writes it in a cell.
func typeText(o types.Object) string {
	t := o.Type()
	if _, ok := o.(*types.TypeName); ok {
		t = t.Underlying()
	}
	return types.TypeString(t, qualify)
}

// qualify leaves a cell's own types without a package.
func qualify(p *types.Package) string {
	if p.Path() == mainPath {
		return ""
	}
	return p.Name()
}
