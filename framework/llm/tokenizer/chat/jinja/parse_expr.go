package jinja

// tupleRules say what may stand in a list of expressions without brackets.
type tupleRules struct {
	simple bool   // only names, literals and brackets: a target
	fields bool   // with simple: also name.field
	noCond bool   // no inline if at the top
	end    string // a name that ends it, beside the tag's end and )
	empty  bool   // () is a tuple
}

func (p *parser) tuple(rules tupleRules) (expr, error) {
	var items []expr
	isTuple := false
	for {
		if len(items) > 0 {
			if _, err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if p.is(printEnd) || p.is(blockEnd) || p.is(")") || rules.end != "" && p.isName(rules.end) {
			break
		}
		var e expr
		var err error
		if rules.simple {
			e, err = p.primary(rules.fields)
		} else {
			e, err = p.expression(!rules.noCond)
		}
		if err != nil {
			return nil, err
		}
		items = append(items, e)
		if !p.is(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if len(items) > 0 {
			return items[0], nil
		}
		if !rules.empty {
			return nil, p.fail("Expected an expression, got '%s'", describe(p.cur()))
		}
	}
	return &tupleExpr{items}, nil
}

func (p *parser) expression(withCond bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if !withCond {
		return p.or()
	}
	line := p.cur().line
	e, err := p.or()
	for err == nil && p.skipName("if") {
		c := &condExpr{then: e, line: line}
		if c.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.skipName("else") {
			c.els, err = p.expression(true)
		}
		e, line = c, p.cur().line
	}
	return e, err
}

func (p *parser) or() (expr, error) {
	a, err := p.and()
	for err == nil && p.skipName("or") {
		var b expr
		b, err = p.and()
		a = &orExpr{a, b}
	}
	return a, err
}

func (p *parser) and() (expr, error) {
	a, err := p.not()
	for err == nil && p.skipName("and") {
		var b expr
		b, err = p.not()
		a = &andExpr{a, b}
	}
	return a, err
}

func (p *parser) not() (expr, error) {
	n := 0
	for p.skipName("not") {
		n++
	}
	e, err := p.compare()
	for range min(n, 2-n%2) { // not not not x is not x
		e = &notExpr{e}
	}
	return e, err
}

func (p *parser) compare() (expr, error) {
	line := p.cur().line
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := &compareExpr{first: first, line: line}
	for {
		op := p.cur().kind
		switch {
		case op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=":
			p.next()
		case p.skipName("in"):
			op = "in"
		case p.isName("not") && p.look().kind == "name" && p.look().text == "in":
			p.next()
			p.next()
			op = "notin"
		case len(c.ops) == 0:
			return first, nil
		default:
			return c, nil
		}
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, e)
	}
}

func (p *parser) sum() (expr, error) {
	return p.binary(p.concat, "+", "-")
}

func (p *parser) product() (expr, error) {
	return p.binary(p.power, "*", "/", "//", "%")
}

// power associates to the left here, as Jinja parses it.
func (p *parser) power() (expr, error) {
	return p.binary(func() (expr, error) { return p.unary(true) }, "**")
}

func (p *parser) binary(operand func() (expr, error), ops ...string) (expr, error) {
	line := p.cur().line
	a, err := operand()
	for err == nil {
		op := p.cur().kind
		found := false
		for _, o := range ops {
			found = found || o == op
		}
		if !found {
			break
		}
		p.next()
		var b expr
		b, err = operand()
		a = &binaryExpr{op: op, a: a, b: b, line: line}
	}
	return a, err
}

func (p *parser) concat() (expr, error) {
	e, err := p.product()
	if err != nil || !p.is("~") {
		return e, err
	}
	items := []expr{e}
	for p.skip("~") {
		if e, err = p.product(); err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	return &concatExpr{items}, nil
}

func (p *parser) unary(withFilter bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var e expr
	var err error
	if op := p.cur().kind; op == "-" || op == "+" {
		p.next()
		e, err = p.unary(false)
		e = &unaryExpr{op, e}
	} else {
		e, err = p.primary(false)
	}
	if err != nil {
		return nil, err
	}
	if e, err = p.postfix(e); err != nil || !withFilter {
		return e, err
	}
	for err == nil {
		switch {
		case p.is("|"):
			e, err = p.filter(e, false)
		case p.isName("is"):
			e, err = p.test(e)
		case p.is("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) primary(fields bool) (expr, error) {
	t := p.cur()
	switch t.kind {
	case "name":
		p.next()
		switch t.text {
		case "true", "True":
			return &constExpr{true}, nil
		case "false", "False":
			return &constExpr{false}, nil
		case "none", "None":
			return &constExpr{nil}, nil
		}
		if fields && p.skip(".") {
			f, err := p.expect("name")
			return &fieldTarget{t.text, f.text}, err
		}
		return &nameExpr{t.text}, nil
	case "string":
		s := ""
		for p.is("string") {
			s += p.next().text
		}
		return &constExpr{s}, nil
	case "integer", "float":
		p.next()
		return &constExpr{t.num}, nil
	case "(":
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		p.next()
		e, err := p.tuple(tupleRules{empty: true})
		if err == nil {
			_, err = p.expect(")")
		}
		return e, err
	case "[":
		p.next()
		items, err := p.list("]", func() (expr, error) { return p.expression(true) })
		return &listExpr{items}, err
	case "{":
		p.next()
		d := &dictExpr{}
		_, err := p.list("}", func() (expr, error) {
			k, err := p.expression(true)
			if err != nil {
				return nil, err
			}
			if _, err := p.expect(":"); err != nil {
				return nil, err
			}
			v, err := p.expression(true)
			d.keys, d.values = append(d.keys, k), append(d.values, v)
			return nil, err
		})
		return d, err
	}
	return nil, p.fail("unexpected '%s'", describe(t))
}

// list reads items up to the closing bracket; a comma may end them.
func (p *parser) list(end string, item func() (expr, error)) ([]expr, error) {
	var items []expr
	for !p.is(end) {
		if len(items) > 0 {
			if _, err := p.expect(","); err != nil {
				return nil, err
			}
			if p.is(end) {
				break
			}
		}
		e, err := item()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	p.next()
	return items, nil
}

// postfix reads attributes, subscripts and calls.
func (p *parser) postfix(e expr) (expr, error) {
	var err error
	for err == nil {
		switch {
		case p.skip("."):
			t := p.next()
			switch t.kind {
			case "name":
				e = &attrExpr{e, t.text}
			case "integer":
				e = &itemExpr{e, &constExpr{t.num}}
			default:
				return nil, at(errorf(Syntax, "expected name or number"), t.line)
			}
		case p.skip("["):
			var keys []expr
			for !p.is("]") {
				if len(keys) > 0 {
					if _, err := p.expect(","); err != nil {
						return nil, err
					}
				}
				k, err := p.subscript()
				if err != nil {
					return nil, err
				}
				keys = append(keys, k)
			}
			p.next()
			if len(keys) == 1 {
				e = &itemExpr{e, keys[0]}
			} else {
				e = &itemExpr{e, &tupleExpr{keys}}
			}
		case p.is("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
	}
	return nil, err
}

// subscript reads a key or a slice.
func (p *parser) subscript() (expr, error) {
	part := func() (expr, error) {
		if p.is(":") || p.is("]") || p.is(",") {
			return nil, nil
		}
		return p.expression(true)
	}
	start, err := part()
	if err != nil {
		return nil, err
	}
	if !p.skip(":") {
		if start == nil {
			return nil, p.fail("unexpected '%s'", describe(p.cur()))
		}
		return start, nil
	}
	s := &sliceExpr{start: start}
	if s.stop, err = part(); err != nil {
		return nil, err
	}
	if p.skip(":") {
		s.step, err = part()
	}
	return s, err
}

func (p *parser) call(fn expr) (expr, error) {
	line := p.cur().line
	a, err := p.arguments()
	return &callExpr{fn: fn, args: a, line: line}, err
}

func (p *parser) arguments() (arguments, error) {
	var a arguments
	p.next()
	_, err := p.list(")", func() (e expr, err error) {
		ok := true
		switch {
		case p.skip("*"):
			ok = a.star == nil && a.starStars == nil
			a.star, err = p.expression(true)
		case p.skip("**"):
			ok = a.starStars == nil
			a.starStars, err = p.expression(true)
		case p.is("name") && p.look().kind == "=":
			ok = a.starStars == nil
			a.names = append(a.names, p.next().text)
			p.next()
			e, err = p.expression(true)
			a.kwargs = append(a.kwargs, e)
		default:
			ok = a.star == nil && a.starStars == nil && len(a.names) == 0
			e, err = p.expression(true)
			a.args = append(a.args, e)
		}
		if err == nil && !ok {
			err = p.fail("invalid syntax for function call expression")
		}
		return nil, err
	})
	return a, err
}

// name reads the name of a filter or test, which may have dots.
func (p *parser) name() (token, error) {
	t, err := p.expect("name")
	for err == nil && p.skip(".") {
		var more token
		more, err = p.expect("name")
		t.text += "." + more.text
	}
	return t, err
}

// filter reads the filters that follow e; with inline the first has no |.
func (p *parser) filter(e expr, inline bool) (expr, error) {
	for inline || p.skip("|") {
		inline = false
		t, err := p.name()
		if err != nil {
			return nil, err
		}
		f := &filterExpr{of: e, name: t.text, line: t.line}
		if p.is("(") {
			if f.args, err = p.arguments(); err != nil {
				return nil, err
			}
		}
		e = f
	}
	return e, nil
}

func (p *parser) test(e expr) (expr, error) {
	line := p.next().line
	negated := p.skipName("not")
	t, err := p.name()
	if err != nil {
		return nil, err
	}
	test := &testExpr{of: e, name: t.text, line: line}
	switch c := p.cur(); {
	case c.kind == "(":
		test.args, err = p.arguments()
	case c.kind == "string" || c.kind == "integer" || c.kind == "float" || c.kind == "[" || c.kind == "{",
		c.kind == "name" && c.text != "else" && c.text != "or" && c.text != "and":
		if p.isName("is") {
			return nil, p.fail("You cannot chain multiple tests with is")
		}
		var arg expr
		if arg, err = p.primary(false); err == nil {
			arg, err = p.postfix(arg)
		}
		test.args.args = []expr{arg}
	}
	if negated {
		return &notExpr{test}, err
	}
	return test, err
}
