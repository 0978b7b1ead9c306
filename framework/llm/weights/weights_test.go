package weights

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

func TestReadSummarise(t *testing.T) {
	dir := t.TempDir()
	w := checkpoint.Tensor{Name: "w", Shape: []int{2, 2}, Data: []float32{1, 2, 2, 4}}
	b := checkpoint.Tensor{Name: "b", Shape: []int{3}, Data: []float32{0, 3, 0}}
	if err := checkpoint.WriteSafetensors(filepath.Join(dir, "model.safetensors"), []checkpoint.Tensor{w, b}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "b" || !slices.Equal(got[1].Dense.Float32s(), []float32{1, 2, 2, 4}) || !got[1].Dense.Shape().Eq(tensor.Shape{2, 2}) {
		t.Fatalf("read back %v", got)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if linked, err := Read(link); err != nil || len(linked) != 2 {
		t.Errorf("through a link %d weights: %v", len(linked), err)
	}
	base := []Named{{"w", tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 2, 2, 0}))}}
	s := Summarise(got, base)
	if s[0].Change != nil {
		t.Errorf("b has a change of %v without a base", *s[0].Change)
	}
	if s[1].Norm != 5 || s[1].Mean != 2.25 || math.Abs(s[1].Std-math.Sqrt(25.0/4-2.25*2.25)) > 1e-12 || s[1].Change == nil || math.Abs(*s[1].Change-4.0/3) > 1e-12 {
		t.Errorf("summary %+v, change %v", s[1], s[1].Change)
	}
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.safetensors", "b.safetensors"} {
		if err := checkpoint.WriteSafetensors(filepath.Join(dir, name), []checkpoint.Tensor{{Name: "w", Data: []float32{1}}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), `tensor "w" stands in`) {
		t.Errorf("a name in two files: %v", err)
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no safetensors") {
		t.Errorf("an empty folder: %v", err)
	}
}
