package ixgo

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/tunelab/tunelab/kernel/engine"
)

// TestOldValuesAreLetGo runs one cell again and again, as people do: what its variable
// held before must not stay.
func TestOldValuesAreLetGo(t *testing.T) {
	e := session(t, "data := []byte{}\nfunc size() int { return len(data) }")
	const n, each = 30, 16 << 20
	for i := range n {
		code := fmt.Sprintf("data := make([]byte, %d)\ndata[0] = %d\nsize()", each, i+1)
		if err := e.Run(context.Background(), engine.Cell{N: i + 2, Code: code}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 8*each {
		t.Errorf("%d MiB are held after %d values of %d MiB", m.HeapAlloc>>20, n, each>>20)
	}
	if len(e.cells) > 4 {
		t.Errorf("%d cells are kept", len(e.cells))
	}
}
