package tokenizer

import (
	"encoding/json"
	"fmt"
)

// component is a part of tokenizer.json: an object with a type, whose options
// are read later by the code that knows the type.
type component struct {
	path  string // for messages, "decoder.decoders[2]"
	kind  string
	raw   json.RawMessage
	depth int // of Sequences around it

	regexps *int // compiled so far for the component and the Sequence it is in
}

// maxDepth of Sequences in each other: every level holds its part of the file
// once more.
const maxDepth = 8

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
	return component{path: path, kind: head.Type, raw: raw, regexps: new(int)}, true, nil
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
	if c.depth == maxDepth {
		return nil, fmt.Errorf("%s: Sequences nested more than %d deep", c.path, maxDepth)
	}
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
			part.depth, part.regexps = c.depth+1, c.regexps
			out = append(out, part)
		}
	}
	return out, nil
}

// unsupported names what this package does not know.
func (c component) unsupported(known string) error {
	return fmt.Errorf("%s: component %q is not supported; supported are %s", c.path, c.kind, known)
}

// maxGrowth is how many times longer than a text a file may make it, in the
// worst case of every stage. ALBERT's is 544; without a limit a few replacements
// of a by aa would ask for any amount of memory.
const maxGrowth = 10_000

func (c component) checkGrowth(times float64) error {
	if times > maxGrowth {
		return fmt.Errorf("%s (%s): would make a text up to %.3g times longer, more than the %d allowed", c.path, c.kind, times, maxGrowth)
	}
	return nil
}
