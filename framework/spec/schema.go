package spec

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Param declares one hyper-parameter of a method.
type Param struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"` // "int", "float", "bool", "string", "strings"
	Default     any      `json:"default"`
	Min         *float64 `json:"min,omitempty"` // inclusive
	Max         *float64 `json:"max,omitempty"` // inclusive
	Choices     []string `json:"choices,omitempty"`
	Unit        string   `json:"unit,omitempty"`
	Description string   `json:"description"`
	Source      string   `json:"source,omitempty"` // paper and section, or the system whose convention it is
}

// Schema is the typed parameter list of a method, in the order to show.
type Schema struct {
	Params []Param `json:"params"`
}

// ParamMerge is the name of the parameter (bool) by which an adapter is merged
// into the weights: its result then holds a model folder of its own, "model".
const ParamMerge = "merge"

// Has tells whether the method has a parameter of this name.
func (s Schema) Has(name string) bool {
	return slices.ContainsFunc(s.Params, func(p Param) bool { return p.Name == name })
}

// At is a pointer to a bound, for schema literals.
func At(v float64) *float64 { return &v }

// Params holds a method's parameter values after Resolve: int64, float64,
// bool, string or []string by declared type.
type Params map[string]any

// Resolve checks given values against the schema, converts them to their
// declared types and fills in defaults. Every mistake comes back, each under
// prefix + "." + name.
func (s Schema) Resolve(prefix string, given map[string]any) (Params, Diagnostics) {
	var ds Diagnostics
	out := Params{}
	known := map[string]Param{}
	var names []string
	for _, p := range s.Params {
		known[p.Name] = p
		names = append(names, p.Name)
		v, err := p.convert(p.Default)
		if err != nil {
			ds.Add(prefix+"."+p.Name, "the schema's own default is wrong: "+err.Error(), "report this to the plugin's author")
			continue
		}
		out[p.Name] = v
	}
	keys := make([]string, 0, len(given))
	for k := range given {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		p, ok := known[k]
		if !ok {
			hint := "the method has: " + strings.Join(names, ", ")
			if near := Nearest(k, names); near != "" {
				hint = fmt.Sprintf("did you mean %s? %s", near, hint)
			}
			ds.Add(prefix+"."+k, "unknown parameter", hint)
			continue
		}
		v, err := p.convert(given[k])
		if err != nil {
			ds.Add(prefix+"."+k, err.Error(), p.hint())
			continue
		}
		out[k] = v
	}
	return out, ds
}

func (p Param) hint() string {
	h := "expected " + p.Type
	if len(p.Choices) > 0 {
		h += ", one of " + strings.Join(p.Choices, ", ")
	}
	if p.Min != nil {
		h += fmt.Sprintf(", at least %g", *p.Min)
	}
	if p.Max != nil {
		h += fmt.Sprintf(", at most %g", *p.Max)
	}
	return h + fmt.Sprintf(" (default %v)", p.Default)
}

func (p Param) convert(v any) (any, error) {
	bad := func() error { return fmt.Errorf("got %v (%T)", v, v) }
	switch p.Type {
	case "int":
		f, ok := number(v)
		if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return nil, bad()
		}
		return int64(f), p.inRange(f)
	case "float":
		f, ok := number(v)
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, bad()
		}
		return f, p.inRange(f)
	case "bool":
		b, ok := v.(bool)
		if !ok {
			return nil, bad()
		}
		return b, nil
	case "string":
		s, ok := v.(string)
		if !ok {
			return nil, bad()
		}
		return s, p.inChoices(s)
	case "strings":
		var list []string
		switch x := v.(type) {
		case nil:
		case []string:
			list = x
		case []any:
			for _, e := range x {
				s, ok := e.(string)
				if !ok {
					return nil, bad()
				}
				list = append(list, s)
			}
		case string:
			list = strings.Split(x, ",")
		default:
			return nil, bad()
		}
		for _, s := range list {
			if err := p.inChoices(s); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("unknown parameter type %q in the schema", p.Type)
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case float32:
		return float64(x), true
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case uint64:
		return float64(x), true
	case interface{ Float64() (float64, error) }: // json.Number
		f, err := x.Float64()
		return f, err == nil
	}
	return 0, false
}

func (p Param) inRange(f float64) error {
	if (p.Min != nil && f < *p.Min) || (p.Max != nil && f > *p.Max) {
		return fmt.Errorf("%g is out of range", f)
	}
	return nil
}

func (p Param) inChoices(s string) error {
	if len(p.Choices) == 0 {
		return nil
	}
	for _, c := range p.Choices {
		if c == s {
			return nil
		}
	}
	return fmt.Errorf("%q is not a choice", s)
}

// Int, Float, Bool, String and Strings read a resolved parameter; they panic
// when the name is not in the schema, which is a mistake of the plugin.
func (p Params) Int(name string) int          { return int(get[int64](p, name)) }
func (p Params) Float(name string) float64    { return get[float64](p, name) }
func (p Params) Bool(name string) bool        { return get[bool](p, name) }
func (p Params) String(name string) string    { return get[string](p, name) }
func (p Params) Strings(name string) []string { return get[[]string](p, name) }

func get[T any](p Params, name string) T {
	v, ok := p[name].(T)
	if !ok {
		panic(fmt.Sprintf("parameter %q is %T in the resolved set, not %T: declare it so in the schema", name, p[name], v))
	}
	return v
}
