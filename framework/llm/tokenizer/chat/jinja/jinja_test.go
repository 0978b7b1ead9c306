package jinja

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

// refused are tags for which Python says that no loader is there; here they are
// refused by name.
var refused = []string{"{% extends 'x' %}", "{% include 'x' %}", "{% import 'x' as y %}"}

// The cases come from testdata/make_expressions.py: what transformers' Jinja
// environment gives for each template, or the exception that it raises.
func TestExpressions(t *testing.T) {
	raw, err := os.ReadFile("testdata/expressions.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Now   string
		Vars  map[string]json.RawMessage
		Cases [][2]json.RawMessage
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse("2006-01-02T15:04:05.999999", file.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		vars := map[string]any{}
		for k, v := range file.Vars {
			if vars[k], err = FromJSON(v); err != nil {
				t.Fatal(err)
			}
		}
		var source, want string
		if err := json.Unmarshal(c[0], &source); err != nil {
			t.Fatal(err)
		}
		got, err := render(source, vars, Options{Now: func() time.Time { return now }})
		if json.Unmarshal(c[1], &want) == nil {
			if err != nil || got != want {
				t.Errorf("%q\n got %q (%v)\nwant %q", source, got, err, want)
			}
			continue
		}
		var fault struct{ Kind, Message string }
		if err := json.Unmarshal(c[1], &fault); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(refused, source) {
			fault.Kind = Unsupported
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q\n got %q (%v)\nwant %s: %s", source, got, err, fault.Kind, fault.Message)
			continue
		}
		exact := fault.Kind == Raised || fault.Kind == Undefined || fault.Kind == Security
		if e.Kind != fault.Kind || exact && e.Message != fault.Message {
			t.Errorf("%q\n got %s: %s\nwant %s: %s", source, e.Kind, e.Message, fault.Kind, fault.Message)
		}
	}
}

func render(source string, vars map[string]any, o Options) (string, error) {
	t, err := Parse(source)
	if err != nil {
		return "", err
	}
	return t.Render(vars, o)
}
