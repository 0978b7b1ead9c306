package encoder

import (
	"testing"

	"github.com/tunelab/tunelab/framework/train/autograd"
)

func TestMisusePanics(t *testing.T) {
	m, _ := load(t, DistilBERT, "ref")
	tape := autograd.NewTape(m.Engine(), false)
	defer tape.Release()
	for what, f := range map[string]func(){
		"a token type in a family without": func() { m.Hidden(tape, Batch{IDs: []int32{1}, Types: []int32{1}, SeqLens: []int{1}}) },
		"wrong lengths":                    func() { m.Hidden(tape, Batch{IDs: []int32{1, 2}, SeqLens: []int{1}}) },
		"a block too many":                 func() { m.HiddenAt(tape, Pack([]int{1}), 3) },
		"a pooler that is not there":       func() { m.Pooled(tape, m.Hidden(tape, Pack([]int{1})), []int{1}) },
		"an unknown pooling":               func() { Pool(tape, m.Hidden(tape, Pack([]int{1})), []int{1}, "max") },
	} {
		if err := autograd.Catch(f); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
