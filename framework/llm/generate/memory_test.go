package generate

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/model"
)

// tight is an engine with so many bytes left to allocate.
type tight struct {
	compute.Engine
	left *int64
}

func (e tight) Alloc(dt compute.DType, n int) compute.Buffer {
	if *e.left -= int64(n * dt.Size()); *e.left < 0 {
		panic(&compute.MemoryError{Bytes: int64(n * dt.Size()), Available: -1})
	}
	return e.Engine.Alloc(dt, n)
}

// A cache that does not fit is an error that says what to do; it leaves nothing
// behind, and the model goes on with less.
func TestCacheThatDoesNotFit(t *testing.T) {
	inner, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	left := int64(1 << 40)
	m, err := model.Load(filepath.Join(models, "llama"), tight{inner, &left}, model.Options{Frozen: true})
	if err != nil {
		t.Fatal(err)
	}
	prompts := [][]int{{1, 2, 3}, {4, 5}, {6}}
	want, err := Generate(t.Context(), m, prompts, Options{MaxNewTokens: 4, StopIDs: []int{}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScorer(m)
	defer s.Free()
	before := inner.InUse()
	c := m.Config()
	one := int64(3 * 7 * c.KVHeads * c.HeadDim * 4) // one layer's keys
	for room, fits := range map[int64]bool{0: false, one: false, 2*one*int64(c.Layers) - 1: false, 2 * one * int64(c.Layers): true} {
		left = room
		got, err := Generate(t.Context(), m, prompts, Options{MaxNewTokens: 4, StopIDs: []int{}})
		var e *compute.MemoryError
		switch {
		case fits && (err != nil || len(got) != 3 || !slices.Equal(got[0].IDs, want[0].IDs)):
			t.Errorf("with room for it: %v, %v", got, err)
		case !fits && (!errors.As(err, &e) || !strings.Contains(err.Error(), "7 tokens each for 3 sequences") || !strings.Contains(err.Error(), "fewer new tokens")):
			t.Errorf("with room for %d bytes: %v", room, err)
		}
		if inner.InUse() != before {
			t.Errorf("with room for %d bytes: %d bytes in use, %d before", room, inner.InUse(), before)
		}
	}
	left = one
	if _, err := s.Tails([][]int{{1, 2, 3}}, []int{1}); err == nil || !strings.Contains(err.Error(), "shorten the context") {
		t.Errorf("a scorer: %v", err)
	}
	left = 1 << 40
	if _, err := s.Tails([][]int{{1, 2, 3}}, []int{1}); err != nil {
		t.Error(err)
	}
}
