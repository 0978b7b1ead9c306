package jinja

import (
	"math/big"
	"strings"
)

// binary is Python's a op b for + - * / // % **.
func (r *run) binary(op string, a, b any) (any, error) {
	if op == "%" {
		if s, ok := text(a); ok {
			if err := r.read(len(s)); err != nil {
				return nil, err
			}
			out, err := r.growText(r.percent(s, b, isMarkup(a)))
			return like(a, out), err
		}
	}
	for _, v := range []any{a, b} {
		if u, ok := v.(*undefined); ok {
			return nil, u.err()
		}
	}
	if err := r.readValues(a, b); err != nil {
		return nil, err
	}
	if v, ok, err := arithmetic(op, a, b); ok {
		if err == nil {
			err = r.readValues(v)
		}
		return v, err
	}
	switch op {
	case "+":
		if v, ok, err := r.join(a, b); ok {
			return v, err
		}
	case "*":
		if n, ok := integer(b); ok {
			if v, ok, err := r.repeat(a, n); ok {
				return v, err
			}
		} else if n, ok := integer(a); ok {
			if v, ok, err := r.repeat(b, n); ok {
				return v, err
			}
		}
	}
	if op == "**" {
		op = "** or pow()"
	}
	return nil, errorf(TypeError, "unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(a), typeName(b))
}

func isMarkup(v any) bool {
	_, ok := v.(markup)
	return ok
}

// arithmetic computes with numbers; ok is false where one is none.
func arithmetic(op string, a, b any) (v any, ok bool, err error) {
	x, okx := integer(a)
	y, oky := integer(b)
	if okx && oky {
		v, err = intMath(op, x, y)
		return v, true, err
	}
	f, okf, err := float(a)
	if err != nil {
		return nil, true, err
	}
	g, okg, err := float(b)
	if err != nil {
		return nil, true, err
	}
	if !okf || !okg {
		return nil, false, nil
	}
	v, err = floatMath(op, f, g)
	return v, true, err
}

// join adds two strings, lists or tuples. Text beside markup is escaped.
func (r *run) join(a, b any) (any, bool, error) {
	x, okx := text(a)
	y, oky := text(b)
	switch {
	case okx && oky && (isMarkup(a) || isMarkup(b)):
		m, err := r.escaped(a)
		if err != nil {
			return nil, true, err
		}
		n, err := r.escaped(b)
		if err != nil {
			return nil, true, err
		}
		return m + n, true, r.grow(len(m) + len(n))
	case okx && oky:
		if err := r.grow(len(x) + len(y)); err != nil {
			return nil, true, err
		}
		return x + y, true, nil
	}
	if x, ok := a.(*List); ok {
		if y, ok := b.(*List); ok {
			items, err := r.joinItems(x.Items, y.Items)
			return &List{items}, true, err
		}
	}
	if x, ok := a.(*tuple); ok {
		if y, ok := b.(*tuple); ok {
			items, err := r.joinItems(x.items, y.items)
			return &tuple{items}, true, err
		}
	}
	return nil, false, nil
}

func (r *run) joinItems(x, y []any) ([]any, error) {
	if err := r.grow(itemBytes * (len(x) + len(y))); err != nil {
		return nil, err
	}
	return append(append(make([]any, 0, len(x)+len(y)), x...), y...), nil
}

// repeat is v * n for a string, list or tuple.
func (r *run) repeat(v any, n *big.Int) (any, bool, error) {
	times := 0
	const most = 1 << 32 // beyond every limit
	if !n.IsInt64() && n.Sign() > 0 {
		times = most
	} else if n.Sign() > 0 {
		times = int(min(n.Int64(), most))
	}
	items := func(of []any) ([]any, error) {
		if len(of) == 0 {
			return nil, nil
		}
		if err := r.grow(itemBytes * len(of) * times); err != nil {
			return nil, err
		}
		out := make([]any, 0, len(of)*times)
		for range times {
			out = append(out, of...)
		}
		return out, nil
	}
	switch v := v.(type) {
	case string, markup:
		s, _ := text(v)
		if s == "" {
			return v, true, nil
		}
		if err := r.grow(len(s) * times); err != nil {
			return nil, true, err
		}
		return like(v, strings.Repeat(s, times)), true, nil
	case *List:
		out, err := items(v.Items)
		return &List{out}, true, err
	case *tuple:
		out, err := items(v.items)
		return &tuple{out}, true, err
	}
	return nil, false, nil
}

// unary is Python's -a or +a.
func unary(op string, a any) (any, error) {
	if u, ok := a.(*undefined); ok {
		return nil, u.err()
	}
	if f, ok := a.(float64); ok {
		if op == "-" {
			return -f, nil
		}
		return f, nil
	}
	i, ok := integer(a)
	if !ok {
		return nil, errorf(TypeError, "bad operand type for unary %s: '%s'", op, typeName(a))
	}
	if op == "-" {
		i = new(big.Int).Neg(i)
	}
	return norm(i), nil
}
