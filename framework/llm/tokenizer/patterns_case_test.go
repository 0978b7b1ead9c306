package tokenizer

import (
	"strings"
	"testing"
)

// What tokenizers 0.23.3 makes of a text that has what the fixtures' texts lack:
// inner capitals beside contractions, a slash behind a newline.
func TestCaseWords(t *testing.T) {
	const text = "HTTPServer's fooBar?\n/x/ ABC'LL \u0301A 12345 I'm\u01c5a"
	for pattern, want := range map[string]string{
		o200kPattern:  "HTTPServer's| foo|Bar|?\n/|x|/| ABC'LL| \u0301|A| |123|45| I'm|\u01c5a",
		tekkenPattern: "HTTPServer|'s| foo|Bar|?\n/|x|/| ABC|'LL| \u0301|A| |1|2|3|4|5| I|'m|\u01c5a",
	} {
		var words []string
		scan(patterns[pattern])(text, func(from, to int) { words = append(words, text[from:to]) })
		if got := strings.Join(words, "|"); got != want {
			t.Errorf("%.20s: %q, want %q", pattern, got, want)
		}
	}
}
