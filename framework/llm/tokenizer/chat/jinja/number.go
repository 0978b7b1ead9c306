package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// norm gives an integer its form: int64 where it fits.
func norm(v *big.Int) any {
	if v.IsInt64() {
		return v.Int64()
	}
	return v
}

// integer gives the value of an int or bool.
func integer(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1), true
		}
		return new(big.Int), true
	case int64:
		return big.NewInt(v), true
	case *big.Int:
		return v, true
	}
	return nil, false
}

// small gives an int or bool that fits in 64 bits.
func small(v any) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	}
	return 0, false
}

// float gives any number as a float; an integer may be too large.
func float(v any) (float64, bool, error) {
	if f, ok := v.(float64); ok {
		return f, true, nil
	}
	i, ok := integer(v)
	if !ok {
		return 0, false, nil
	}
	f, _ := new(big.Float).SetInt(i).Float64()
	if math.IsInf(f, 0) {
		return 0, true, errorf(Overflow, "int too large to convert to float")
	}
	return f, true, nil
}

// mostBits bounds integers; Python refuses to print more than 4300 digits.
const mostBits = 1 << 16

func sized(v *big.Int) (any, error) {
	if v.BitLen() > mostBits {
		return nil, errorf(Limit, "an integer of more than %d bits", mostBits)
	}
	return norm(v), nil
}

// floorDiv and floorMod round towards minus infinity.
func floorDivMod(a, b *big.Int) (q, m *big.Int) {
	q, m = new(big.Int).QuoRem(a, b, new(big.Int))
	if m.Sign() != 0 && m.Sign() != b.Sign() {
		q.Sub(q, big.NewInt(1))
		m.Add(m, b)
	}
	return q, m
}

func floatDivMod(a, b float64) (q, m float64) {
	m = math.Mod(a, b)
	q = (a - m) / b
	if m != 0 {
		if (b < 0) != (m < 0) {
			m += b
			q--
		}
	} else {
		m = math.Copysign(0, b)
	}
	if q == 0 {
		return math.Copysign(0, a/b), m
	}
	f := math.Floor(q)
	if q-f > 0.5 {
		f++
	}
	return f, m
}

func intMath(op string, a, b *big.Int) (any, error) {
	switch op {
	case "+":
		return sized(new(big.Int).Add(a, b))
	case "-":
		return sized(new(big.Int).Sub(a, b))
	case "*":
		return sized(new(big.Int).Mul(a, b))
	case "/":
		if b.Sign() == 0 {
			return nil, errorf(ZeroDivision, "division by zero")
		}
		f, _ := new(big.Rat).SetFrac(a, b).Float64()
		if math.IsInf(f, 0) {
			return nil, errorf(Overflow, "integer division result too large for a float")
		}
		return f, nil
	case "//", "%":
		if b.Sign() == 0 {
			return nil, errorf(ZeroDivision, "integer division or modulo by zero")
		}
		q, m := floorDivMod(a, b)
		if op == "%" {
			return norm(m), nil
		}
		return norm(q), nil
	}
	if b.Sign() < 0 {
		x, _, err := float(norm(a))
		if err != nil {
			return nil, err
		}
		y, _, err := float(norm(b))
		if err != nil {
			return nil, err
		}
		return floatMath(op, x, y)
	}
	if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > mostBits || int64(a.BitLen())*b.Int64() > 2*mostBits) {
		return nil, errorf(Limit, "an integer of more than %d bits", mostBits)
	}
	if a.BitLen() <= 1 { // -1, 0, 1
		b = new(big.Int).Add(big.NewInt(2*int64(min(b.Sign(), 1))), new(big.Int).And(b, big.NewInt(1)))
	}
	return sized(new(big.Int).Exp(a, b, nil))
}

func floatMath(op string, a, b float64) (any, error) {
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "**":
		if a == 0 && b < 0 {
			return nil, errorf(ZeroDivision, "0.0 cannot be raised to a negative power")
		}
		if a < 0 && b != math.Trunc(b) && !math.IsInf(a, 0) {
			return nil, errorf(Unsupported, "complex numbers")
		}
		f := math.Pow(a, b)
		if math.IsInf(f, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
			return nil, errorf(Overflow, "Numerical result out of range")
		}
		return f, nil
	}
	if b == 0 {
		return nil, errorf(ZeroDivision, "float division by zero")
	}
	if op == "/" {
		return a / b, nil
	}
	q, m := floatDivMod(a, b)
	if op == "//" {
		return q, nil
	}
	return m, nil
}

// parseInt is Python's int(s, base).
func parseInt(s string, base int) (any, bool) {
	s = plainDigits(s)
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	if base == 10 {
		if !underscored(s) {
			return nil, false
		}
		s = strings.ReplaceAll(s, "_", "")
	} else {
		prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]
		if prefix != "" && strings.HasPrefix(strings.ToLower(s), prefix) {
			s = strings.TrimPrefix(s[2:], "_")
		}
		if !underscored(s) || base < 0 || base == 1 || base > 36 {
			return nil, false
		}
		if base != 0 {
			s = strings.ReplaceAll(s, "_", "")
		}
	}
	const longest = 4300 // digits, as Python's own limit
	if len(s) > longest || s == "" || s[0] == '-' || s[0] == '+' {
		return nil, false
	}
	v, ok := new(big.Int).SetString(sign+s, base)
	if !ok {
		return nil, false
	}
	return norm(v), true
}

// underscored says whether every _ in s stands between two other characters.
func underscored(s string) bool {
	return !strings.HasPrefix(s, "_") && !strings.HasSuffix(s, "_") && !strings.Contains(s, "__")
}

// plainDigits strips white space and turns every decimal digit to ASCII.
func plainDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.IsDigit(r) {
			zero := r
			for unicode.IsDigit(zero-1) && r-zero < 9 { // blocks of ten; runs of blocks are rare
				zero--
			}
			return '0' + r - zero
		}
		return r
	}, strings.TrimFunc(s, isSpace))
}

// parseFloat is Python's float(s).
func parseFloat(s string) (float64, bool) {
	s = plainDigits(s)
	if strings.ContainsAny(s, "xXpP") || !underscored(s) {
		return 0, false
	}
	for i := range len(s) {
		if s[i] == '_' && !(s[i-1] >= '0' && s[i-1] <= '9' && s[i+1] >= '0' && s[i+1] <= '9') {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// truncated is Python's int(f).
func truncated(f float64) (any, error) {
	if math.IsNaN(f) {
		return nil, errorf(ValueError, "cannot convert float NaN to integer")
	}
	if math.IsInf(f, 0) {
		return nil, errorf(Overflow, "cannot convert float infinity to integer")
	}
	i, _ := big.NewFloat(f).Int(nil)
	return norm(i), nil
}
