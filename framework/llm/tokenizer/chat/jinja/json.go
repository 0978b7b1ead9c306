package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// FromJSON reads a value as Python's json.loads does: objects keep the order
// of their keys, 1 is an integer and 1.0 a float. (Half a surrogate pair in a
// string, which no tokenizer could encode, becomes U+FFFD.)
func FromJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more text after the value")
	}
	return v, nil
}

func readJSON(d *json.Decoder, depth int) (any, error) {
	if depth > deepest {
		return nil, errTooDeep()
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		return jsonNumber(string(t))
	case json.Delim:
		if t == '[' {
			l := &List{}
			for d.More() {
				v, err := readJSON(d, depth+1)
				if err != nil {
					return nil, err
				}
				l.Items = append(l.Items, v)
			}
			_, err = d.Token()
			return l, err
		}
		o := &Dict{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			o.Set(k.(string), v)
		}
		_, err = d.Token()
		return o, err
	}
	return t, nil // nil, bool, string
}

func jsonNumber(s string) (any, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, err
		}
		return f, nil
	}
	const longest = 4300 // digits, as Python's own limit
	i, ok := new(big.Int).SetString(s, 10)
	if !ok || len(s) > longest {
		return nil, fmt.Errorf("the number %.40s cannot be read", s)
	}
	return norm(i), nil
}

// jsonWriter is Python's json.dumps.
type jsonWriter struct {
	p         printer
	ascii     bool
	indent    string
	lines     bool // each item on its own line
	item, key string
	sorted    bool
	run       *run
}

func (r *run) toJSON(a []any) (any, error) {
	w := &jsonWriter{p: printer{max: r.limits.Memory - r.memory}, ascii: boolArg(a[1]), item: ", ", key: ": ", sorted: boolArg(a[4]), run: r}
	if a[2] != missing && a[2] != nil {
		w.lines, w.item = true, ","
		if s, ok := text(a[2]); ok {
			w.indent = s
		} else {
			n, err := intArg(a[2], 0)
			if err != nil {
				return nil, err
			}
			if n > widest {
				return nil, errorf(Limit, "an indent of more than %d", widest)
			}
			w.indent = strings.Repeat(" ", max(n, 0))
		}
	}
	if a[3] != missing && a[3] != nil {
		pair, err := r.items(a[3])
		if err != nil {
			return nil, err
		}
		if len(pair) != 2 {
			return nil, errorf(ValueError, "separators takes two texts")
		}
		for i, to := range []*string{&w.item, &w.key} {
			if *to, err = textArg(pair[i]); err != nil {
				return nil, err
			}
		}
	}
	if err := w.value(a[0], 0); err != nil {
		return nil, err
	}
	return r.growText(w.p.b.String(), nil)
}

func (w *jsonWriter) value(v any, depth int) error {
	if depth > deepest {
		return errTooDeep()
	}
	switch v := v.(type) {
	case nil:
		return w.p.write("null")
	case bool:
		return w.p.write(strconv.FormatBool(v))
	case int64, *big.Int:
		return w.p.value(v, 0)
	case float64:
		return w.p.write(jsonFloat(v))
	case string:
		return w.quote(v)
	case markup:
		return w.quote(string(v))
	case *List:
		return w.list(v.Items, depth)
	case *tuple:
		return w.list(v.items, depth)
	case *Dict:
		return w.dict(v, depth)
	}
	return errorf(TypeError, "Object of type %s is not JSON serializable", typeName(v))
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatText(f)
}

// between writes what stands before item i of a list or dict.
func (w *jsonWriter) between(i, depth int) error {
	if i > 0 {
		if err := w.p.write(w.item); err != nil {
			return err
		}
	}
	return w.newline(depth + 1)
}

func (w *jsonWriter) newline(depth int) error {
	if !w.lines {
		return nil
	}
	if len(w.indent)*depth > w.p.max {
		return errorf(Limit, "more than %d bytes of text", w.p.max)
	}
	return w.p.write("\n" + strings.Repeat(w.indent, depth))
}

func (w *jsonWriter) list(items []any, depth int) error {
	if len(items) == 0 {
		return w.p.write("[]")
	}
	if err := w.p.write("["); err != nil {
		return err
	}
	for i, v := range items {
		if err := w.between(i, depth); err != nil {
			return err
		}
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	if err := w.newline(depth); err != nil {
		return err
	}
	return w.p.write("]")
}

func (w *jsonWriter) dict(d *Dict, depth int) error {
	if d.Len() == 0 {
		return w.p.write("{}")
	}
	pairs := make([]any, d.Len())
	for i, k := range d.keys {
		pairs[i] = &tuple{[]any{k, d.values[i]}}
	}
	if w.sorted {
		var err error
		if pairs, err = w.run.sortBy(pairs, d.keys, false); err != nil {
			return err
		}
	}
	if err := w.p.write("{"); err != nil {
		return err
	}
	for i, pair := range pairs {
		if err := w.between(i, depth); err != nil {
			return err
		}
		kv := pair.(*tuple).items
		k, err := jsonKey(kv[0])
		if err != nil {
			return err
		}
		if err := w.quote(k); err != nil {
			return err
		}
		if err := w.p.write(w.key); err != nil {
			return err
		}
		if err := w.value(kv[1], depth+1); err != nil {
			return err
		}
	}
	if err := w.newline(depth); err != nil {
		return err
	}
	return w.p.write("}")
}

func jsonKey(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return jsonFloat(v), nil
	case string, markup, int64, *big.Int:
		return str(v)
	}
	return "", errorf(TypeError, "keys must be str, int, float, bool or None, not %s", typeName(v))
}

func (w *jsonWriter) quote(s string) error {
	return w.p.escaped(s, '"', func(c rune) string {
		switch {
		case c == '"' || c == '\\':
			return `\` + string(c)
		case c < 0x20 && strings.ContainsRune("\n\r\t\b\f", c):
			return `\` + string("nrtbf"[strings.IndexRune("\n\r\t\b\f", c)])
		case c < 0x20 || w.ascii && c > 0x7e && c <= 0xffff:
			return fmt.Sprintf(`\u%04x`, c)
		case w.ascii && c > 0xffff:
			return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+(c-0x10000)>>10, 0xdc00+(c-0x10000)&0x3ff)
		}
		return ""
	})
}
