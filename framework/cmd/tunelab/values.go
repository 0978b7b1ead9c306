package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parseParams reads key=value pairs; a value is what YAML makes of it, so that
// 8, 1e-3, true and [q_proj, v_proj] have their types. A text that is no YAML
// value of another type stays a text.
func parseParams(flag string, pairs []string) (map[string]any, error) {
	out := map[string]any{}
	for _, p := range pairs {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("%s %q: expected key=value, such as rank=8", flag, p)
		}
		if _, twice := out[k]; twice {
			return nil, fmt.Errorf("%s %s: given twice", flag, k)
		}
		var value any
		if err := yaml.Unmarshal([]byte(v), &value); err != nil || value == nil {
			value = v
		}
		out[k] = value
	}
	return out, nil
}

// parseMethod reads NAME or NAME:key=value;key=value, with an optional label
// before it, "LABEL=NAME:...".
func parseMethod(s string) (label, name string, params map[string]any, err error) {
	head, rest, _ := strings.Cut(s, ":")
	name = head
	if l, n, ok := strings.Cut(head, "="); ok {
		label, name = l, n
	}
	var pairs []string
	for _, p := range strings.Split(rest, ";") {
		if p != "" {
			pairs = append(pairs, p)
		}
	}
	params, err = parseParams("--method "+name, pairs)
	return label, name, params, err
}
