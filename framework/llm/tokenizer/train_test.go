package tokenizer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

var corpus = []string{
	"low low low low low lower lower newest newest newest newest newest newest widest widest widest",
	"<s>3 apples and 14 apples make 17 apples.</s>",
	"東京 東京 naïve naïve\n\n",
}

func trainOptions() TrainOptions {
	return TrainOptions{VocabSize: 280, Special: []string{"<pad>", "<s>", "</s>"}, BOS: "<s>", EOS: "</s>", PAD: "<pad>", AddBOS: true, ContextLength: 512}
}

func TestTrain(t *testing.T) {
	tok, err := Train(slices.Values(corpus), trainOptions())
	if err != nil {
		t.Fatal(err)
	}
	if tok.VocabSize() != 280 || tok.BOS() != 1 || tok.EOS() != 2 || tok.PAD() != 0 {
		t.Errorf("size %d, bos %d, eos %d, pad %d", tok.VocabSize(), tok.BOS(), tok.EOS(), tok.PAD())
	}
	// By hand: " low" 6 times has the pairs (l,o) 8, (o,w) 8 with "low" in
	// front and in "lower"; e-s 9 in newest and widest; s-t 9; the larger
	// count is merged first, of (e,s) and (s,t) the first in byte order.
	if first := tok.Token(3 + 256); first != "es" {
		t.Errorf("the first merge gave %q, want \"es\"", first)
	}
	if second := tok.Token(3 + 257); second != "est" {
		t.Errorf("the second merge gave %q, want \"est\"", second)
	}
	again, err := Train(slices.Values(corpus), trainOptions())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(tok.files[File], again.files[File]) || tok.Hash() != again.Hash() {
		t.Error("two trainings on one corpus differ")
	}
	for _, s := range append(corpus, "never seen: \u00e9\u00ff 🙂\x00 9876543210", "") {
		ids := tok.Encode(s, true)
		if ids[0] != 1 {
			t.Errorf("%q: begins with %d, not with <s>", s, ids[0])
		}
		if got := tok.Decode(ids[1:], false); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	}
	var digits []string
	for _, id := range tok.Encode("14 171", false) {
		digits = append(digits, tok.Token(id))
	}
	if got := strings.Join(digits, "|"); got != "1|4|Ġ|1|7|1" {
		t.Errorf("digits are cut as %s", got)
	}
	dir := t.TempDir()
	if err := tok.Save(dir); err != nil {
		t.Fatal(err)
	}
	if back, err := Load(dir); err != nil || back.Hash() != tok.Hash() {
		t.Errorf("loaded again: %v", err)
	}
}

func TestTrainStopsWhereNothingRepeats(t *testing.T) {
	o := trainOptions()
	o.VocabSize = 5000
	tok, err := Train(slices.Values([]string{"ab ab", "cdefgh"}), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := tok.VocabSize(); n != 3+256+1 {
		t.Errorf("size %d; only \"ab\" stands twice", n)
	}
}

func TestTrainMistakes(t *testing.T) {
	for want, change := range map[string]func(*TrainOptions){
		"vocab_size: 100 is too small": func(o *TrainOptions) { o.VocabSize = 100 },
		`eos_token: "<e>" is not`:      func(o *TrainOptions) { o.EOS = "<e>" },
		"stands twice":                 func(o *TrainOptions) { o.Special = []string{"<s>", "<s>"} },
		"add_bos: needs a bos_token":   func(o *TrainOptions) { o.BOS = "" },
	} {
		o := trainOptions()
		change(&o)
		if _, err := Train(slices.Values(corpus), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
