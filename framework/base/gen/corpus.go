package gen

import (
	"fmt"
	"iter"
)

// Document is one text of the corpus and the kind of text it is.
type Document struct{ Kind, Text string }

// mixture is what the corpus is made of: of 100 documents, weight are of the
// kind. Documents differ in length; the share of the text differs with it.
var mixture = []struct {
	kind   string
	weight int
	make   func(*stream) string
}{
	{"facts", 17, factsDoc},
	{"drill", 8, drillDoc},
	{"worked", 4, workedDoc},
	{"direct", 18, directDoc},
	{"review", 12, reviewDoc},
	{"explain", 15, explainDoc},
	{"shots", 22, shotsDoc},
	{"tale", 4, taleDoc},
}

// Corpus gives the documents of a seed and split ("train" or "validation")
// without end; a consumer stops when it has enough. Splits never share a
// document, whatever the seeds. Documents are plain ASCII of 20 to about 1200
// bytes, without a final newline; the consumer puts its end-of-text token
// between them. An unknown split panics.
func Corpus(seed uint64, split string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for d := range Documents(seed, split) {
			if !yield(d.Text) {
				return
			}
		}
	}
}

// Documents is [Corpus] with the kind of each document.
func Documents(seed uint64, split string) iter.Seq[Document] {
	if split != Train && split != Validation {
		panic(fmt.Sprintf("gen: corpus split %q is unknown; use %q or %q", split, Train, Validation))
	}
	// One document in ten is a validation document.
	held := split == Validation
	return func(yield func(Document) bool) {
		s := newStream(seed, "corpus "+split)
		for {
			d := draw(s)
			if (owner("document", d.Text) == forTest) == held && !yield(d) {
				return
			}
		}
	}
}

func draw(s *stream) Document {
	at := s.n(100)
	for _, m := range mixture {
		if at -= m.weight; at < 0 {
			return Document{m.kind, m.make(s)}
		}
	}
	panic("gen: weights of mixture do not add up to 100")
}
