package ixgo

import (
	"context"
	"fmt"
	"go/ast"
	"go/types"
	"os/exec"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// Inspect describes the name at an offset of a cell's text.
func (e *Engine) Inspect(code string, offset int) (string, bool) {
	end := offset
	for end < len(code) {
		r, n := utf8.DecodeRuneInString(code[end:])
		if !letter(r) {
			break
		}
		end += n
	}
	for end > 0 && end == offset && strings.IndexByte("( \t", code[end-1]) >= 0 {
		end-- // behind the name of a function that is called
		offset = end
	}
	start := end
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(code[:start])
		if !letter(r) {
			break
		}
		start -= n
	}
	name := code[start:end]
	if name == "" {
		return "", false
	}
	text, doc := e.describe(code[:start], name)
	if text == "" && doc == "" {
		return "", false
	}
	if doc != "" {
		if more := goDoc(doc); more != "" {
			return more, true
		}
	}
	return text, text != ""
}

// describe tells what a name at the end of a text means, and how the go command's
// documentation calls it.
func (e *Engine) describe(before, name string) (text, doc string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, at := e.tryOut(before)
	switch at := at.(type) {
	case *ast.SelectorExpr:
		if id, ok := at.X.(*ast.Ident); ok {
			if p, ok := k.info.Uses[id].(*types.PkgName); ok {
				o := p.Imported().Scope().Lookup(name)
				if o == nil {
					return "", ""
				}
				return types.ObjectString(o, qualify), p.Imported().Path() + "." + name
			}
		}
		t := k.info.TypeOf(at.X)
		if t == nil {
			return "", ""
		}
		o, _, _ := types.LookupFieldOrMethod(t, true, k.pkg, name)
		if o == nil {
			return "", ""
		}
		if o.Pkg() != nil && o.Pkg().Path() != mainPath {
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem()
			}
			if n, ok := t.(*types.Named); ok {
				doc = o.Pkg().Path() + "." + n.Obj().Name() + "." + name
			}
		}
		return types.ObjectString(o, qualify), doc
	case *ast.Ident:
		for s := k.pkg.Scope().Innermost(at.Pos()); s != nil && s != k.pkg.Scope(); s = s.Parent() {
			if o := s.Lookup(name); o != nil && o.Pos() < at.Pos() {
				if p, ok := o.(*types.PkgName); ok {
					return "package " + p.Imported().Path(), p.Imported().Path()
				}
				return types.ObjectString(o, qualify), ""
			}
		}
	}
	if b := e.live[name]; b != nil {
		return e.liveText(name, b), ""
	}
	if path, ok := e.imports[name]; ok {
		return "package " + path, path
	}
	if path, ok := known[name]; ok {
		return "package " + path, path
	}
	if o := types.Universe.Lookup(name); o != nil {
		return types.ObjectString(o, qualify), "builtin." + name
	}
	return "", ""
}

// liveText describes what a cell declared: a declaration by its text, a variable by
// its type, and its value where reading it is safe beside code that runs.
func (e *Engine) liveText(name string, b *binding) string {
	from := fmt.Sprintf("declared in In[%d]", b.cell)
	if b.decl != nil {
		var lines []string
		for l := range strings.Lines(b.decl.source()) {
			if !strings.HasPrefix(l, "//line ") {
				lines = append(lines, l)
			}
		}
		return strings.Join(lines, "") + "\n" + from
	}
	text := fmt.Sprintf("var %s %s", name, typeText(b.obj))
	if p, ok := override(e.ctx, mainPath+"."+b.obj.Name()); ok {
		switch v := p.Elem(); v.Kind() {
		case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8,
			reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
			text += fmt.Sprintf(" = %v", v)
		case reflect.String:
			if s := v.String(); len(s) < 1000 {
				text += fmt.Sprintf(" = %q", s)
			}
		case reflect.Slice, reflect.Map, reflect.Chan:
			text += fmt.Sprintf(" of length %d", v.Len())
		}
	}
	return text + "\n" + from
}

// goDoc asks the go command, where there is one.
func goDoc(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "doc", name).Output()
	if err != nil {
		return ""
	}
	return string(out)
}
