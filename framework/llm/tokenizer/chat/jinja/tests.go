package jinja

import (
	"math/big"
	"unicode"
)

// tests by name.
var tests = map[string]builtin{}

func init() {
	says := func(f func(v any) bool) builtin {
		return builtin{params: "value", fn: func(_ *run, a []any) (any, error) { return f(a[0]), nil }}
	}
	relation := func(op string) builtin {
		return builtin{params: "/a b", fn: func(r *run, a []any) (any, error) { return r.relation(op, a[0], a[1]) }}
	}
	remainder := func(r *run, v, by any, want int64) (any, error) {
		m, err := r.binary("%", v, by)
		if err != nil {
			return nil, err
		}
		return r.equal(m, want)
	}
	named := func(table map[string]builtin, others map[string]bool) builtin {
		return says(func(v any) bool {
			s, _ := text(v)
			_, ok := table[s]
			return ok || others[s]
		})
	}
	for name, b := range map[string]builtin{
		"odd":  {params: "value", fn: func(r *run, a []any) (any, error) { return remainder(r, a[0], int64(2), 1) }},
		"even": {params: "value", fn: func(r *run, a []any) (any, error) { return remainder(r, a[0], int64(2), 0) }},
		"divisibleby": {params: "value num", fn: func(r *run, a []any) (any, error) {
			return remainder(r, a[0], a[1], 0)
		}},
		"defined":   says(func(v any) bool { return !isUndefined(v) }),
		"undefined": says(isUndefined),
		"none":      says(func(v any) bool { return v == nil }),
		"boolean":   says(func(v any) bool { _, ok := v.(bool); return ok }),
		"true":      says(func(v any) bool { return v == true }),
		"false":     says(func(v any) bool { return v == false }),
		"integer":   says(isInteger),
		"float":     says(func(v any) bool { _, ok := v.(float64); return ok }),
		"number": says(func(v any) bool {
			_, isFloat := v.(float64)
			_, isInt := integer(v)
			return isFloat || isInt
		}),
		"string":   says(func(v any) bool { _, ok := text(v); return ok }),
		"mapping":  says(func(v any) bool { _, ok := v.(*Dict); return ok }),
		"sequence": says(isSequence),
		"iterable": says(func(v any) bool { _, err := (&run{}).iterate(v); return err == nil }),
		"callable": says(isCallable),
		"escaped":  says(isMarkup),
		"lower":    ofText(func(s string) bool { return isCased(s, unicode.IsUpper) }),
		"upper":    ofText(func(s string) bool { return isCased(s, unicode.IsLower) }),
		"filter":   named(filters, unsupportedFilters),
		"test":     named(tests, nil),
		"sameas":   {params: "value other", fn: func(_ *run, a []any) (any, error) { return is(a[0], a[1]), nil }},
		"in":       {params: "value seq", fn: func(r *run, a []any) (any, error) { return r.contains(a[1], a[0]) }},
		"==":       relation("=="), "eq": relation("=="), "equalto": relation("=="),
		"!=": relation("!="), "ne": relation("!="),
		">": relation(">"), "gt": relation(">"), "greaterthan": relation(">"),
		">=": relation(">="), "ge": relation(">="),
		"<": relation("<"), "lt": relation("<"), "lessthan": relation("<"),
		"<=": relation("<="), "le": relation("<="),
	} {
		tests[name] = b
	}
}

func ofText(f func(string) bool) builtin {
	return builtin{params: "value", fn: func(r *run, a []any) (any, error) {
		s, err := r.str(a[0])
		return f(s), err
	}}
}

func isUndefined(v any) bool {
	_, ok := v.(*undefined)
	return ok
}

func isInteger(v any) bool {
	switch v.(type) {
	case int64, *big.Int:
		return true
	}
	return false
}

func isSequence(v any) bool {
	switch v.(type) {
	case string, markup, *List, *tuple, *Dict, *rangeValue, *undefined:
		return true
	}
	return false
}

func isCallable(v any) bool {
	switch v.(type) {
	case *function, *macro, *loop, *undefined:
		return true
	}
	return false
}
