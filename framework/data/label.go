package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
)

// labelIndex reads a label: the name of one of the options, or else its index
// from 0. A value that is both is taken as the name, so that labels "1" to "5"
// mean the stars they say.
func labelIndex(v any, options []string) (int, error) {
	s, err := text(v)
	if err != nil {
		return 0, err
	}
	s = strings.TrimSpace(s)
	if i := slices.Index(options, s); i >= 0 {
		return i, nil
	}
	i, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("the label %q is not among %s", s, list(options))
	}
	if i < 0 || i >= len(options) {
		return 0, fmt.Errorf("the label %d is outside 0..%d (%s)", i, len(options)-1, list(options))
	}
	return i, nil
}

// findLabels lists the distinct names in the label field of the training rows,
// sorted, for a task that lists no labels itself.
func findLabels(t spec.Task, rows []Row) ([]string, error) {
	var out []string
	numeric := true
	for _, r := range rows {
		v, ok := lookup(r.Fields, t.Label)
		if !ok {
			return nil, fmt.Errorf("%s:%d: label names field %q; the row has %s", r.File, r.Line, t.Label, names(r.Fields))
		}
		s, err := text(v)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: field %s: %w", r.File, r.Line, t.Label, err)
		}
		s = strings.TrimSpace(s)
		if s == "" {
			return nil, fmt.Errorf("%s:%d: field %s: the label is empty", r.File, r.Line, t.Label)
		}
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			numeric = false
		}
		if at, found := slices.BinarySearch(out, s); !found {
			if len(out) == 1000 {
				return nil, fmt.Errorf("%s:%d: field %s has over 1000 different values; is it the label? List labels in the task file if so", r.File, r.Line, t.Label)
			}
			out = slices.Insert(out, at, s)
		}
	}
	if numeric {
		return nil, fmt.Errorf("labels: it is missing, and field %s holds numbers only; list the labels' names in the order of their numbers, so that a prompt can show them", t.Label)
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("field %s has the one value %q in the training rows; a classification task needs two labels or more", t.Label, out[0])
	}
	return out, nil
}

// list shows options in an error message, ten at most.
func list(options []string) string {
	if len(options) > 10 {
		return strings.Join(options[:10], ", ") + fmt.Sprintf(" and %d more", len(options)-10)
	}
	return strings.Join(options, ", ")
}
