package tokenizer

import "unicode/utf8"

// GPT-2's byte alphabet (bytes_to_unicode in openai/gpt-2's encoder.py): a
// printable character for every byte, so that a vocabulary of text can hold
// any bytes. byteToRune[b] is byte b's character; runeToByte the inverse.
var byteToRune, runeToByte = byteAlphabet()

func byteAlphabet() (to [256]rune, from map[rune]byte) {
	from = map[rune]byte{}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		printable := b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae
		if !printable {
			r, next = next, next+1
		}
		to[b], from[r] = r, byte(b)
	}
	return to, from
}

// bytesToAlphabet spells the bytes of s in the byte alphabet.
func bytesToAlphabet(s string) string {
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = utf8.AppendRune(out, byteToRune[s[i]])
	}
	return string(out)
}

// alphabetToBytes is the inverse for one token; false if a character is not of
// the alphabet.
func alphabetToBytes(token string) ([]byte, bool) {
	out := make([]byte, 0, len(token))
	for _, r := range token {
		b, ok := runeToByte[r]
		if !ok {
			return nil, false
		}
		out = append(out, b)
	}
	return out, true
}

// lossyUTF8 replaces each maximal ill-formed part of b by U+FFFD, as Rust's
// String::from_utf8_lossy and the Unicode standard (section 3.9) do.
func lossyUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = illFormed(b)
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return string(out)
}

// illFormed is the length of the longest prefix of b that begins a character
// but does not complete one, at least 1.
func illFormed(b []byte) int {
	need, low, high := 0, byte(0x80), byte(0xbf)
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
		if c == 0xe0 {
			low = 0xa0
		} else if c == 0xed {
			high = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 3
		if c == 0xf0 {
			low = 0x90
		} else if c == 0xf4 {
			high = 0x8f
		}
	}
	n := 1
	for n <= need && n < len(b) && b[n] >= low && b[n] <= high {
		n, low, high = n+1, 0x80, 0xbf
	}
	return n
}
