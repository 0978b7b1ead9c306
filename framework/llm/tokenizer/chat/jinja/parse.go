package jinja

import (
	"slices"
	"strings"
)

// nesting bounds how deep tags and brackets may stand in each other. (Python's
// own recursion limit ends at about 80 brackets.)
const nesting = 200

// parser follows Jinja 3.1's parser.py: the same precedences (filters and
// tests bind to the operand before them, ~ binds tighter than + and looser
// than *, not looser than comparisons).
type parser struct {
	tokens []token
	pos    int
	depth  int
}

func (p *parser) cur() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != "eof" {
		p.pos++
	}
	return t
}

func (p *parser) look() token {
	return p.tokens[min(p.pos+1, len(p.tokens)-1)]
}

func (p *parser) is(kind string) bool { return p.cur().kind == kind }

func (p *parser) isName(name string) bool { return p.cur().kind == "name" && p.cur().text == name }

func (p *parser) skip(kind string) bool {
	if p.is(kind) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) fail(format string, args ...any) error {
	return at(errorf(Syntax, format, args...), p.cur().line)
}

func (p *parser) expect(kind string) (token, error) {
	if !p.is(kind) {
		return token{}, p.fail("expected token '%s', got '%s'", kind, describe(p.cur()))
	}
	return p.next(), nil
}

func (p *parser) expectName(name string) error {
	if !p.skipName(name) {
		return p.fail("expected token '%s', got '%s'", name, describe(p.cur()))
	}
	return nil
}

func describe(t token) string {
	switch t.kind {
	case "name":
		return t.text
	case "data":
		return "template data / text"
	case "eof":
		return "end of template"
	case blockEnd:
		return "end of statement block"
	case printEnd:
		return "end of print statement"
	}
	return t.kind
}

// enter counts a level of nesting; the caller leaves it by p.depth--.
func (p *parser) enter() error {
	p.depth++
	if p.depth > nesting {
		return at(errorf(Limit, "more than %d levels of nesting", nesting), p.cur().line)
	}
	return nil
}

// statements reads up to a tag that is named in ends and leaves the position
// at that name; with no ends it reads to the end of the template.
func (p *parser) statements(ends ...string) ([]stmt, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var body []stmt
	var out *outputStmt
	add := func(e expr, line int) {
		if out == nil {
			out = &outputStmt{}
			body = append(body, out)
		}
		out.parts, out.lines = append(out.parts, e), append(out.lines, line)
	}
	for {
		t := p.next()
		switch t.kind {
		case "eof":
			if len(ends) > 0 {
				return nil, at(errorf(Syntax, "Unexpected end of template. Jinja was looking for the following tags: '%s'.", strings.Join(ends, "' or '")), t.line)
			}
			return body, nil
		case "data":
			add(&dataExpr{t.text}, t.line)
		case printBegin:
			e, err := p.tuple(tupleRules{})
			if err != nil {
				return nil, err
			}
			add(e, t.line)
			if _, err := p.expect(printEnd); err != nil {
				return nil, err
			}
		case blockBegin:
			out = nil
			if p.is("name") && slices.Contains(ends, p.cur().text) {
				return body, nil
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			body = append(body, s)
			if _, err := p.expect(blockEnd); err != nil {
				return nil, err
			}
		default:
			return nil, at(errorf(Syntax, "unexpected '%s'", describe(t)), t.line)
		}
	}
}

// block reads the end of the opening tag and the body up to one of ends, and
// gives which one ended it.
func (p *parser) block(ends ...string) ([]stmt, string, error) {
	p.skip(":")
	if _, err := p.expect(blockEnd); err != nil {
		return nil, "", err
	}
	body, err := p.statements(ends...)
	if err != nil {
		return nil, "", err
	}
	return body, p.next().text, nil
}

func (p *parser) statement() (stmt, error) {
	if !p.is("name") {
		return nil, p.fail("tag name expected")
	}
	t := p.next()
	switch t.text {
	case "for":
		return p.forTag(t.line)
	case "if":
		return p.ifTag(t.line)
	case "set":
		return p.setTag(t.line)
	case "macro":
		return p.macroTag(t.line)
	case "call":
		return p.callTag(t.line)
	case "generation":
		body, _, err := p.block("endgeneration")
		return &callStmt{def: &macroDef{name: "caller", body: body, line: t.line}, line: t.line}, err
	case "filter":
		f, err := p.filter(nil, true)
		if err != nil {
			return nil, err
		}
		body, _, err := p.block("endfilter")
		return &filterStmt{filter: f.(*filterExpr), body: body, line: t.line}, err
	case "with":
		return p.withTag(t.line)
	case "print":
		out := &outputStmt{}
		for !p.is(blockEnd) {
			if len(out.parts) > 0 {
				if _, err := p.expect(","); err != nil {
					return nil, err
				}
			}
			e, err := p.expression(true)
			if err != nil {
				return nil, err
			}
			out.parts, out.lines = append(out.parts, e), append(out.lines, t.line)
		}
		return out, nil
	case "break":
		return &breakStmt{t.line}, nil
	case "continue":
		return &continueStmt{t.line}, nil
	case "block", "extends", "include", "import", "from", "autoescape":
		return nil, at(errorf(Unsupported, "the tag %s; a chat template is one file", t.text), t.line)
	}
	return nil, at(errorf(Syntax, "Encountered unknown tag '%s'.", t.text), t.line)
}

func (p *parser) forTag(line int) (stmt, error) {
	f := &forStmt{line: line}
	var err error
	if f.target, err = p.target(false, "in"); err != nil {
		return nil, err
	}
	if err := p.expectName("in"); err != nil {
		return nil, err
	}
	if f.in, err = p.tuple(tupleRules{noCond: true, end: "recursive"}); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if f.test, err = p.expression(true); err != nil {
			return nil, err
		}
	}
	f.recursive = p.skipName("recursive")
	var end string
	if f.body, end, err = p.block("endfor", "else"); err != nil {
		return nil, err
	}
	if end == "else" {
		f.els, _, err = p.block("endfor")
	}
	return f, err
}

