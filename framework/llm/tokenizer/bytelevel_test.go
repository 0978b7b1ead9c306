package tokenizer

import (
	"strings"
	"testing"
)

// TestLossyUTF8 follows Unicode 15, section 3.9, tables 3-8 to 3-11: one
// U+FFFD (here ?) for each maximal subpart.
func TestLossyUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82A":         "????????A",
		"\xed\xa0\x80\xed\xbf\xbf\xed\xafA":         "????????A",
		"\xf4\x91\x92\x93\xffA\x80\xbfB":            "?????A??B",
		"\xe1\x80\xe2\xf0\x91\x92\xf1\xbfA":         "????A",
		"\xe2\x82":                                  "?",
		"\xf0\x9f\x98\xe6\x97\xa5":                  "?日",
		"\xc3\xa9\xf4\x8f\xbf\xbf\xe0\xa0\x80 fine": "é\U0010ffff\u0800 fine",
	} {
		if got := strings.ReplaceAll(lossyUTF8([]byte(in)), "\ufffd", "?"); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestByteAlphabetIsABijection(t *testing.T) {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	s := bytesToAlphabet(string(all[:]))
	if back, ok := alphabetToBytes(s); !ok || string(back) != string(all[:]) {
		t.Errorf("%q comes back as %q", s, back)
	}
	if got := bytesToAlphabet(" \n\xad"); got != "ĠĊŃ" { // GPT-2's own spelling
		t.Errorf("space, newline and soft hyphen are %q", got)
	}
}
