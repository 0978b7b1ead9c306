package display

import (
	"cmp"
	"fmt"
	"html"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A table shows at most mostRows rows and mostColumns columns, and says how many there
// are.
const (
	mostRows    = 60
	mostColumns = 30
)

// table is a value as an HTML table, if a person expects one of it: slices of structs,
// of pointers to them and of maps by text, and maps whose values are structs, numbers or
// texts. Types that say how they are written (Stringer, error) stay text. A matrix of
// gonum.org/v1/gonum/mat is one too.
func table(v any) (string, bool) {
	if m, ok := v.(matrix); ok {
		return entries(m), true
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice && r.Kind() != reflect.Array && r.Kind() != reflect.Map || r.Len() == 0 || written(r.Type()) {
		return "", false
	}
	t := grid{head: []string{""}, rows: r.Len()}
	elem := r.Type().Elem()
	if r.Kind() == reflect.Map {
		if !scalar(r.Type().Key()) {
			return "", false
		}
		fields, isStruct := columns(elem)
		switch {
		case isStruct:
			t.addHead(fields)
		case scalar(elem) && !written(elem):
			t.head = append(t.head, "")
		default:
			return "", false
		}
		for _, k := range sortedKeys(r)[:min(r.Len(), mostRows)] {
			t.add(k, r.MapIndex(k), fields)
		}
		return t.html(), true
	}
	if fields, ok := columns(elem); ok {
		t.addHead(fields)
		for i := range min(r.Len(), mostRows) {
			t.add(reflect.ValueOf(i), r.Index(i), fields)
		}
		return t.html(), true
	}
	if elem.Kind() != reflect.Map || elem.Key().Kind() != reflect.String || written(elem) {
		return "", false
	}
	var names []reflect.Value
	for i := range r.Len() {
		for _, k := range sortedKeys(r.Index(i)) {
			if !slices.ContainsFunc(names, func(n reflect.Value) bool { return n.String() == k.String() }) {
				names = append(names, k)
			}
		}
		if len(names) > mostColumns {
			break
		}
	}
	for _, n := range names {
		t.head = append(t.head, n.String())
	}
	for i := range min(r.Len(), mostRows) {
		row := []reflect.Value{reflect.ValueOf(i)}
		for _, n := range names {
			row = append(row, r.Index(i).MapIndex(n))
		}
		t.body = append(t.body, row)
	}
	return t.html(), true
}

// matrix is what every matrix and vector of gonum.org/v1/gonum/mat has.
type matrix = interface {
	Dims() (rows, columns int)
	At(i, j int) float64
}

func entries(m matrix) string {
	rows, columns := m.Dims()
	t := grid{head: make([]string, columns+1), rows: rows}
	for j := range columns {
		t.head[j+1] = strconv.Itoa(j)
	}
	for i := range min(rows, mostRows) {
		row := []reflect.Value{reflect.ValueOf(i)}
		for j := range min(columns, mostColumns) {
			row = append(row, reflect.ValueOf(m.At(i, j)))
		}
		t.body = append(t.body, row)
	}
	return t.html()
}

var (
	stringer  = reflect.TypeFor[fmt.Stringer]()
	errorType = reflect.TypeFor[error]()
)

// written tells a type whose values say how they are written.
func written(t reflect.Type) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		if t.Implements(stringer) || t.Implements(errorType) {
			return true
		}
	}
	return false
}

func scalar(t reflect.Type) bool {
	k := t.Kind()
	return k >= reflect.Bool && k <= reflect.Float64 && k != reflect.Uintptr || k == reflect.String
}

// columns gives the fields of a struct, or of what points to one, that a cell may
// name: exported ones, and all those of the cells' own types.
func columns(t reflect.Type) (list []reflect.StructField, ok bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || written(t) {
		return nil, false
	}
	for i := range t.NumField() {
		if f := t.Field(i); (f.IsExported() || f.PkgPath == "main") && f.Name != "_" {
			list = append(list, f)
		}
	}
	return list, len(list) > 0
}

// sortedKeys gives a map's keys in the order of numbers or of texts.
func sortedKeys(m reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(m.MapKeys()), func(a, b reflect.Value) int {
		switch {
		case a.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		case a.CanFloat():
			return cmp.Compare(a.Float(), b.Float())
		}
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
}

// grid is a table before it is written; the first column names the rows.
type grid struct {
	head []string
	body [][]reflect.Value
	rows int // that the value has
}

func (g *grid) addHead(fields []reflect.StructField) {
	for _, f := range fields {
		g.head = append(g.head, f.Name)
	}
}

// add adds a row: the fields of a struct, or the value itself where there are none.
func (g *grid) add(name, v reflect.Value, fields []reflect.StructField) {
	row := []reflect.Value{name}
	if v.Kind() == reflect.Pointer && fields != nil {
		v = v.Elem() // of nil: no value, an empty row
	}
	for _, f := range fields {
		if !v.IsValid() {
			row = append(row, v)
			continue
		}
		row = append(row, v.FieldByIndex(f.Index))
	}
	if fields == nil {
		row = append(row, v)
	}
	g.body = append(g.body, row)
}

func (g *grid) html() string {
	var b strings.Builder
	shown := min(len(g.head), mostColumns+1)
	b.WriteString("<table>\n<thead><tr>")
	for _, h := range g.head[:shown] {
		fmt.Fprintf(&b, "<th>%s</th>", html.EscapeString(h))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range g.body {
		fmt.Fprintf(&b, "<tr><th>%s</th>", entry(row[0]))
		for _, v := range row[1:shown] {
			align := "left"
			if v.IsValid() && (v.CanInt() || v.CanUint() || v.CanFloat()) {
				align = "right"
			}
			fmt.Fprintf(&b, `<td style="text-align:%s">%s</td>`, align, entry(v))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>")
	if len(g.body) < g.rows || shown < len(g.head) {
		fmt.Fprintf(&b, "\n<p>%d of %d rows, %d of %d columns</p>", len(g.body), g.rows, shown-1, len(g.head)-1)
	}
	return b.String()
}

// longestEntry is how much of a text one entry of a table shows, in characters.
const longestEntry = 200

func entry(v reflect.Value) string {
	if !v.IsValid() {
		return ""
	}
	if v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	s := ""
	switch {
	case v.CanFloat() && !written(v.Type()):
		s = strconv.FormatFloat(v.Float(), 'g', 6, 64)
	case v.CanInterface():
		s = Text(v.Interface())
	default:
		s = fmt.Sprintf("%+v", v) // a field that is not exported
	}
	if r := []rune(s); len(r) > longestEntry {
		s = string(r[:longestEntry]) + "…"
	}
	return html.EscapeString(s)
}
