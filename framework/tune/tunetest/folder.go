package tunetest

import (
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

// Sizes of the models of Folder.
const (
	Hidden  = tiny.Hidden
	Inner   = tiny.Inner
	Layers  = tiny.Layers
	Heads   = tiny.Heads
	Context = tiny.Context
)

// Folder writes the model of tiny.Model, or for a family of package encoder that
// of tiny.Encoder, to a new folder.
func Folder(t testing.TB, family string) string {
	t.Helper()
	dir, make := t.TempDir(), tiny.Model
	if slices.Contains(encoder.Families(), family) {
		make = tiny.Encoder
	}
	if err := make(dir, family); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Data is a task with its examples.
type Data = tiny.Data

// Classification is a two-class task that a word decides: 24 training and 8
// validation examples.
func Classification() Data { return tiny.Classification() }

// Completion is a task of the kind generation or instruction: say which
// number comes after one. 24 training and 8 validation examples.
func Completion(kind string) Data { return tiny.Completion(kind) }
