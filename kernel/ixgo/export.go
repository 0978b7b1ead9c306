package ixgo

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/kernel/cell"
)

// done is a cell that ran, as a program needs it.
type done struct {
	n       int
	body    []cell.Chunk
	shown   bool              // its last statement's values are shown
	vars    map[string]string // variables that its statements define, and their types
	imports map[string]string // by name, of what it and the types of its variables use
	blank   []string
}

// note takes down what is left of a cell when it has run.
func (e *Engine) note(k *checked) *done {
	d := &done{n: k.cell.N, body: k.body, vars: map[string]string{}, imports: map[string]string{}, blank: k.blank}
	for _, n := range k.needed {
		d.imports[n] = k.source.imports[n]
	}
	for _, v := range k.vars {
		d.vars[v.name] = types.TypeString(v.obj.Type(), func(p *types.Package) string {
			if p.Path() == mainPath {
				return ""
			}
			d.imports[p.Name()] = p.Path()
			return p.Name()
		})
	}
	if n := len(k.entry.Body.List); n > 0 {
		ast.Inspect(k.entry.Body.List[n-1], func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Result" {
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == builtinName {
					d.shown = true
				}
			}
			return true
		})
	}
	return d
}

// Export writes the session as a program. What cells declared stands once, as it is
// now; each cell's statements are a function, and their variables the package's.
func (e *Engine) Export() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	imports, vars, where := map[string]string{}, map[string]string{}, map[string]int{}
	var cells, calls, decls strings.Builder
	uses := map[string]bool{}
	for _, d := range e.done {
		for _, n := range slices.Sorted(maps.Keys(d.imports)) {
			if old := imports[n]; old != "" && old != d.imports[n] {
				return "", fmt.Errorf("%s is %s in In[%d] and %s before: give one of them another name in its import", n, d.imports[n], d.n, old)
			}
			imports[n] = d.imports[n]
		}
		for _, n := range slices.Sorted(maps.Keys(d.vars)) {
			if old := vars[n]; old != "" && old != d.vars[n] {
				return "", fmt.Errorf("%s is of type %s in In[%d] and %s in In[%d]: a program has one, so rename one of them", n, old, where[n], d.vars[n], d.n)
			}
			vars[n], where[n] = d.vars[n], d.n
		}
		body, err := d.statements(uses)
		if err != nil {
			return "", err
		}
		if body != "" {
			fmt.Fprintf(&cells, "\n// In[%d]\nfunc cell%d() {\n%s}\n", d.n, d.n, body)
			fmt.Fprintf(&calls, "\tcell%d()\n", d.n)
		}
	}
	var list []*decl
	for _, b := range e.live {
		if b.decl != nil && !slices.Contains(list, b.decl) {
			list = append(list, b.decl)
		}
	}
	slices.SortFunc(list, func(a, b *decl) int {
		if a.cell != b.cell {
			return a.cell - b.cell
		}
		return a.order - b.order
	})
	for _, d := range list {
		for l := range strings.Lines(d.source()) {
			if !strings.HasPrefix(l, "//line ") {
				decls.WriteString(l)
			}
		}
		decls.WriteString("\n")
	}
	var b strings.Builder
	b.WriteString("// Written by %export from the cells of a notebook.\npackage main\n\n")
	for _, u := range slices.Sorted(maps.Keys(uses)) {
		for n, p := range helpers[u].imports {
			imports[n] = p
		}
		cells.WriteString("\n" + helpers[u].text)
	}
	for _, n := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&b, "import %s %q\n", n, imports[n])
	}
	for _, n := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, "var %s %s\n", n, vars[n])
	}
	b.WriteString("\n" + decls.String() + "func main() {\n" + calls.String() + "}\n" + cells.String())
	text, err := format.Source([]byte(b.String()))
	if err != nil {
		return "", fmt.Errorf("these cells give no program: %w", err)
	}
	return withoutUnused(string(text)), nil
}

// helper is a function that cells have and programs do not.
type helper struct {
	imports map[string]string
	text    string
}

