package tracking

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// idAlphabet is Crockford's base 32 in lower case: its order is that of the
// bytes, and it has no i, l, o, u to misread.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// IDLen is the length of an id in characters: 9 of time, 7 random.
const IDLen = 16

// NewID makes a run or experiment id: milliseconds since 1970 in 45 bits, then
// 35 random bits, most significant first. Ids sort by time of creation; they
// name rows and never decide a run's numbers.
func NewID(now time.Time) string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	var out [IDLen]byte
	encode32(out[:9], uint64(now.UnixMilli()))
	encode32(out[9:], binary.LittleEndian.Uint64(b[:]))
	return string(out[:])
}

// encode32 writes the low 5*len(out) bits of v.
func encode32(out []byte, v uint64) {
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = idAlphabet[v&31]
		v >>= 5
	}
}
