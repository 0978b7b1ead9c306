package tunetest

import (
	"testing"

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

// Folder writes the model of tiny.Model to a new folder.
func Folder(t testing.TB, family string) string {
	t.Helper()
	dir := t.TempDir()
	if err := tiny.Model(dir, family); err != nil {
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
