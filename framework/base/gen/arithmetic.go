package gen

import (
	"strconv"
	"strings"
)

func number(n int) string { return strconv.Itoa(n) }

// The four operations, by index.
var opWords = []string{"plus", "minus", "times", "divided by"}

const (
	opPlus = iota
	opMinus
	opTimes
	opDivide
)

// step is one calculation.
type step struct{ a, op, b, result int }

func newStep(a, op, b int) step {
	r := 0
	switch op {
	case opPlus:
		r = a + b
	case opMinus:
		r = a - b
	case opTimes:
		r = a * b
	case opDivide:
		r = a / b
	}
	return step{a, op, b, r}
}

func (t step) question() string { return number(t.a) + " " + opWords[t.op] + " " + number(t.b) }

// sentence is "3 times 4 is 12."
func (t step) sentence() string { return t.question() + " is " + number(t.result) + "." }

// drill draws a calculation whose numbers are all below 100.
func drill(s *stream, op int) step {
	switch op {
	case opPlus:
		b := s.between(1, 18)
		return newStep(s.between(1, 99-b), op, b)
	case opMinus:
		b := s.between(1, 18)
		return newStep(s.between(b+1, 99), op, b)
	case opTimes:
		return newStep(s.between(2, 9), op, s.between(2, 9))
	default:
		b := s.between(2, 9)
		return newStep(b*s.between(2, 9), op, b)
	}
}

// drillDoc is a row of calculations, of one operation or mixed.
func drillDoc(s *stream) string {
	op := s.n(5)
	var out []string
	for range s.between(5, 12) {
		o := op
		if op == 4 {
			o = s.n(4)
		}
		out = append(out, drill(s, o).sentence())
	}
	return strings.Join(out, " ")
}
