package jinja

import (
	"math"
	"math/big"
	"strconv"
)

// round is the filter: Python's round, or ceil and floor at a decimal place.
func round(r *run, a []any) (any, error) {
	method := "common"
	if a[2] != missing {
		m, ok := text(a[2])
		if !ok || m != "common" && m != "ceil" && m != "floor" {
			return nil, errorf(FilterArgument, "method must be common, ceil or floor")
		}
		method = m
	}
	if a[1] == missing {
		a[1] = int64(0)
	}
	if method == "common" {
		places, err := intArg(a[1], 0)
		if err != nil {
			return nil, err
		}
		return rounded(a[0], places)
	}
	scale, err := r.binary("**", int64(10), a[1])
	if err != nil {
		return nil, err
	}
	v, err := r.binary("*", a[0], scale)
	if err != nil {
		return nil, err
	}
	f, ok := v.(float64)
	if ok {
		if method == "ceil" {
			f = math.Ceil(f)
		} else {
			f = math.Floor(f)
		}
		if v, err = truncated(f); err != nil {
			return nil, err
		}
	} else if _, ok := integer(v); !ok {
		return nil, errorf(TypeError, "must be real number, not %s", typeName(v))
	}
	return r.binary("/", v, scale)
}

// rounded is Python's round(v, places): half to even on the exact value.
func rounded(v any, places int) (any, error) {
	if i, ok := integer(v); ok {
		if places >= 0 {
			return norm(i), nil
		}
		if -places > len(i.Text(10)) {
			return int64(0), nil
		}
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-places)), nil)
		q, m := floorDivMod(i, unit)
		twice := new(big.Int).Lsh(m, 1)
		if c := twice.Cmp(unit); c > 0 || c == 0 && q.Bit(0) == 1 {
			q.Add(q, big.NewInt(1))
		}
		return norm(q.Mul(q, unit)), nil
	}
	f, ok := v.(float64)
	if !ok {
		return nil, errorf(TypeError, "type %s doesn't define __round__ method", typeName(v))
	}
	const exact = 330 // decimal places beyond which no float has digits
	if math.IsNaN(f) || math.IsInf(f, 0) || places > exact {
		return f, nil
	}
	if places >= 0 {
		return strconv.ParseFloat(strconv.FormatFloat(f, 'f', places, 64), 64)
	}
	if places < -310 {
		return math.Copysign(0, f), nil
	}
	digits, _ := new(big.Float).SetFloat64(math.Abs(f)).Int(nil)
	half := new(big.Int).Lsh(digits, 1)
	if math.Abs(f) != math.Trunc(f) {
		half.Add(half, big.NewInt(1)) // just above its whole part
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-places)), nil)
	q, m := new(big.Int).QuoRem(half, new(big.Int).Lsh(unit, 1), new(big.Int))
	if c := m.Cmp(unit); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	out, _ := new(big.Float).SetInt(q.Mul(q, unit)).Float64()
	if math.IsInf(out, 0) {
		return nil, errorf(Overflow, "rounded value too large to represent")
	}
	return math.Copysign(out, f), nil
}
