package data

import (
	"strings"
	"unicode"
)

// NGram is the length in words of the contamination check, and CommonNGram the
// number of training rows above which an n-gram counts as boilerplate and is
// ignored. Brown et al. 2020 (arXiv:2005.14165), appendix C; the limit of 10 as
// NeMo Curator's max_matches.
const (
	NGram       = 13
	CommonNGram = 10
)

// contamination lists the test ids that share an n-gram with a training row.
// Words are runs of letters and digits in lower case. It looks at field values,
// not at rendered prompts, whose fixed words all rows share: the fields shown
// with a test item, and every field that a training row is made of.
func contamination(s *splits, o *Overlap) {
	type gram struct {
		tests []int // indices into s.test
		rows  int   // training rows that have it
		last  int   // 1 + the training row counted last
	}
	grams := map[string]*gram{}
	for i, r := range s.test {
		checked := false
		eachGram(r.item.Fields, func(g string) {
			checked = true
			x := grams[g]
			if x == nil {
				x = &gram{}
				grams[strings.Clone(g)] = x
			}
			if n := len(x.tests); n == 0 || x.tests[n-1] != i {
				x.tests = append(x.tests, i)
			}
		})
		if checked {
			o.NGramChecked++
		}
	}
	if len(grams) == 0 {
		return
	}
	for i, r := range s.train {
		eachGram(r.ex.Fields, func(g string) {
			if x := grams[g]; x != nil && x.last != i+1 {
				x.last = i + 1
				x.rows++
			}
		})
	}
	hit := make([]bool, len(s.test))
	for _, x := range grams { // order does not matter: it only sets marks
		if x.rows > 0 && x.rows <= CommonNGram {
			for _, i := range x.tests {
				hit[i] = true
			}
		}
	}
	for i, r := range s.test {
		if hit[i] {
			o.NGram = append(o.NGram, r.place.ID)
		}
	}
}

// eachGram calls f with every n-gram of every text in v.
func eachGram(v any, f func(string)) {
	switch x := v.(type) {
	case string:
		textGrams(x, f)
	case []any:
		for _, e := range x {
			eachGram(e, f)
		}
	case map[string]any: // the order of calls does not matter to contamination
		for _, e := range x {
			eachGram(e, f)
		}
	}
}

func textGrams(s string, f func(string)) {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) < NGram {
		return
	}
	joined := strings.Join(words, " ")
	start, end := 0, 0
	ends := make([]int, len(words)) // offset after each word
	for i, w := range words {
		end += len(w)
		ends[i] = end
		end++
	}
	for i := NGram - 1; i < len(words); i++ {
		f(joined[start:ends[i]])
		start = ends[i-NGram+1] + 1
	}
}
