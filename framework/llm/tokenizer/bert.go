package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// newBertNormalizer reads BERT's basic tokenisation (google-research/bert,
// tokenization.py, class BasicTokenizer). strip_accents null means as lowercase.
func newBertNormalizer(c component) (normalizer, error) {
	o := struct {
		Clean     bool  `json:"clean_text"`
		Chinese   bool  `json:"handle_chinese_chars"`
		Accents   *bool `json:"strip_accents"`
		Lowercase bool  `json:"lowercase"`
	}{}
	if err := c.options(&o); err != nil {
		return normalizer{}, err
	}
	accents := o.Lowercase
	if o.Accents != nil {
		accents = *o.Accents
	}
	decompose := normalForm(norm.NFD)
	return normalizer{growth: 16, apply: func(s string) string {
		if o.Clean {
			s = strings.Map(cleanText, s)
		}
		if o.Chinese {
			s = spaceChinese(s)
		}
		if accents {
			s = strings.Map(dropping(nonspacing), decompose(s))
		}
		if o.Lowercase {
			s = lower(s)
		}
		return s
	}}, nil
}

func cleanText(r rune) rune {
	switch c := classOf(r); {
	case c&control != 0:
		return -1
	case c&space != 0:
		return ' '
	}
	return r
}

// spaceChinese puts spaces around every Chinese character.
func spaceChinese(s string) string {
	if strings.IndexFunc(s, chinese) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if chinese(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// chinese is BERT's choice of blocks of the CJK unified ideographs.
func chinese(r rune) bool {
	if r < 0x3400 {
		return false
	}
	for _, b := range [...][2]rune{{0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
		{0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0xf900, 0xfaff}, {0x2f800, 0x2fa1f}} {
		if b[0] <= r && r <= b[1] {
			return true
		}
	}
	return false
}
