package spec

import (
	"strings"
	"testing"
)

func TestResolveReportsEveryMistakeWithItsPath(t *testing.T) {
	s := Schema{Params: []Param{
		{Name: "rank", Type: "int", Default: 8, Min: At(1), Max: At(512)},
		{Name: "schedule", Type: "string", Default: "linear", Choices: []string{"linear", "cosine"}},
		{Name: "targets", Type: "strings", Default: []string{"q_proj"}},
	}}
	_, ds := s.Resolve("params", map[string]any{"rank": 0, "rnak": 3, "schedule": "step"})
	got := ds.Error()
	for _, want := range []string{"params.rank: 0 is out of range", "params.rnak: unknown parameter; did you mean rank? the method has: rank, schedule, targets", `params.schedule: "step" is not a choice`} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in:\n%s", want, got)
		}
	}
	p, ds := s.Resolve("params", map[string]any{"rank": 4.0, "targets": []any{"a", "b"}})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if p.Int("rank") != 4 || p.String("schedule") != "linear" || strings.Join(p.Strings("targets"), " ") != "a b" {
		t.Errorf("resolved to %v", p)
	}
}

func TestHashIgnoresKeyOrderAndKeepsNumbers(t *testing.T) {
	a, err := Hash(map[string]any{"b": 1, "a": "<&>"})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Hash(struct {
		A string `json:"a"`
		B int    `json:"b"`
	}{"<&>", 1})
	if a != b {
		t.Errorf("equal content, different hashes %s %s", a, b)
	}
	if c, _ := Hash(map[string]any{"b": 2, "a": "<&>"}); c == a {
		t.Error("different content, equal hash")
	}
}

func TestStreamsAreIndependentAndFixed(t *testing.T) {
	a, b := Stream(42, StreamInit).Uint64(), Stream(42, StreamData).Uint64()
	if a == b || a != Stream(42, StreamInit).Uint64() || a == Stream(43, StreamInit).Uint64() {
		t.Errorf("streams repeat or collide: %d %d", a, b)
	}
}
