package cell

import (
	"fmt"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"x := 1; y := 2\nz", "s 1:1 x := 1|s 1:9 y := 2|s 2:1 z"},
		{"func f() {\n}\nf()", "f 1:1 func f() {\n}|s 3:1 f()"},
		{"func() { f() }()", "s 1:1 func() { f() }()"},
		{"func(a int) int { return a }(3)", "s 1:1 func(a int) int { return a }(3)"},
		{"func (t *T) M() {}", "f 1:1 func (t *T) M() {}"},
		{"func G[T any](t T) {}", "f 1:1 func G[T any](t T) {}"},
		{"import \"fmt\"\ntype T int\nconst c = 1\nvar v T", "i 1:1 import \"fmt\"|t 2:1 type T int|c 3:1 const c = 1|s 4:1 var v T"},
		{"if x := 1; x > 0 {\n} else if y := 2; y > 0 {\n}\nz", "s 1:1 if x := 1; x > 0 {\n} else if y := 2; y > 0 {\n}|s 4:1 z"},
		{"for i := 0; i < 3; i++ {\n}", "s 1:1 for i := 0; i < 3; i++ {\n}"},
		{"switch x := 1; x {\ncase 1: a; b\n}", "s 1:1 switch x := 1; x {\ncase 1: a; b\n}"},
		{"  %cd  here \nx", "% 1:3 cd  here|s 2:1 x"},
		{"$ echo `a\n$ b", "$ 1:1 echo `a|$ 2:1 b"},
		{"s := `\n%cd x\n`", "s 1:1 s := `\n%cd x\n`"},
		{"a := 7 %\n\t3", "s 1:1 a := 7 %\n\t3"},
		{"/* \n%cd x */ y", "s 2:10 y"},
		{"%time f(\n\t1)\ny", "% 1:1 time|s 1:7 f(\n\t1)|s 3:1 y"},
		{"%timeit x", "% 1:1 timeit|s 1:9 x"},
		{"\n%%time\nx; y\n%who", "% 2:1 %time|s 3:1 x|s 3:4 y|% 4:1 who"},
		{"%%time x", "% 1:1 %time x"},
		{"\n%%go\nx", "% 2:1 %go\nx"},
		{"x // %cd\ny", "s 1:1 x // %cd|s 2:1 y"},
		{"'\\'' + \"%\\\"\"\n%who", "s 1:1 '\\'' + \"%\\\"\"|% 2:1 who"},
		{"", ""},
	} {
		chunks, err := Split(c.code)
		if err != nil {
			t.Errorf("%q: %v", c.code, err)
			continue
		}
		var got []string
		for _, k := range chunks {
			got = append(got, fmt.Sprintf("%c %d:%d %s", "siftc%$"[k.Kind], k.Line, k.Col, strings.TrimRight(k.Text, "\n")))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%q:\n%s\nwant\n%s", c.code, s, c.want)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"x := (1", "1:6: ( is not closed"},
		{"a\n}", "2:1: unexpected }"},
		{"x := \"a", "1:6: string literal not terminated"},
		{"a\nb := #", "2:6: illegal character U+0023 '#'"},
	} {
		if _, err := Split(c.code); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.code, err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for code, want := range map[string]Status{
		"x := 1":                       Complete,
		"":                             Complete,
		"%cd ../x":                     Complete,
		"package main\nfunc main() {}": Complete,
		"a, b":                         Complete,
		"for {":                        Incomplete,
		"f(1,":                         Incomplete,
		"x := 1 +":                     Incomplete,
		"x.":                           Incomplete,
		"`raw":                         Incomplete,
		"x++":                          Complete,
		"x := := 1":                    Invalid,
		"}":                            Invalid,
		"import 3":                     Invalid,
	} {
		if got, _ := Check(code); got != want {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
	if _, indent := Check("for {\n\tif x {"); indent != "\t\t" {
		t.Errorf("indent %q", indent)
	}
}
