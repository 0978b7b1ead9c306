package gen

import "strings"

var countable = strings.Fields("apple pear plum orange lemon peach banana cherry dog cat horse cow pig bird box bag basket bowl crate chair table lamp book cup door boy girl teacher doctor friend egg cake")

// plural makes the plural of a regular noun.
func plural(w string) string {
	switch {
	case strings.HasSuffix(w, "x"), strings.HasSuffix(w, "ch"), strings.HasSuffix(w, "s"), strings.HasSuffix(w, "sh"):
		return w + "es"
	case strings.HasSuffix(w, "y") && !strings.ContainsAny(w[len(w)-2:len(w)-1], "aeiou"):
		return w[:len(w)-1] + "ies"
	}
	return w + "s"
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}
