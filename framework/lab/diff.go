package lab

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tunelab/tunelab/tracking"
)

// Diff is what tells two runs apart.
type Diff struct {
	A       tracking.Run `json:"a"`
	B       tracking.Run `json:"b"`
	Spec    []Change     `json:"spec"`              // fields of the spec, parameters included
	Scores  []Change     `json:"scores"`            // "task metric"
	Around  []string     `json:"around"`            // hashes, code and machine
	Numbers string       `json:"numbers,omitempty"` // the first metric, answer, score or artifact that differs; empty: bit-identical
}

// Change is one value in two runs; nil where a run has none.
type Change struct {
	Name string `json:"name"`
	A    any    `json:"a"`
	B    any    `json:"b"`
}

// Diff compares two recorded runs.
func (l *Lab) Diff(ctx context.Context, a, b string) (*Diff, error) {
	d := &Diff{Spec: []Change{}, Scores: []Change{}}
	var err error
	if d.A, err = l.Store.GetRun(ctx, a); err != nil {
		return nil, err
	}
	if d.B, err = l.Store.GetRun(ctx, b); err != nil {
		return nil, err
	}
	var sides [2]map[string]any
	for i, r := range []tracking.Run{d.A, d.B} {
		var tree any
		if err := json.Unmarshal(r.SpecJSON, &tree); err != nil {
			return nil, err
		}
		sides[i] = map[string]any{}
		flatten("", tree, sides[i])
	}
	d.Spec = changes(sides[0], sides[1])
	for i, id := range []string{d.A.ID, d.B.ID} {
		scores, err := l.Store.Scores(ctx, id)
		if err != nil {
			return nil, err
		}
		sides[i] = map[string]any{}
		for _, s := range scores {
			sides[i][s.Task+" "+s.Metric] = s.Value
		}
	}
	d.Scores = changes(sides[0], sides[1])
	d.Around = surroundings(d.A, d.B)
	d.Numbers, err = l.firstDifference(ctx, d.A.ID, d.B.ID, &Replayed{})
	return d, err
}

func changes(a, b map[string]any) []Change {
	out := []Change{}
	names := append(sortedKeys(a), sortedKeys(b)...)
	slices.Sort(names)
	for _, k := range slices.Compact(names) {
		if a[k] != b[k] {
			out = append(out, Change{k, a[k], b[k]})
		}
	}
	return out
}

// flatten writes the leaves of a JSON tree by their dotted path.
func flatten(path string, v any, out map[string]any) {
	m, ok := v.(map[string]any)
	if !ok {
		if list, isList := v.([]any); isList {
			raw, _ := json.Marshal(list) // it was JSON just now
			v = string(raw)
		}
		out[path] = v
		return
	}
	for k, child := range m {
		if path != "" {
			k = path + "." + k
		}
		flatten(k, child, out)
	}
}
