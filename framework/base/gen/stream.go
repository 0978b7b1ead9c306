package gen

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// stream is a named sequence of random integers.
type stream struct{ src *rand.PCG }

// newStream opens the named stream of a seed. Adding a stream never shifts
// another.
func newStream(seed uint64, name string) *stream {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h := sha256.Sum256(append([]byte("tunelab gen v1\x00"+name+"\x00"), b[:]...))
	return &stream{rand.NewPCG(binary.LittleEndian.Uint64(h[:]), binary.LittleEndian.Uint64(h[8:]))}
}

// n draws from [0, max). The high word of a 64 x 64 bit product bounds the
// draw; its bias is below max/2^64.
func (s *stream) n(max int) int {
	hi, _ := bits.Mul64(s.src.Uint64(), uint64(max))
	return int(hi)
}

// between draws from [lo, hi], both included.
func (s *stream) between(lo, hi int) int { return lo + s.n(hi-lo+1) }

// percent is true in p of 100 draws.
func (s *stream) percent(p int) bool { return s.n(100) < p }

// pick draws one element.
func pick[T any](s *stream, from []T) T { return from[s.n(len(from))] }

// sample draws k different elements in random order; all of them if k is
// larger than the list.
func sample[T any](s *stream, from []T, k int) []T {
	out := append([]T(nil), from...)
	if k > len(out) {
		k = len(out)
	}
	for i := 0; i < k; i++ {
		j := i + s.n(len(out)-i)
		out[i], out[j] = out[j], out[i]
	}
	return out[:k]
}

// Who may use a held-out key.
const (
	forTest   = iota // the test split of a task
	forTrain         // the train and validation splits of a task
	forCorpus        // the corpus
)

// owner says who may use the key of the named space. It depends on nothing
// but its arguments, so that no seed of a task can meet any seed of the
// corpus: 1 of 10 keys is for test, 1 for train and validation, 8 for the
// corpus.
func owner(space, key string) int {
	h := sha256.Sum256([]byte("tunelab gen owner v1\x00" + space + "\x00" + key))
	switch b := binary.LittleEndian.Uint64(h[:]) % 10; {
	case b < 1:
		return forTest
	case b < 2:
		return forTrain
	default:
		return forCorpus
	}
}
