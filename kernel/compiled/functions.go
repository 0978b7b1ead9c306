package compiled

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// function is one that later cells can call.
type function struct {
	name     string
	params   []string // types
	results  []string
	variadic bool
}

var basic = []string{"bool", "string", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "uintptr",
	"float32", "float64", "complex64", "complex128", "byte", "rune"}

// find finds the exported functions that can be called, and the types that they need.
func (s *source) find(f *ast.File) {
	declared := map[string]*ast.TypeSpec{}
	methods := map[string]bool{}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, sp := range d.Specs {
				if t, ok := sp.(*ast.TypeSpec); ok {
					declared[t.Name.Name] = t
				}
			}
		case *ast.FuncDecl:
			if d.Recv != nil && len(d.Recv.List) > 0 {
				methods[strings.TrimLeft(types.ExprString(d.Recv.List[0].Type), "*")] = true
			}
		}
	}
	p := &plain{declared: declared, methods: methods}
	for _, d := range f.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok || fd.Recv != nil || !fd.Name.IsExported() || fd.Body == nil {
			continue
		}
		fn, why := p.function(fd)
		if why != "" {
			s.notes = append(s.notes, fmt.Sprintf("%s can't be called in other cells: %s", fd.Name.Name, why))
			continue
		}
		s.functions = append(s.functions, fn)
	}
	if len(s.functions) > 0 {
		s.types = p.needed
	}
}

// plain tells data that can be sent to another process.
type plain struct {
	declared map[string]*ast.TypeSpec
	methods  map[string]bool
	seen     []string
	needed   []string
}

func (p *plain) function(fd *ast.FuncDecl) (fn *function, why string) {
	fn = &function{name: fd.Name.Name}
	if fd.Type.TypeParams != nil {
		return nil, "it has type parameters"
	}
	for _, field := range fd.Type.Params.List {
		t := field.Type
		if e, ok := t.(*ast.Ellipsis); ok {
			t, fn.variadic = &ast.ArrayType{Elt: e.Elt}, true
		}
		if why := p.why(t); why != "" {
			return nil, "a parameter is " + why
		}
		for range max(1, len(field.Names)) {
			fn.params = append(fn.params, types.ExprString(t))
		}
	}
	if fd.Type.Results == nil {
		return fn, ""
	}
	for i, field := range fd.Type.Results.List {
		text := types.ExprString(field.Type)
		if why := p.why(field.Type); why != "" && !(text == "error" && i == len(fd.Type.Results.List)-1 && len(field.Names) < 2) {
			return nil, "a result is " + why
		}
		for range max(1, len(field.Names)) {
			fn.results = append(fn.results, text)
		}
	}
	return fn, ""
}

// why says why a type is no plain data; "" if it is.
func (p *plain) why(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.ParenExpr:
		return p.why(t.X)
	case *ast.ArrayType:
		return p.why(t.Elt)
	case *ast.MapType:
		if why := p.why(t.Key); why != "" {
			return why
		}
		return p.why(t.Value)
	case *ast.Ident:
		spec := p.declared[t.Name]
		switch {
		case spec == nil && slices.Contains(basic, t.Name):
			return ""
		case spec == nil || spec.TypeParams != nil:
			return "of type " + t.Name + ", which is no plain data"
		case p.methods[t.Name]:
			return "of type " + t.Name + ", which has methods"
		case slices.Contains(p.seen, t.Name):
			return ""
		}
		p.seen = append(p.seen, t.Name)
		if why := p.why(spec.Type); why != "" {
			return why
		}
		equal := ""
		if spec.Assign.IsValid() {
			equal = "= "
		}
		p.needed = append(p.needed, "type "+t.Name+" "+equal+types.ExprString(spec.Type))
		return ""
	case *ast.StructType:
		for _, f := range t.Fields.List {
			if len(f.Names) == 0 {
				return "of a struct with an embedded field"
			}
			for _, n := range f.Names {
				if !token.IsExported(n.Name) {
					return "of a struct with the field " + n.Name + ", which is not exported"
				}
			}
			if why := p.why(f.Type); why != "" {
				return why
			}
		}
		return ""
	case *ast.SelectorExpr:
		if x := types.ExprString(t); x == "time.Time" || x == "time.Duration" {
			return ""
		}
	}
	return "of type " + types.ExprString(t) + ", which is no plain data"
}

