//go:build minilm

package embed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// A real encoder: `make minilm` fetches all-MiniLM-L6-v2 and names its folder in
// TUNELAB_MINILM. What sentence-transformers makes of some texts is in
// testdata/minilm.json (testdata/make_minilm.py).
func TestMiniLMEqualsSentenceTransformers(t *testing.T) {
	dir := os.Getenv("TUNELAB_MINILM")
	if dir == "" {
		t.Fatal("TUNELAB_MINILM must name the folder of all-MiniLM-L6-v2: run `make minilm`")
	}
	raw, err := os.ReadFile("testdata/minilm.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Weights string
		Texts   []string
		IDs     [][]int
		Vectors [][]float32
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(dir, checkpoint.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(weights); hex.EncodeToString(sum[:]) != want.Weights {
		t.Fatalf("%s holds other weights than those of the reference", dir)
	}
	r, err := recipeOf(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := inputs(want.Texts...)
	own := texts{recipe: r, limit: r.limit(512)}
	for i, text := range in {
		if s, err := own.sequence(text); err != nil || !slices.Equal(s.ids, want.IDs[i]) {
			t.Errorf("text %d: tokens %v (%v), want %v", i, s.ids, err, want.IDs[i])
		}
	}
	got, err := Embed(context.Background(), dir, in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, w := range want.Vectors {
		g := got[i].Vector
		if len(g) != len(w) {
			t.Fatalf("text %d: %d numbers, want %d", i, len(g), len(w))
		}
		for j := range w {
			worst = max(worst, math.Abs(float64(g[j])-float64(w[j])))
		}
	}
	if !(worst <= 1e-4) {
		t.Errorf("largest difference %.2g, more than 1e-4", worst)
	}
	t.Logf("largest difference %.2g over %d texts", worst, len(want.Vectors))
}
