package generate

import (
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/tokenizer"
)

func TestCutFront(t *testing.T) {
	tok, err := tokenizer.Train(slices.Values([]string{"a b c"}), tokenizer.TrainOptions{VocabSize: 300, Special: []string{"<s>", "</s>"}, BOS: "<s>", EOS: "</s>"})
	if err != nil {
		t.Fatal(err)
	}
	bos := tok.BOS()
	for _, c := range []struct {
		ids      []int
		n, limit int
		want     []int
		prompt   int
		ok       bool
	}{
		{[]int{bos, 11, 12, 13, 14}, 3, 5, []int{bos, 11, 12, 13, 14}, 3, true},
		{[]int{bos, 11, 12, 13, 14}, 3, 4, []int{bos, 12, 13, 14}, 2, true}, // the start token stays
		{[]int{10, 11, 12, 13, 14}, 3, 4, []int{11, 12, 13, 14}, 2, true},   // there is none
		{[]int{bos, 11, 12, 13, 14}, 3, 3, []int{bos, 13, 14}, 1, true},     // nothing but the start token
		{[]int{bos, 11, 12, 13, 14}, 3, 2, []int{bos, 11, 12, 13, 14}, 3, false},
	} {
		in := slices.Clone(c.ids)
		got, prompt, ok := CutFront(tok, in, c.n, c.limit)
		if !slices.Equal(got, c.want) || prompt != c.prompt || ok != c.ok || !slices.Equal(in, c.ids) {
			t.Errorf("%v cut to %d: %v, %d of prompt, %v; want %v, %d, %v", c.ids, c.limit, got, prompt, ok, c.want, c.prompt, c.ok)
		}
	}
}
