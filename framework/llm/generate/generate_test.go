package generate

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
)

const models = "../model/testdata" // made by make_fixtures.py there

type expected struct {
	Seqs    [][]int
	Logits  [][]float32
	Prompts [][]int
	Greedy  [][]int
}

func load(t *testing.T, name string) (*model.Model, expected) {
	t.Helper()
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(filepath.Join(models, name), e, model.Options{Frozen: true})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(models, name, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var x expected
	if err := json.Unmarshal(raw, &x); err != nil {
		t.Fatal(err)
	}
	return m, x
}

func TestGreedyEqualsTransformers(t *testing.T) {
	for _, name := range []string{"llama", "llama-bias", "gpt2"} {
		t.Run(name, func(t *testing.T) {
			m, x := load(t, name)
			for _, batch := range []int{1, 3, 8} {
				res, err := Generate(context.Background(), m, x.Prompts, Options{MaxNewTokens: 16, MaxBatch: batch, StopIDs: []int{}})
				if err != nil {
					t.Fatal(err)
				}
				for i, r := range res {
					if !slices.Equal(r.IDs, x.Greedy[i]) || r.Finish != Length {
						t.Errorf("batch %d, prompt %d: %v (%s), want %v", batch, i, r.IDs, r.Finish, x.Greedy[i])
					}
				}
			}
		})
	}
}

func TestSamplesDoNotDependOnTheBatch(t *testing.T) {
	m, x := load(t, "llama")
	o := Options{MaxNewTokens: 12, Temperature: 0.9, TopK: 40, TopP: 0.95, NumSamples: 3, Seed: [32]byte{7}, MaxBatch: 8}
	all, err := Generate(context.Background(), m, x.Prompts, o)
	if err != nil {
		t.Fatal(err)
	}
	differ := false
	for i, p := range x.Prompts {
		one := o
		one.MaxBatch, one.Keys = 1, []uint64{uint64(i)}
		res, err := Generate(context.Background(), m, [][]int{p}, one)
		if err != nil {
			t.Fatal(err)
		}
		for s, r := range res {
			w := all[i*3+s]
			if !slices.Equal(r.IDs, w.IDs) || !slices.Equal(r.LogProbs, w.LogProbs) || r.Finish != w.Finish {
				t.Errorf("prompt %d sample %d: alone %v, in a batch %v", i, s, r.IDs, w.IDs)
			}
			differ = differ || !slices.Equal(r.IDs, res[0].IDs)
		}
	}
	if !differ {
		t.Error("all samples are equal")
	}
}

func TestLogProbsAgreeWithScoring(t *testing.T) {
	for _, temperature := range []float64{0, 1} {
		m, x := load(t, "gpt2")
		res, err := Generate(context.Background(), m, x.Prompts, Options{MaxNewTokens: 10, Temperature: temperature, StopIDs: []int{}})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range res {
			lp, err := ScoreIDs(m, [][]int{slices.Concat(x.Prompts[i], r.IDs)})
			if err != nil {
				t.Fatal(err)
			}
			close(t, r.LogProbs, lp[0][len(x.Prompts[i])-1:], 1e-4)
		}
	}
}

func close(t *testing.T, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Errorf("value %d: %g, want %g", i, got[i], want[i])
		}
	}
}

func TestScoreIDs(t *testing.T) {
	m, x := load(t, "llama")
	seqs := append(slices.Clone(x.Seqs), nil)
	got, err := ScoreIDs(m, seqs)
	if err != nil {
		t.Fatal(err)
	}
	v := m.Config().VocabSize
	for i, s := range x.Seqs {
		var want []float64
		for j := 1; j < len(s); j++ {
			want = append(want, logProbOf(x.Logits[i][(j-1)*v:j*v], s[j], 1))
		}
		close(t, got[i], want, 1e-4)
	}
	if len(got) != 4 || len(got[3]) != 0 {
		t.Errorf("an empty sequence scores %v", got[3:])
	}
}

func TestEndings(t *testing.T) {
	m, x := load(t, "llama")
	greedy := x.Greedy[0]
	end := greedy[5]
	at := slices.Index(greedy, end)
	run := func(o Options, prompt []int) Result {
		t.Helper()
		res, err := Generate(context.Background(), m, [][]int{prompt}, o)
		if err != nil {
			t.Fatal(err)
		}
		return res[0]
	}
	if r := run(Options{MaxNewTokens: 16, StopIDs: []int{end}}, x.Prompts[0]); r.Finish != Stop || !slices.Equal(r.IDs, greedy[:at+1]) {
		t.Errorf("stop id %d: %v %s", end, r.IDs, r.Finish)
	}
	full := slices.Repeat([]int{9}, m.ContextLength()-3)
	if r := run(Options{MaxNewTokens: 16, StopIDs: []int{}}, full); r.Finish != Context || len(r.IDs) != 3 {
		t.Errorf("context: %v %s", r.IDs, r.Finish)
	}
	var tokens []int
	done := 0
	run(Options{MaxNewTokens: 4, StopIDs: []int{}, OnToken: func(_, _, id int) { tokens = append(tokens, id) },
		Progress: func(n, total int) { done += n * total }}, x.Prompts[0])
	if !slices.Equal(tokens, greedy[:4]) || done != 1 {
		t.Errorf("streamed %v, done %d", tokens, done)
	}
}

