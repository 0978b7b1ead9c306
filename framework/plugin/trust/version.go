package trust

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Version is a semantic version (Semantic Versioning 2.0.0). The zero value is
// no version and is below every other.
type Version struct {
	Major, Minor, Patch int
	Pre, Build          string // without "-" and "+"
	set                 bool
}

var semver = regexp.MustCompile(`^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$`)

// ParseVersion reads MAJOR.MINOR.PATCH[-PRE][+BUILD], without a leading v.
func ParseVersion(s string) (Version, error) {
	m := semver.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("%q is no semantic version (MAJOR.MINOR.PATCH, such as 1.4.0)", s)
	}
	v := Version{Pre: m[4], Build: m[5], set: true}
	for i, p := range []*int{&v.Major, &v.Minor, &v.Patch} {
		*p, _ = strconv.Atoi(m[i+1]) // at most nine digits
	}
	return v, nil
}

func (v Version) String() string {
	if !v.set {
		return ""
	}
	s := fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
	if v.Pre != "" {
		s += "-" + v.Pre
	}
	if v.Build != "" {
		s += "+" + v.Build
	}
	return s
}

// Compare orders versions by precedence (section 11); builds do not count.
func (v Version) Compare(w Version) int {
	if v.set != w.set {
		return cmp.Compare(truth(v.set), truth(w.set))
	}
	if c := cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch)); c != 0 {
		return c
	}
	if (v.Pre == "") != (w.Pre == "") { // a pre-release is below its release
		return cmp.Compare(truth(v.Pre == ""), truth(w.Pre == ""))
	}
	a, b := strings.Split(v.Pre, "."), strings.Split(w.Pre, ".")
	for i := range min(len(a), len(b)) {
		if c := compareIdentifiers(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// compareIdentifiers orders two parts of a pre-release: numbers by value and
// below words.
func compareIdentifiers(a, b string) int {
	x, errA := strconv.ParseUint(a, 10, 64)
	y, errB := strconv.ParseUint(b, 10, 64)
	switch {
	case errA == nil && errB == nil:
		return cmp.Compare(x, y)
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return strings.Compare(a, b)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Constraint says which versions are allowed: comparisons divided by spaces or
// commas, all of which must hold, such as ">=1.2.0 <2.0.0". ^1.2.0 allows what
// does not change the left-most number that is not 0, ~1.2.0 only other
// patches (both as npm and Cargo read them); a bare version is that one. A
// pre-release is allowed only where the constraint names one of the same
// MAJOR.MINOR.PATCH. "" allows every version.
type Constraint struct {
	text  string
	tests []comparison
}

type comparison struct {
	op string // "=", ">", ">=", "<", "<="
	v  Version
}

// ParseConstraint reads a constraint.
func ParseConstraint(s string) (Constraint, error) {
	c := Constraint{text: s}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		op := word[:len(word)-len(strings.TrimLeft(word, "<>=^~"))]
		v, err := ParseVersion(word[len(op):])
		if err != nil {
			return c, fmt.Errorf("constraint %q: %w", s, err)
		}
		switch op {
		case "":
			c.tests = append(c.tests, comparison{"=", v})
		case "=", ">", ">=", "<", "<=":
			c.tests = append(c.tests, comparison{op, v})
		case "^", "~":
			c.tests = append(c.tests, comparison{">=", v}, comparison{"<", next(v, op)})
		default:
			return c, fmt.Errorf("constraint %q: %q is no comparison; use =, <, <=, >, >=, ^ or ~ before a version", s, op)
		}
	}
	return c, nil
}

// next is the first version that ^v or ~v no longer allows.
func next(v Version, op string) Version {
	switch {
	case op == "~", v.Major == 0 && v.Minor > 0:
		return Version{Major: v.Major, Minor: v.Minor + 1, set: true}
	case v.Major == 0:
		return Version{Patch: v.Patch + 1, set: true}
	}
	return Version{Major: v.Major + 1, set: true}
}

func (c Constraint) String() string { return c.text }

// Allows tells whether a version meets the constraint.
func (c Constraint) Allows(v Version) bool {
	named := v.Pre == "" || len(c.tests) == 0
	for _, t := range c.tests {
		d := v.Compare(t.v)
		ok := t.op == "=" && d == 0 || t.op == ">" && d > 0 || t.op == ">=" && d >= 0 || t.op == "<" && d < 0 || t.op == "<=" && d <= 0
		if !ok {
			return false
		}
		named = named || t.v.Pre != "" && t.v.Major == v.Major && t.v.Minor == v.Minor && t.v.Patch == v.Patch
	}
	return named
}
