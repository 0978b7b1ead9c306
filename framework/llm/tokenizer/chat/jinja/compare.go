package jinja

import (
	"math"
	"math/big"
	"strings"
)

// equal is Python's a == b.
func (r *run) equal(a, b any) (bool, error) { return r.equalAt(a, b, 0) }

func (r *run) equalAt(a, b any, depth int) (bool, error) {
	if err := r.step(); err != nil {
		return false, err
	}
	if depth > deepest {
		return false, errTooDeep()
	}
	if x, ok := text(a); ok {
		y, ok := text(b)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return x == y, r.read(len(x))
	}
	if c, ok := numbers(a, b); ok {
		return c == 0, r.readValues(a, b)
	}
	switch x := a.(type) {
	case nil:
		return b == nil, nil
	case *undefined:
		_, ok := b.(*undefined)
		return ok, nil
	case *List:
		y, ok := b.(*List)
		return r.equalItems(ok, x.Items, func() []any { return y.Items }, depth)
	case *tuple:
		y, ok := b.(*tuple)
		return r.equalItems(ok, x.items, func() []any { return y.items }, depth)
	case *Dict:
		y, ok := b.(*Dict)
		if !ok || x.Len() != y.Len() {
			return false, nil
		}
		for i, k := range x.keys {
			v, ok, err := r.lookup(y, k)
			if err != nil || !ok {
				return false, err
			}
			if same, err := r.equalAt(x.values[i], v, depth+1); err != nil || !same {
				return false, err
			}
		}
		return true, nil
	case *rangeValue:
		y, ok := b.(*rangeValue)
		return ok && x.n == y.n && (x.n == 0 || x.start == y.start && (x.n == 1 || x.step == y.step)), nil
	}
	return is(a, b), nil
}

func (r *run) equalItems(ok bool, x []any, other func() []any, depth int) (bool, error) {
	if !ok {
		return false, nil
	}
	y := other()
	if len(x) != len(y) {
		return false, nil
	}
	for i := range x {
		if same, err := r.equalAt(x[i], y[i], depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// is says whether both are one object, as far as values have an identity here.
func is(a, b any) bool {
	if _, ok := a.(*big.Int); ok {
		return false
	}
	return a == b
}

// numbers compares two numbers: -1, 0, 1, or 2 where one is not a number.
func numbers(a, b any) (int, bool) {
	x, okx := integer(a)
	y, oky := integer(b)
	if okx && oky {
		return x.Cmp(y), true
	}
	f, fx := a.(float64)
	g, gy := b.(float64)
	switch {
	case fx && gy:
		switch {
		case f < g:
			return -1, true
		case f > g:
			return 1, true
		case f == g:
			return 0, true
		}
		return 2, true
	case fx && oky:
		c, ok := numbers(b, a)
		if c == 2 {
			return 2, ok
		}
		return -c, ok
	case okx && gy:
		if math.IsNaN(g) {
			return 2, true
		}
		if math.IsInf(g, 0) {
			return int(math.Copysign(1, -g)), true
		}
		return new(big.Float).SetInt(x).Cmp(big.NewFloat(g)), true
	}
	return 0, false
}

// compare is one of Python's <, <=, > and >=.
func (r *run) compare(op string, a, b any) (bool, error) { return r.compareAt(op, a, b, 0) }

func (r *run) compareAt(op string, a, b any, depth int) (bool, error) {
	if err := r.step(); err != nil {
		return false, err
	}
	if depth > deepest {
		return false, errTooDeep()
	}
	for _, v := range []any{a, b} {
		if u, ok := v.(*undefined); ok {
			return false, u.err()
		}
	}
	if x, ok := text(a); ok {
		if y, ok := text(b); ok {
			return holds(op, strings.Compare(x, y)), r.read(min(len(x), len(y))) // UTF-8 orders as code points do
		}
	}
	if c, ok := numbers(a, b); ok {
		return c != 2 && holds(op, c), nil
	}
	if x, ok := a.(*List); ok {
		if y, ok := b.(*List); ok {
			return r.compareItems(op, x.Items, y.Items, depth)
		}
	}
	if x, ok := a.(*tuple); ok {
		if y, ok := b.(*tuple); ok {
			return r.compareItems(op, x.items, y.items, depth)
		}
	}
	return false, errorf(TypeError, "'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
}

func (r *run) compareItems(op string, x, y []any, depth int) (bool, error) {
	for i := range min(len(x), len(y)) {
		same, err := r.equalAt(x[i], y[i], depth+1)
		if err != nil {
			return false, err
		}
		if !same {
			return r.compareAt(op, x[i], y[i], depth+1)
		}
	}
	return holds(op, len(x)-len(y)), nil
}

func holds(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// contains is Python's item in of.
func (r *run) contains(of, item any) (bool, error) {
	if s, ok := text(of); ok {
		part, ok := text(item)
		if !ok {
			return false, errorf(TypeError, "'in <string>' requires string as left operand, not %s", typeName(item))
		}
		i, err := r.index(s, part)
		return i >= 0, err
	}
	d, ok := of.(*Dict)
	if v, isView := of.(*view); isView && v.kind == "dict_keys" {
		d, ok = v.of, true
	}
	if ok {
		_, found, err := r.lookup(d, item)
		return found, err
	}
	next, err := r.iterate(of)
	if err != nil {
		return false, errorf(TypeError, "argument of type '%s' is not iterable", typeName(of))
	}
	for {
		v, ok, err := next()
		if err != nil || !ok {
			return false, err
		}
		if same, err := r.equal(v, item); err != nil || same || is(v, item) {
			return err == nil, err
		}
	}
}
