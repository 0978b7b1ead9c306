package tokenizer

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// charsmap is SentencePiece's precompiled normalisation (normalizer.cc,
// DecodePrecompiledCharsMap): the length in bytes of a double array (Yata,
// darts-clone), the array, and the replacements, each ended by a zero byte. All
// numbers are 32 bits, little-endian.
type charsmap struct {
	units  []uint32
	texts  string
	growth float64
}

func newCharsmap(raw []byte) (*charsmap, error) {
	if len(raw) < 4 {
		return nil, fmt.Errorf("is cut off: %d bytes", len(raw))
	}
	n := int64(binary.LittleEndian.Uint32(raw))
	if n%4 != 0 || n > int64(len(raw)-4) || n == 0 {
		return nil, fmt.Errorf("says that its array has %d bytes, and has %d in all", n, len(raw))
	}
	m := &charsmap{units: make([]uint32, n/4), texts: string(raw[4+n:]), growth: 1}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(raw[4+4*i:])
	}
	if !utf8.ValidString(m.texts) {
		return nil, fmt.Errorf("its replacements are not UTF-8")
	}
	for _, s := range strings.Split(m.texts, "\x00") {
		m.growth = max(m.growth, float64(len(s)))
	}
	return m, nil
}

// lookup is the replacement of the shortest prefix of s that has one.
func (m *charsmap) lookup(s string) (string, bool) {
	at := offset(m.units[0])
	for i := 0; i < len(s) && s[i] != 0; i++ {
		at ^= uint32(s[i])
		if int64(at) >= int64(len(m.units)) {
			return "", false
		}
		unit := m.units[at]
		if unit&(1<<31|0xff) != uint32(s[i]) {
			return "", false
		}
		at ^= offset(unit)
		if unit>>8&1 == 1 {
			if int64(at) >= int64(len(m.units)) {
				return "", false
			}
			text := int64(m.units[at] & (1<<31 - 1))
			if text > int64(len(m.texts)) || text < int64(len(m.texts)) && !utf8.RuneStart(m.texts[text]) {
				return "", false
			}
			out, _, _ := strings.Cut(m.texts[text:], "\x00")
			return out, true
		}
	}
	return "", false
}

// offset is where a unit's children lie, relative to it.
func offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// apply replaces as the tokenizers library does (normalizers/precompiled.rs):
// a grapheme cluster of less than six bytes as a whole, so that a base that has a
// replacement loses its marks, and of others every character.
func (m *charsmap) apply(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		n := cluster(s)
		part := s[:n]
		s = s[n:]
		if n < 6 {
			if to, ok := m.lookup(part); ok {
				b.WriteString(to)
				continue
			}
		}
		for i, r := range part {
			one := part[i : i+utf8.RuneLen(r)]
			if to, ok := m.lookup(one); ok {
				b.WriteString(to)
			} else {
				b.WriteString(one)
			}
		}
	}
	return b.String()
}

// cluster is the length of the grapheme cluster at the beginning of s (UAX 29).
func cluster(s string) int {
	if s[0] < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf && s[:2] != "\r\n") {
		return 1
	}
	return len(graphemes.FromString(s).First())
}
