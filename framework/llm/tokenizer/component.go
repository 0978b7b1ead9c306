package tokenizer

import (
	"encoding/json"
	"fmt"
)

// component is a part of tokenizer.json: an object with a type, whose options
// are read later by the code that knows the type.
type component struct {
	path string // for messages, "decoder.decoders[2]"
	kind string
	raw  json.RawMessage
}

// newComponent reads the type; ok is false for null or an absent field.
func newComponent(path string, raw json.RawMessage) (c component, ok bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return c, false, nil
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.Type == "" {
		return c, false, fmt.Errorf("%s: expected an object with a type, got %.60s", path, raw)
	}
	return component{path: path, kind: head.Type, raw: raw}, true, nil
}

// options decodes the component's fields into v.
func (c component) options(v any) error {
	if err := json.Unmarshal(c.raw, v); err != nil {
		return fmt.Errorf("%s (%s): %w", c.path, c.kind, err)
	}
	return nil
}

// list reads the parts of a Sequence from the named field.
func (c component) list(field string) ([]component, error) {
	var m map[string]json.RawMessage
	if err := c.options(&m); err != nil {
		return nil, err
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(m[field], &raws); err != nil {
		return nil, fmt.Errorf("%s.%s: expected a list of components", c.path, field)
	}
	var out []component
	for i, raw := range raws {
		part, ok, err := newComponent(fmt.Sprintf("%s.%s[%d]", c.path, field, i), raw)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, part)
		}
	}
	return out, nil
}

// unsupported names what this package does not know.
func (c component) unsupported(known string) error {
	return fmt.Errorf("%s: component %q is not supported; supported are %s", c.path, c.kind, known)
}

// literal is a pattern of a Replace or Split: only fixed strings are known.
type literal struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

func (c component) literal(p literal) (string, error) {
	if p.String == nil || *p.String == "" {
		if p.Regex != nil {
			return "", fmt.Errorf("%s (%s): pattern Regex %q is not supported here; only a non-empty String is", c.path, c.kind, *p.Regex)
		}
		return "", fmt.Errorf("%s (%s): needs a pattern with a non-empty String", c.path, c.kind)
	}
	return *p.String, nil
}