var helpers = map[string]helper{
	"Display": {map[string]string{"fmt": "fmt"}, "// Display shows values as text.\nfunc Display(values ...any) {\n\tfor _, v := range values {\n\t\tfmt.Printf(\"%+v\\n\", v)\n\t}\n}\n"},
	"shell":   {map[string]string{"exec": "os/exec", "os": "os"}, "// shell runs a command line.\nfunc shell(line string) {\n\tc := exec.Command(\"sh\", \"-c\", line)\n\tc.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr\n\tif err := c.Run(); err != nil {\n\t\tpanic(err)\n\t}\n}\n"},
	"Input":   {map[string]string{"fmt": "fmt", "bufio": "bufio", "os": "os", "strings": "strings"}, "var lines = bufio.NewReader(os.Stdin)\n\n// Input asks for a line.\nfunc Input(prompt ...any) string {\n\tfmt.Print(prompt...)\n\tline, _ := lines.ReadString('\\n')\n\treturn strings.TrimRight(line, \"\\r\\n\")\n}\n"},
}

// statements gives a cell's statements in a function of a program.
func (d *done) statements(uses map[string]bool) (string, error) {
	var b strings.Builder
	for i, k := range d.body {
		name, args, _ := strings.Cut(k.Text, " ")
		switch {
		case k.Kind == cell.Shell:
			uses["shell"] = true
			fmt.Fprintf(&b, "shell(%q)\n", k.Text)
		case k.Kind == cell.Command && name == "cd" && args != "":
			return "", fmt.Errorf("In[%d] changes the folder by %%cd: use os.Chdir, which a program has too", d.n)
		case k.Kind == cell.Command && strings.HasPrefix(name, "%go"):
			return "", fmt.Errorf("In[%d] is a compiled cell, a program of its own: %%%%go -o FILE writes that", d.n)
		case k.Kind == cell.Command:
			fmt.Fprintf(&b, "// %%%s\n", strings.ReplaceAll(k.Text, "\n", "\n// "))
		case i == len(d.body)-1 && (d.shown || cell.Listed(k.Text)):
			uses["Display"] = true
			fmt.Fprintf(&b, "Display(%s)\n", strings.TrimSuffix(strings.TrimSpace(k.Text), ";"))
		default:
			b.WriteString(assigned(k.Text) + "\n")
		}
		for _, u := range []string{"Display", "Input"} {
			uses[u] = uses[u] || k.Kind == cell.Statement && strings.Contains(k.Text, u+"(")
		}
	}
	for u, used := range uses {
		if !used {
			delete(uses, u)
		}
	}
	return b.String(), nil
}

// assigned makes an assignment of a statement that defines variables, which are the
// package's in a program.
func assigned(text string) string {
	const head = "package p; func _() {\n"
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", head+text+"\n}", parser.SkipObjectResolution)
	if err != nil {
		return text
	}
	list := f.Decls[0].(*ast.FuncDecl).Body.List
	if len(list) == 0 {
		return text
	}
	at := func(p token.Pos) int { return fset.Position(p).Offset - len(head) }
	switch st := list[0].(type) {
	case *ast.AssignStmt:
		if st.Tok == token.DEFINE {
			i := at(st.TokPos)
			return text[:i] + "=" + text[i+2:]
		}
	case *ast.DeclStmt:
		gd, ok := st.Decl.(*ast.GenDecl)
		if !ok || gd.Tok != token.VAR {
			return text
		}
		var b strings.Builder
		for _, sp := range gd.Specs {
			vs := sp.(*ast.ValueSpec)
			var names []string
			for _, n := range vs.Names {
				names = append(names, n.Name)
			}
			if len(vs.Values) > 0 {
				fmt.Fprintf(&b, "%s = %s\n", strings.Join(names, ", "), text[at(vs.Values[0].Pos()):at(vs.Values[len(vs.Values)-1].End())])
			} else {
				for _, n := range names {
					fmt.Fprintf(&b, "%s = *new(%s)\n", n, text[at(vs.Type.Pos()):at(vs.Type.End())])
				}
			}
		}
		return b.String()
	}
	return text
}

// withoutUnused takes out imports that nothing uses.
func withoutUnused(program string) string {
	f, err := parser.ParseFile(token.NewFileSet(), "", program, 0)
	if err != nil {
		return program
	}
	used := map[string]bool{}
	for _, id := range f.Unresolved {
		used[id.Name] = true
	}
	for _, i := range f.Imports {
		if !used[i.Name.Name] {
			program = strings.Replace(program, fmt.Sprintf("import %s %s\n", i.Name.Name, i.Path.Value), "", 1)
		}
	}
	return program
}
