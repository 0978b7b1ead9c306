package jinja

import "time"

// Limits bounds what a template may use up. A field that is 0 has the default
// named beside it.
type Limits struct {
	Output int // bytes of the rendered text; 16 MiB
	Steps  int // expressions, statements, items of loops, 256 bytes of texts that are walked through; 10 million
	Memory int // bytes of all strings and lists made on the way; 256 MiB
	Depth  int // expressions and statements inside each other, calls of macros included; 5,000
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		at    *int
		value int
	}{{&l.Output, 16 << 20}, {&l.Steps, 10_000_000}, {&l.Memory, 256 << 20}, {&l.Depth, 5000}} {
		if *f.at == 0 {
			*f.at = f.value
		}
	}
	return l
}

// Longest is the size of the largest template that Parse takes, in bytes.
const Longest = 1 << 20

// Options of a rendering.
type Options struct {
	Limits Limits
	Now    func() time.Time // for strftime_now; nil is time.Now
}

// Template is a parsed template, safe for concurrent use.
type Template struct {
	body  []stmt
	scope *scope
}

// Parse compiles a template. The error is an *Error.
func Parse(source string) (*Template, error) {
	if len(source) > Longest {
		return nil, errorf(Limit, "the template has %d bytes, more than %d", len(source), Longest)
	}
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	body, err := p.statements()
	if err != nil {
		return nil, err
	}
	t := &Template{body: body, scope: newScope(nil)}
	t.scope.see(body)
	if err := (compiler{}).body(body, place{scope: t.scope}); err != nil {
		return nil, err
	}
	return t, nil
}

// Render gives the text for the variables, whose values are those that
// FromJSON gives (nil, bool, int64, *big.Int, float64, string, *List, *Dict).
// The error is an *Error.
func (t *Template) Render(vars map[string]any, o Options) (string, error) {
	r := &run{vars: vars, now: o.Now, limits: o.Limits.withDefaults()}
	if r.now == nil {
		r.now = time.Now
	}
	out := &buffer{run: r}
	if _, err := r.body(t.body, r.enter(t.scope, nil), out); err != nil {
		return "", err
	}
	if out.b.Len() > r.limits.Output {
		return "", errorf(Limit, "more than %d bytes of output", r.limits.Output)
	}
	return out.b.String(), nil
}
