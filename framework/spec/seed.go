package spec

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Names of the random streams that every run derives from its one seed. A
// plugin may add streams of its own; adding one never shifts another.
const (
	StreamInit     = "init"     // new weights: adapters, heads
	StreamData     = "data"     // order of the training examples
	StreamDropout  = "dropout"  // dropout masks
	StreamSampling = "sampling" // generation with a temperature above 0
	StreamShots    = "shots"    // choice and order of in-context examples
)

// StreamSeed derives the 32-byte key of the named stream from a run's seed.
func StreamSeed(seed int64, name string) [32]byte {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(seed))
	h.Write([]byte("tunelab stream v1\x00"))
	h.Write(b[:])
	h.Write([]byte(name))
	var out [32]byte
	h.Sum(out[:0])
	return out
}

// Stream opens the named random stream of a seed (ChaCha8). Equal arguments
// give the same sequence on every platform.
func Stream(seed int64, name string) *rand.Rand {
	return rand.New(rand.NewChaCha8(StreamSeed(seed, name)))
}