func TestStopStrings(t *testing.T) {
	m, x := load(t, "llama")
	// The first 64 ids of this tokenizer are <unk>, <s>, </s> and bytes; 61 are printable.
	tok, err := tokenizer.Load("../tokenizer/testdata/llama2")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Generate(context.Background(), m, x.Prompts[:1], Options{MaxNewTokens: 40, StopIDs: []int{}, Tokenizer: tok})
	if err != nil {
		t.Fatal(err)
	}
	text := plain[0].Text
	if text != tok.Decode(plain[0].IDs, true) || len(text) < 3 {
		t.Fatalf("text %q of %v", text, plain[0].IDs)
	}
	for _, stop := range []string{text[1:2], text[2:4], text[len(text)-2:]} {
		res, err := Generate(context.Background(), m, x.Prompts[:1], Options{MaxNewTokens: 40, StopIDs: []int{}, StopStrings: []string{"\x00never", stop}, Tokenizer: tok})
		if err != nil {
			t.Fatal(err)
		}
		want := text[:strings.Index(text, stop)]
		if res[0].Text != want || res[0].Finish != Stop {
			t.Errorf("stop %q: %q (%s), want %q", stop, res[0].Text, res[0].Finish, want)
		}
	}
}

func TestMisuseIsAnError(t *testing.T) {
	m, _ := load(t, "gpt2")
	one := [][]int{{1}}
	for want, c := range map[string]struct {
		prompts [][]int
		o       Options
	}{
		"max_new_tokens":       {one, Options{}},
		"temperature":          {one, Options{MaxNewTokens: 1, Temperature: -1}},
		"top_p":                {one, Options{MaxNewTokens: 1, TopP: 2}},
		"top_k":                {one, Options{MaxNewTokens: 1, TopK: -1}},
		"need a tokenizer":     {one, Options{MaxNewTokens: 1, StopStrings: []string{"x"}}},
		"keys: 2 for 1":        {one, Options{MaxNewTokens: 1, Keys: []uint64{1, 2}}},
		"sequence 2: is empty": {[][]int{{1}, {}}, Options{MaxNewTokens: 1}},
		"leave no room":        {[][]int{make([]int, 48)}, Options{MaxNewTokens: 1}},
		"outside the vocab":    {[][]int{{64}}, Options{MaxNewTokens: 1}},
	} {
		if _, err := Generate(context.Background(), m, c.prompts, c.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := ScoreIDs(m, [][]int{make([]int, 49)}); err == nil || !strings.Contains(err.Error(), "sequence 1: 49 tokens") {
		t.Errorf("a long sequence: %v", err)
	}
	if _, err := NewScorer(m).Tails([][]int{{1, 2}}, []int{0}); err == nil {
		t.Error("the first token was scored")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Generate(ctx, m, one, Options{MaxNewTokens: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFilters(t *testing.T) {
	p := []float64{0.1, 0.4, 0.1, 0.4}
	for _, c := range []struct {
		k    int
		p    float64
		want []int
	}{{0, 0, []int{0, 1, 2, 3}}, {1, 0, []int{1}}, {3, 0, []int{1, 3, 0}}, {0, 0.4, []int{1}}, {0, 0.7, []int{1, 3}}, {2, 0.6, []int{1, 3}}, {9, 1, []int{0, 1, 2, 3}}} {
		if got := likeliest(p, c.k, c.p); !slices.Equal(got, c.want) {
			t.Errorf("top-k %d, top-p %g: %v, want %v", c.k, c.p, got, c.want)
		}
	}
}

func TestDrawFollowsTheDistribution(t *testing.T) {
	logits := []float32{0, 1, 2, -1}
	o := Options{Temperature: 2, Seed: [32]byte{1}}
	rng := o.stream(0, 0)
	counts := make([]float64, 4)
	const n = 20000
	for range n {
		id, lp := draw(logits, &o, rng)
		counts[id]++
		if want := logProbOf(logits, id, 2); lp != want {
			t.Fatalf("log-probability %g, want %g", lp, want)
		}
	}
	for i, want := range probabilities(logits, 2) {
		// Five standard deviations of a binomial count.
		if d := math.Abs(counts[i]/n - want); d > 5*math.Sqrt(want*(1-want)/n) {
			t.Errorf("token %d drawn with frequency %g, probability %g", i, counts[i]/n, want)
		}
	}
}

func TestEncodePairMovesSpaces(t *testing.T) {
	tok, err := tokenizer.Load("../tokenizer/testdata/gpt2")
	if err != nil {
		t.Fatal(err)
	}
	ids, n := EncodePair(tok, "The capital is  ", "Paris")
	if !slices.Equal(ids, tok.Encode("The capital is  Paris", true)) || tok.Decode(ids[n:], true) != "  Paris" {
		t.Errorf("%v from %d: %q", ids, n, tok.Decode(ids[n:], true))
	}
	if ids, n := EncodePair(tok, "", "Paris"); n != 1 || ids[0] != tok.BOS() || tok.Decode(ids[1:], true) != "Paris" {
		t.Errorf("without context: %v from %d", ids, n)
	}
}
