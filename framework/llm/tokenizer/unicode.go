package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// class is a set of the character classes that the stages ask for. The members
// are those of Hugging Face's tokenizers, whose parts follow different versions
// of Unicode (unicode_tables.go), and so do not change with Go's.
type class uint16

const (
	letter      class = 1 << iota // \p{L} of a pattern
	number                        // \p{N} of a pattern
	mark                          // \p{M} of a pattern
	space                         // \s, White_Space
	numeric                       // the Digits pre-tokeniser's digits
	word                          // \w of added tokens and of Whitespace
	punctuation                   // Punctuation and BertPreTokenizer
	nonspacing                    // BertNormalizer's accents
	combining                     // StripAccents' accents
	control                       // BertNormalizer's clean_text drops them
	inert                         // the normal forms leave them alone (normalform.go)
	capital                       // \p{Lu} and \p{Lt} of a pattern
	small                         // \p{Ll} of a pattern
)

// classPages is a table of two levels: 256 characters to a page, page 0 for the
// many without any class.
var classPages, classIndex = buildClasses()

func buildClasses() (pages [][256]class, index [(unicode.MaxRune + 1) >> 8]uint16) {
	pages = make([][256]class, 1, 800)
	for _, r := range classRanges {
		for c := r[0]; c <= r[1]; c++ {
			if index[c>>8] == 0 {
				index[c>>8] = uint16(len(pages))
				pages = append(pages, [256]class{})
			}
			pages[index[c>>8]][c&0xff] = class(r[2])
		}
	}
	return pages, index
}

// classOf gives the classes of a character of well-formed text.
func classOf(r rune) class { return classPages[classIndex[r>>8]][r&0xff] }

// is says whether r is of any of the classes c.
func is(r rune, c class) bool { return classOf(r)&c != 0 }

// run is the length in bytes of the longest prefix of s whose characters are of
// one of the classes in and of none in out.
func run(s string, in, out class) int {
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if c := classOf(r); c&in == 0 && in != 0 || c&out != 0 {
			return i
		}
		i += n
	}
	return len(s)
}

// lower maps every character for itself, without regard to its neighbours: a
// final sigma stays σ, and İ gives two characters.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			break
		} else if i == len(s)-1 {
			return s
		}
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if special, ok := lowerExceptions[r]; ok {
			b.WriteString(special)
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}
