package ixgo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/types"
	"io"
	"os/exec"
	"reflect"
	"strings"

	"github.com/goplus/ixgo"
	"golang.org/x/tools/go/ssa"
)

// Packages of other modules are interpreted from their source: that of the versions
// and replacements of the module in whose folder the notebook runs, as the go command
// finds them. Their variables keep one address, and are initialised once, in the first
// cell that imports them; their types are pinned as those of cells are.

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath, Dir  string
	Standard         bool
	CgoFiles, SFiles []string
	Error            *struct{ Err string }
}

// find asks the go command for a package and all that it imports. The error says why it
// cannot be interpreted.
func (e *Engine) find(path string) error {
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Dir,Standard,CgoFiles,SFiles,Error", path)
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("packages beside the standard library are found by the go command, which is not on the PATH (https://go.dev/dl/)")
	}
	if bad := (*exec.ExitError)(nil); errors.As(err, &bad) {
		return errors.New(strings.TrimSpace(string(bad.Stderr)))
	} else if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("what the go command lists: %w", err)
		}
		if p.Error != nil {
			return fmt.Errorf("%s (%%require PATH@VERSION adds a module to the notebook's go.mod)", p.Error.Err)
		}
		if _, bound := ixgo.LookupPackage(p.ImportPath); bound || p.ImportPath == "unsafe" {
			continue
		}
		switch {
		case p.Standard && p.ImportPath != path && (strings.Contains(p.ImportPath, "internal") || p.ImportPath == "runtime/cgo"):
			continue // of a bound package, or of one that is refused below
		case p.Standard:
			return fmt.Errorf("it needs %s, which the interpreter does not have: use it in a %%%%go cell", p.ImportPath)
		case len(p.CgoFiles)+len(p.SFiles) > 0:
			return fmt.Errorf("%s is not Go alone (it has C or assembler), and can't be interpreted: use it in a %%%%go cell", p.ImportPath)
		}
		e.dirs[p.ImportPath] = p.Dir
	}
}

// lookup is where ixgo finds a package's source.
func (e *Engine) lookup(_, path string) (string, bool) {
	dir, ok := e.dirs[path]
	return dir, ok
}

// importPath gives a package that a cell asks for.
func (e *Engine) importPath(path string) (*types.Package, error) {
	_, bound := ixgo.LookupPackage(path)
	if _, found := e.dirs[path]; bound || found || path == "unsafe" {
		return e.ctx.Importer.Import(path)
	}
	if err := e.find(path); err != nil {
		return nil, err
	}
	p, err := e.ctx.Importer.Import(path)
	for path := range e.dirs {
		if s := e.ctx.SourcePackage(path); err == nil && s != nil && s.Loaded() {
			err = e.refuseIn(s.Info, s.Files...)
		}
	}
	return p, err
}

// carryPackages hands the variables and types of interpreted packages on to later cells.
func (e *Engine) carryPackages(ip *ixgo.Interp, prog *ssa.Program) {
	addresses := map[string]any{}
	reflected := field(ip, "record").Interface().(interface {
		ToType(types.Type) (reflect.Type, bool)
	})
	for _, p := range prog.AllPackages() {
		path := p.Pkg.Path()
		if _, own := e.dirs[path]; !own || e.carries[path] {
			continue
		}
		e.carries[path] = true
		for _, m := range p.Members {
			switch m := m.(type) {
			case *ssa.Type:
				if n, ok := m.Type().(*types.Named); ok && n.TypeParams().Len() == 0 {
					rt, _ := reflected.ToType(n)
					e.pins.pin(n, rt)
				}
			case *ssa.Global: // init$guard too: it keeps a package from being initialised again
				if v := globals(ip).MapIndex(reflect.ValueOf(m.String())); v.IsValid() {
					addresses[m.String()] = v.Interface()
				}
			}
		}
	}
	setOverride(e.ctx, addresses)
}