func (p *parser) ifTag(line int) (stmt, error) {
	s := &ifStmt{line: line}
	for {
		test, err := p.tuple(tupleRules{noCond: true})
		if err != nil {
			return nil, err
		}
		body, end, err := p.block("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		s.tests, s.bodies = append(s.tests, test), append(s.bodies, body)
		switch end {
		case "else":
			s.els, _, err = p.block("endif")
			return s, err
		case "endif":
			return s, nil
		}
	}
}

func (p *parser) setTag(line int) (stmt, error) {
	target, err := p.target(true, "")
	if err != nil {
		return nil, err
	}
	if p.skip("=") {
		v, err := p.tuple(tupleRules{})
		return &setStmt{target: target, value: v, line: line}, err
	}
	s := &setBlock{target: target, line: line}
	f, err := p.filter(nil, false)
	if err != nil {
		return nil, err
	}
	if f != nil {
		s.filter = f.(*filterExpr)
	}
	s.body, _, err = p.block("endset")
	return s, err
}

func (p *parser) withTag(line int) (stmt, error) {
	s := &withStmt{line: line}
	for !p.is(blockEnd) && !p.is(":") {
		if len(s.targets) > 0 {
			if _, err := p.expect(","); err != nil {
				return nil, err
			}
		}
		target, err := p.target(false, "")
		if err != nil {
			return nil, err
		}
		if _, err := p.expect("="); err != nil {
			return nil, err
		}
		v, err := p.expression(true)
		if err != nil {
			return nil, err
		}
		s.targets, s.values = append(s.targets, target), append(s.values, v)
	}
	var err error
	s.body, _, err = p.block("endwith")
	return s, err
}

func (p *parser) macroTag(line int) (stmt, error) {
	name, err := p.storedName()
	if err != nil {
		return nil, err
	}
	d := &macroDef{name: name, line: line}
	if err := p.signature(d); err != nil {
		return nil, err
	}
	d.body, _, err = p.block("endmacro")
	return &macroStmt{d}, err
}

func (p *parser) callTag(line int) (stmt, error) {
	d := &macroDef{name: "caller", line: line}
	if p.is("(") {
		if err := p.signature(d); err != nil {
			return nil, err
		}
	}
	e, err := p.expression(true)
	if err != nil {
		return nil, err
	}
	call, ok := e.(*callExpr)
	if !ok {
		return nil, at(errorf(Syntax, "expected call"), line)
	}
	d.body, _, err = p.block("endcall")
	return &callStmt{def: d, call: call, line: line}, err
}

// signature reads the parameters of a macro or call block.
func (p *parser) signature(d *macroDef) error {
	if _, err := p.expect("("); err != nil {
		return err
	}
	for !p.is(")") {
		if len(d.params) > 0 {
			if _, err := p.expect(","); err != nil {
				return err
			}
		}
		name, err := p.storedName()
		if err != nil {
			return err
		}
		if p.skip("=") {
			e, err := p.expression(true)
			if err != nil {
				return err
			}
			d.defaults = append(d.defaults, e)
		} else if len(d.defaults) > 0 {
			return p.fail("non-default argument follows default argument")
		}
		d.params = append(d.params, name)
	}
	p.next()
	return nil
}

func (p *parser) storedName() (string, error) {
	t, err := p.expect("name")
	if err != nil {
		return "", err
	}
	return t.text, checkTarget(&nameExpr{t.text}, t.line)
}

// target reads what can be assigned to; with fields a namespace's field too.
func (p *parser) target(fields bool, end string) (expr, error) {
	line := p.cur().line
	e, err := p.tuple(tupleRules{simple: true, fields: fields, end: end})
	if err != nil {
		return nil, err
	}
	return e, checkTarget(e, line)
}

func checkTarget(e expr, line int) error {
	switch e := e.(type) {
	case *nameExpr:
		switch e.name {
		case "true", "false", "none", "True", "False", "None":
		default:
			return nil
		}
	case *fieldTarget:
		return nil
	case *tupleExpr:
		for _, i := range e.items {
			if err := checkTarget(i, line); err != nil {
				return err
			}
		}
		return nil
	}
	return at(errorf(Syntax, "can't assign to it"), line)
}
