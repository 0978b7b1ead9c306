package jinja

import (
	"math/big"
	"strings"
)

// A value is one of Python's as a template sees it: nil (None), bool, int64,
// *big.Int (integers beyond 64 bits), float64, string, markup, *List, *tuple,
// *Dict, *view, *rangeValue, *generator, *undefined, *namespace, *macro,
// *loop or *function. The sandbox lets no template change a list or a dict, so
// they are shared freely.

// List is Python's list.
type List struct{ Items []any }

type tuple struct{ items []any }

// markup is text that counts as HTML: what safe and escape give.
type markup string

// undefined is a name, attribute or item that there isn't. It prints as
// nothing; most other uses fail.
type undefined struct {
	message string // "" where of and name make it
	kind    string // of the error
	of      string // what has no such attribute or item
	name    any
}

// namespace is the one thing that a template can write into.
type namespace struct{ fields *Dict }

// function is a global, a bound method, or one of loop's.
type function struct {
	name string
	call func(r *run, c call) (any, error)
}

// rangeValue is Python's range with n elements.
type rangeValue struct{ start, stop, step, n int64 }

// view is what a dict's keys, values and items give.
type view struct {
	kind string // dict_keys, dict_values, dict_items
	of   *Dict
}

func (v *view) at(i int) any {
	switch v.kind {
	case "dict_keys":
		return v.of.keys[i]
	case "dict_values":
		return v.of.values[i]
	}
	return &tuple{[]any{v.of.keys[i], v.of.values[i]}}
}

// missing stands in a scope for a name without a value, and in bound
// arguments for one that was not given.
type missingValue struct{}

var missing = missingValue{}

func undefinedName(name string) *undefined {
	return &undefined{message: quoted(name) + " is undefined", kind: Undefined}
}

// undefinedOf is what a missing attribute or item of an object gives.
func undefinedOf(of, name any) *undefined {
	kind := typeName(of) + " object"
	switch of.(type) {
	case nil:
		kind = "None"
	case markup:
		kind = "markupsafe." + kind
	case *loop, *macro:
		kind = "jinja2.runtime." + kind
	case *namespace:
		kind = "transformers.utils.chat_template_utils." + kind
	}
	return &undefined{kind: Undefined, of: kind, name: name}
}

// mostNamed bounds the name in a message, in bytes.
const mostNamed = 1000

// why is the message of the error that most uses give.
func (u *undefined) why() string {
	if u.of == "" {
		return u.message
	}
	if s, ok := text(u.name); ok {
		return quoted(u.of) + " has no attribute " + quoted(s[:min(len(s), mostNamed)])
	}
	key, err := printed(u.name, mostNamed)
	if err != nil {
		key = typeName(u.name)
	}
	return u.of + " has no element " + key
}

func (u *undefined) err() error { return errorf(u.kind, "%s", u.why()) }

// text gives the characters of a string or markup.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case markup:
		return string(v), true
	}
	return "", false
}

// like gives s the type of v: markup stays markup.
func like(v any, s string) any {
	if _, ok := v.(markup); ok {
		return markup(s)
	}
	return s
}

var htmlEscapes = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;")

// escaped is v as markup: itself if it is that, else with HTML escapes.
func (r *run) escaped(v any) (markup, error) {
	if m, ok := v.(markup); ok {
		return m, nil
	}
	s, err := r.str(v)
	if err != nil {
		return "", err
	}
	n := len(s)
	for i := range len(s) {
		if strings.IndexByte(`&><'"`, s[i]) >= 0 {
			n += len("&#39;") - 1
		}
	}
	if err := r.grow(n); err != nil {
		return "", err
	}
	return markup(htmlEscapes.Replace(s)), nil
}

// typeName is the name of a value's Python type.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case markup:
		return "Markup"
	case *List:
		return "list"
	case *tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *view:
		return v.kind
	case *rangeValue:
		return "range"
	case *generator:
		return v.kind
	case *undefined:
		return "Undefined"
	case *namespace:
		return "TemplateNamespace"
	case *macro:
		return "Macro"
	case *loop:
		return "LoopContext"
	}
	return "function"
}

// truth is Python's bool(v).
func truth(v any) bool {
	switch v := v.(type) {
	case nil, *undefined, missingValue:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case markup:
		return v != ""
	}
	if n, ok := length(v); ok {
		return n > 0
	}
	return true
}

// length is Python's len(v) for what has one without being read. A text is
// walked through: the caller counts it.
func length(v any) (int, bool) {
	switch v := v.(type) {
	case string:
		return runeCount(v), true
	case markup:
		return runeCount(string(v)), true
	case *List:
		return len(v.Items), true
	case *tuple:
		return len(v.items), true
	case *Dict:
		return v.Len(), true
	case *view:
		return v.of.Len(), true
	case *rangeValue:
		return int(v.n), true
	case *undefined:
		return 0, true
	}
	return 0, false
}
