package gen

import (
	"strings"
	"testing"
	"unicode"
)

func TestCorpusIsSmallPlainLanguage(t *testing.T) {
	words, kinds := map[string]bool{}, map[string]int{}
	n, longest := 0, 0
	for d := range Documents(1, Train) {
		if n++; n > 20000 {
			break
		}
		kinds[d.Kind]++
		longest = max(longest, len(d.Text))
		if len(d.Text) < 8 {
			t.Errorf("document of %d bytes: %q", len(d.Text), d.Text)
		}
		for _, r := range d.Text {
			if r >= 0x7f || r < ' ' && r != '\n' || r == '{' || r == '%' {
				t.Fatalf("character %q in %q", r, d.Text)
			}
		}
		for _, w := range strings.FieldsFunc(d.Text, func(r rune) bool { return !unicode.IsLetter(r) }) {
			words[strings.ToLower(w)] = true
		}
	}
	if len(words) > 1300 {
		t.Errorf("%d different words; a small model wants at most 1300", len(words))
	}
	if longest > 1400 {
		t.Errorf("a document of %d bytes does not fit a context of 512 tokens", longest)
	}
	for _, m := range mixture {
		if got := kinds[m.kind]; got < 150*m.weight || got > 250*m.weight {
			t.Errorf("%d of 20000 documents are of kind %s; its weight is %d of 100", got, m.kind, m.weight)
		}
	}
}

func TestCorpusStatesEveryFactOften(t *testing.T) {
	named, n := map[string]int{}, 0
	nameOf := map[string]string{}
	for _, p := range places {
		for _, form := range capitalFacts {
			nameOf[strings.NewReplacer("{n}", p.name, "{c}", p.capital).Replace(form)] = p.name
		}
	}
	for d := range Documents(1, Train) {
		if n++; n > 20000 {
			break
		}
		for _, x := range strings.SplitAfter(d.Text, ".") {
			if name, ok := nameOf[strings.TrimSpace(x)]; ok {
				named[name]++
			}
		}
	}
	for _, p := range places {
		if named[p.name] < 40 {
			t.Errorf("the capital of %s is told %d times in 20000 documents; want 40 or more", p.name, named[p.name])
		}
	}
}

func TestCorpusStopsWhenTheConsumerDoes(t *testing.T) {
	n := 0
	for range Corpus(1, Train) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Fatalf("%d documents", n)
	}
}

func TestCorpusRefusesAnUnknownSplit(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), `"test"`) {
			t.Errorf("recovered %v", r)
		}
	}()
	Corpus(1, Test)(func(string) bool { return false })
}

func TestPlacesAreDistinct(t *testing.T) {
	names, capitals := map[string]bool{}, map[string]bool{}
	for _, p := range places {
		if p.name == "" || p.capital == "" || p.region == "" {
			t.Errorf("incomplete: %+v", p)
		}
		if names[p.name] || capitals[p.capital] {
			t.Errorf("%s or %s stands twice", p.name, p.capital)
		}
		names[p.name], capitals[p.capital] = true, true
	}
}
