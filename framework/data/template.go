package data

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Template is a text with places for a row's fields.
//
//	{field}            the field's value; {a.b} and {a.0} reach into objects and lists
//	{field|f|g:ARG}    passed through filters, see [Filters]
//	{?field}...{/field} only when the field is not empty
//	{^field}...{/field} only when the field is empty
//	[[ ... {field} ... ]] only when every field named inside is non-empty
//	{{ and }}          the braces themselves; [[[[ is two square brackets
//
// A ]] outside a section is text.
type Template struct {
	name  string // of the task's field, for errors
	nodes []node
}

type node struct {
	text    string // literal, when path is ""
	path    string
	filters []filter
	section byte // '?', '^', '[' for [[ ]], or 0 for a value
	inner   []node
}

// ParseTemplate reads a template; name stands in its errors ("prompt").
func ParseTemplate(name, src string) (*Template, error) {
	p := parser{name: name, src: src}
	nodes, err := p.nodes("")
	if err != nil {
		return nil, err
	}
	return &Template{name: name, nodes: nodes}, nil
}

type parser struct {
	name, src string
	pos       int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return fmt.Errorf("template %s, character %d: %s", p.name, at+1, fmt.Sprintf(format, args...))
}

// nodes parses up to the end, or up to the {/open} that closes a section.
func (p *parser) nodes(open string) ([]node, error) {
	start := p.pos
	var out []node
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			out = append(out, node{text: lit.String()})
			lit.Reset()
		}
	}
	for p.pos < len(p.src) {
		c, at := p.src[p.pos], p.pos
		switch {
		case strings.HasPrefix(p.src[at:], "[[[["):
			lit.WriteString("[[")
			p.pos += 4
			continue
		case strings.HasPrefix(p.src[at:], "[[") && open != bracket:
			flush()
			n, err := p.optional(at)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
			continue
		case strings.HasPrefix(p.src[at:], "[["):
			return nil, p.fail(at, "[[ inside [[ ]]; sections of this kind do not nest")
		case open == bracket && strings.HasPrefix(p.src[at:], bracket):
			p.pos += 2
			flush()
			return out, nil
		case c != '{' && c != '}':
			lit.WriteByte(c)
			p.pos++
			continue
		case strings.HasPrefix(p.src[at:], string([]byte{c, c})):
			lit.WriteByte(c)
			p.pos += 2
			continue
		case c == '}':
			return nil, p.fail(at, "a } that closes nothing; write }} for the brace itself")
		}
		end := strings.IndexByte(p.src[at:], '}')
		if end < 0 {
			return nil, p.fail(at, "a { that is not closed; write {{ for the brace itself")
		}
		body := p.src[at+1 : at+end]
		p.pos = at + end + 1
		flush()
		if name, ok := strings.CutPrefix(body, "/"); ok {
			if open == "" || strings.TrimSpace(name) != open {
				return nil, p.fail(at, "{%s} closes no open section", body)
			}
			return out, nil
		}
		n, err := p.field(at, body)
		if err != nil {
			return nil, err
		}
		if n.section != 0 {
			if n.inner, err = p.nodes(n.path); err != nil {
				return nil, err
			}
		}
		out = append(out, n)
	}
	flush()
	if open == bracket {
		return nil, p.fail(start-2, "[[ is not closed; end the section with ]], or write [[[[ for the brackets themselves")
	}
	if open != "" {
		return nil, p.fail(start, "section %s is not closed; end it with {/%s}", open, open)
	}
	return out, nil
}

// bracket closes an optional section.
const bracket = "]]"

// optional parses a [[ ... ]] section.
func (p *parser) optional(at int) (n node, err error) {
	p.pos = at + 2
	n.section = '['
	if n.inner, err = p.nodes(bracket); err != nil {
		return n, err
	}
	if len((&Template{nodes: n.inner}).Fields()) == 0 {
		return n, p.fail(at, "[[ ]] names no field that could be empty; write [[[[ for the brackets themselves")
	}
	return n, nil
}

// field parses what stands between two braces.
func (p *parser) field(at int, body string) (node, error) {
	var n node
	if body != "" && (body[0] == '?' || body[0] == '^') {
		n.section, body = body[0], body[1:]
	}
	parts := strings.Split(body, "|")
	n.path = strings.TrimSpace(parts[0])
	if n.path == "" || strings.ContainsAny(n.path, "{\n") {
		return n, p.fail(at, "{%s} names no field; write {{ and }} for braces themselves", body)
	}
	for _, f := range parts[1:] {
		parsed, err := parseFilter(f)
		if err != nil {
			return n, p.fail(at, "{%s}: %v", body, err)
		}
		n.filters = append(n.filters, parsed)
	}
	if n.section != 0 && len(n.filters) > 0 {
		return n, p.fail(at, "{%c%s}: a section takes no filters", n.section, body)
	}
	return n, nil
}

// Render fills in a row's fields. It fails for a field the row does not have,
// for a list or object without a filter that makes it text, and where a filter
// finds nothing.
func (t *Template) Render(fields map[string]any) (string, error) {
	var b strings.Builder
	if err := t.render(&b, t.nodes, fields); err != nil {
		return "", fmt.Errorf("template %s: %w", t.name, err)
	}
	return b.String(), nil
}

func (t *Template) render(b *strings.Builder, nodes []node, fields map[string]any) error {
	for _, n := range nodes {
		if n.section == '[' {
			if filled(n.inner, fields) {
				if err := t.render(b, n.inner, fields); err != nil {
					return err
				}
			}
			continue
		}
		if n.path == "" {
			b.WriteString(n.text)
			continue
		}
		v, ok := lookup(fields, n.path)
		if n.section != 0 {
			if (ok && !empty(v)) == (n.section == '?') {
				if err := t.render(b, n.inner, fields); err != nil {
					return err
				}
			}
			continue
		}
		if !ok {
			return fmt.Errorf("unknown field %q; the row has %s", n.path, names(fields))
		}
		for _, f := range n.filters {
			var err error
			if v, err = f.apply(v); err != nil {
				return fmt.Errorf("field %s, filter %s: %w", n.path, f.name, err)
			}
		}
		s, err := text(v)
		if err != nil {
			return fmt.Errorf("field %s: %w", n.path, err)
		}
		b.WriteString(s)
	}
	return nil
}

// filled says whether every field that an optional section names is there and
// not empty.
func filled(nodes []node, fields map[string]any) bool {
	for _, path := range (&Template{nodes: nodes}).Fields() {
		if v, ok := lookup(fields, path); !ok || empty(v) {
			return false
		}
	}
	return true
}

// lookup finds a field by its name, or by a path of names and list indices
// joined by dots when no field has the whole path as its name.
func lookup(fields map[string]any, path string) (any, bool) {
	if v, ok := fields[path]; ok {
		return v, true
	}
	var v any = fields
	for _, part := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[part]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func empty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(x) == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}

// text is a scalar as a template shows it; null is the empty text.
func text(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case json.Number:
		return x.String(), nil
	case []any:
		return "", fmt.Errorf("it is a list; add |join:SEPARATOR or name one element, as in {field.0}")
	case map[string]any:
		return "", fmt.Errorf("it is an object with %s; name one, as in {field.name}", names(x))
	}
	return "", fmt.Errorf("a value of type %T cannot be shown", v)
}