// serve is the second file of the program: main, and what answers calls.
func (s *source) serve() string {
	var b strings.Builder
	if len(s.functions) == 0 {
		fmt.Fprintf(&b, "package main\n\nfunc main() { main%s() }\n", mark)
		return b.String()
	}
	imports := ""
	for _, f := range s.functions {
		if strings.Contains(strings.Join(slices.Concat(f.params, f.results), " "), "time.") {
			imports = "\t\"time\"\n"
		}
	}
	b.WriteString(strings.NewReplacer("·", mark, "TIME", imports).Replace(server)) // marked, so that the cell may use the names
	for _, f := range s.functions {
		fmt.Fprintf(&b, "\tcase %q:\n\t\tvar a struct{ %s }\n\t\tvar r struct{ %s }\n\t\tif err := in.Decode(&a); err != nil {\n\t\t\tos%s.Exit(1)\n\t\t}\n", f.name, fields("A", f.params), fields("R", f.results), mark)
		var args, results []string
		for i := range f.params {
			args = append(args, fmt.Sprintf("a.A%d", i))
		}
		if f.variadic {
			args[len(args)-1] += "..."
		}
		for i := range f.results {
			results = append(results, fmt.Sprintf("r.R%d", i))
		}
		call := f.name + "(" + strings.Join(args, ", ") + ")"
		failure := ""
		if n := len(f.results); n > 0 {
			if f.results[n-1] == "error" {
				results[n-1] = "err"
				call = "var err error\n\t\t\t" + strings.Join(results, ", ") + " = " + call
				failure = fmt.Sprintf("\n\t\t\tif err != nil {\n\t\t\t\tr.R%d = err.Error()\n\t\t\t}", n-1)
			} else {
				call = strings.Join(results, ", ") + " = " + call
			}
		}
		fmt.Fprintf(&b, "\t\tanswer%s(func() {\n\t\t\t%s%s\n\t\t}, out, &r)\n", mark, call, failure)
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// fields are the fields of a struct that carries arguments or results: an error
// travels as its text.
func fields(prefix string, list []string) string {
	var out []string
	for i, t := range list {
		if t == "error" {
			t = "string"
		}
		out = append(out, fmt.Sprintf("%s%d %s", prefix, i, t))
	}
	out = append(out, "Last bool") // gob sends no struct without fields
	return strings.Join(out, "; ")
}

const server = `package main

import (
	gob· "encoding/gob"
	fmt· "fmt"
	os· "os"
	debug· "runtime/debug"
	strings· "strings"
TIME)

func main() {
	main·()
	in, out := gob·.NewDecoder(os·.NewFile(3, "calls")), gob·.NewEncoder(os·.NewFile(4, "answers"))
	out.Encode("")
	for {
		var name string
		if in.Decode(&name) != nil {
			return
		}
		call·(name, in, out)
	}
}

func answer·(call func(), out *gob·.Encoder, results any) {
	failed := ""
	func() {
		defer func() {
			if r := recover(); r != nil {
				failed = fmt·.Sprintf("panic: %v", r)
				for l := range strings·.Lines(string(debug·.Stack())) {
					if i := strings·.Index(l, "In["); i >= 0 {
						place, _, _ := strings·.Cut(strings·.TrimSpace(l[i:]), " ")
						failed += "; at " + place
					}
				}
			}
		}()
		call()
	}()
	out.Encode(failed)
	if failed == "" {
		out.Encode(results)
	}
}

func call·(name string, in *gob·.Decoder, out *gob·.Encoder) {
	switch name {
`

// Stub is a cell's text that declares the functions in the session.
func (s *source) stub() string {
	var b strings.Builder
	for _, t := range s.types {
		b.WriteString(t + "\n")
	}
	for _, f := range s.functions {
		var params, args, results, into []string
		for i, t := range f.params {
			if f.variadic && i == len(f.params)-1 {
				t = "..." + strings.TrimPrefix(t, "[]")
			}
			params = append(params, fmt.Sprintf("a%d %s", i, t))
			args = append(args, fmt.Sprintf("a%d", i))
		}
		for i, t := range f.results {
			results = append(results, fmt.Sprintf("r%d %s", i, t))
			into = append(into, fmt.Sprintf("&r%d", i))
		}
		fmt.Fprintf(&b, "func %s(%s) (%s) {\n\tkernel%s.Compiled(%d, %q, []any{%s}, []any{%s})\n\treturn\n}\n",
			f.name, strings.Join(params, ", "), strings.Join(results, ", "), mark, s.cell.N, f.name, strings.Join(args, ", "), strings.Join(into, ", "))
	}
	return b.String()
}
