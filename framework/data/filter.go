package data

import (
	"fmt"
	"regexp"
	"strings"
)

// Filters are the template filters, with what each does. A filter that does
// not find what it looks for is an error, not an empty text.
var Filters = []struct{ Name, Does string }{
	{"after:X", "what follows the first X, without surrounding white space"},
	{"before:X", "what precedes the first X, without surrounding white space"},
	{"strip_calc", "without GSM8K's <<...>> calculator marks"},
	{"number", "the last number, without thousands commas"},
	{"oneline", "each run of white space as one space"},
	{"trim", "without surrounding white space"},
	{"lower", "in lower case"},
	{"join:X", "a list's elements with X between them"},
}

type filter struct{ name, arg string }

func parseFilter(s string) (filter, error) {
	name, arg, hasArg := strings.Cut(s, ":")
	name = strings.TrimSpace(name)
	var known []string
	for _, f := range Filters {
		n, _, wants := strings.Cut(f.Name, ":")
		known = append(known, f.Name)
		if n != name {
			continue
		}
		if wants != hasArg || (wants && arg == "" && n != "join") {
			return filter{}, fmt.Errorf("filter %q is written %s", s, f.Name)
		}
		return filter{name, arg}, nil
	}
	return filter{}, fmt.Errorf("unknown filter %q; there are %s", name, strings.Join(known, ", "))
}

var (
	// calculator annotations: Cobbe et al. 2021 (arXiv:2110.14168), section 4.3
	calcMarks = regexp.MustCompile(`<<[^<>]*>>`)
	numbers   = regexp.MustCompile(`-?[0-9][0-9,]*(?:\.[0-9]+)?|-?\.[0-9]+`)
)

func (f filter) apply(v any) (any, error) {
	if f.name == "join" {
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("it is not a list")
		}
		parts := make([]string, len(list))
		for i, e := range list {
			s, err := text(e)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			parts[i] = s
		}
		return strings.Join(parts, f.arg), nil
	}
	s, err := text(v)
	if err != nil {
		return nil, err
	}
	switch f.name {
	case "after", "before":
		head, tail, found := strings.Cut(s, f.arg)
		if !found {
			return nil, fmt.Errorf("%q does not contain %q", clip(s, 60), f.arg)
		}
		if f.name == "after" {
			head = tail
		}
		return strings.TrimSpace(head), nil
	case "strip_calc":
		return calcMarks.ReplaceAllString(s, ""), nil
	case "number":
		all := numbers.FindAllString(s, -1)
		if len(all) == 0 {
			return nil, fmt.Errorf("%q has no number", clip(s, 60))
		}
		return strings.ReplaceAll(all[len(all)-1], ",", ""), nil
	case "oneline":
		return strings.Join(strings.Fields(s), " "), nil
	case "trim":
		return strings.TrimSpace(s), nil
	case "lower":
		return strings.ToLower(s), nil
	}
	return nil, fmt.Errorf("no such filter")
}

// clip shortens s to n runes for an error message.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "..."
}
