package tune

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

func bytesTokenizer(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Train(slices.Values([]string{"ask: yes no"}), tokenizer.TrainOptions{VocabSize: 270, Special: []string{"<s>", "</s>"},
		PAD: "</s>", BOS: "<s>", EOS: "</s>", AddBOS: true, ContextLength: 64}) // pad is eos: nothing may be masked by id
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// The completion and the end token after it carry loss and nothing else does;
// the start token stands once, in front.
func TestWhatIsSupervised(t *testing.T) {
	tok := bytesTokenizer(t)
	e, err := encodeCompletion(tok, spec.Task{Delimiter: " "}, []spec.Example{{Prompt: "ask:", Answer: "yes"}}, 64)
	if err != nil {
		t.Fatal(err)
	}
	s := e.seqs[0]
	var taught []int
	for i, target := range s.targets {
		if target >= 0 {
			taught = append(taught, int(target))
			if s.ids[i+1] != target {
				t.Errorf("position %d is taught %d, the next token is %d", i, target, s.ids[i+1])
			}
		}
	}
	n := len(taught)
	if n < 2 || taught[n-1] != tok.EOS() || tok.Decode(taught[:n-1], true) != " yes" {
		t.Errorf("taught %v: %q, expected \" yes\" and the end token %d", taught, tok.Decode(taught, false), tok.EOS())
	}
	starts := 0
	for _, id := range s.ids {
		if int(id) == tok.BOS() {
			starts++
		}
	}
	if starts != 1 || int(s.ids[0]) != tok.BOS() {
		t.Errorf("%v has %d start tokens", s.ids, starts)
	}
	if e.supervised != n || e.ends != 1 {
		t.Errorf("%d supervised, %d ends", e.supervised, e.ends)
	}
}

// A prompt that is too long loses its front but not the start token, and no
// token of the answer.
func TestWhatIsCut(t *testing.T) {
	tok := bytesTokenizer(t)
	ex := []spec.Example{{Prompt: "ask ask ask ask ask ask:", Answer: "no"}}
	whole, err := encodeCompletion(tok, spec.Task{Delimiter: " "}, ex, 64)
	if err != nil {
		t.Fatal(err)
	}
	limit := len(whole.seqs[0].ids) - 3
	cut, err := encodeCompletion(tok, spec.Task{Delimiter: " "}, ex, limit)
	if err != nil {
		t.Fatal(err)
	}
	want := append([]int32{int32(tok.BOS())}, whole.seqs[0].ids[4:]...)
	if got := cut.seqs[0].ids; !slices.Equal(got, want) || cut.cut != 1 || cut.supervised != whole.supervised {
		t.Errorf("cut to %v (%d supervised), expected %v (%d)", got, cut.supervised, want, whole.supervised)
	}
	labels, err := encodeClassify(lastToken{tok: tok}, []spec.Example{{Input: "ask ask", Label: 1}}, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := labels.seqs[0].ids, to32(tok.Encode("ask ask", true)[:3]); !slices.Equal(got, want) || labels.cut != 1 {
		t.Errorf("a classifier's input is cut to %v, expected %v", got, want)
	}
	if _, err := encodeClassify(lastToken{tok: tok}, []spec.Example{{ID: "x", Input: "ask", Label: 2}}, 2, 3); err == nil {
		t.Error("a label outside the task's labels was taken")
	}
}

// Every epoch sees every example once, in an order of its own that follows from
// the seed.
func TestDataOrder(t *testing.T) {
	trainerOf := func(seed int64) *trainer {
		tr := &trainer{in: &sdk.Input{Spec: spec.Run{Seed: seed}, Params: spec.Params{"batch_size": int64(4)}}, train: &encoded{}}
		for i := range 10 {
			tr.train.seqs = append(tr.train.seqs, sequence{label: int32(i)})
		}
		return tr
	}
	epoch := func(tr *trainer, n int) (out []int32) {
		for step := n * tr.perEpoch(); step < (n+1)*tr.perEpoch(); step++ {
			for _, s := range tr.batch(step) {
				out = append(out, s.label)
			}
		}
		return out
	}
	tr := trainerOf(1)
	seen := map[string]bool{}
	for _, order := range [][]int32{epoch(tr, 0), epoch(tr, 1), epoch(trainerOf(2), 0)} {
		seen[fmt.Sprint(order)] = true
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("an epoch saw %v", order)
		}
	}
	if len(seen) != 3 {
		t.Errorf("two epochs or seeds have one order: %v", seen)
	}
	if a, b := epoch(tr, 1), epoch(trainerOf(1), 1); !slices.Equal(a, b) {
		t.Errorf("after a resume epoch 1 has the order %v, before it %v", b, a)
	}
}

// A mask's key follows from seed, step and micro-batch alone, each with a key
// of its own.
func TestDropoutKeys(t *testing.T) {
	keys := map[uint64]bool{}
	for seed := range int64(3) {
		for step := range 3 {
			for micro := range 3 {
				keys[dropoutKey(seed, step, micro)] = true
			}
		}
	}
	if len(keys) != 27 || !keys[dropoutKey(2, 1, 0)] {
		t.Errorf("27 places have %d keys", len(keys))
	}
}
