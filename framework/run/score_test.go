package run

import (
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/spec"
)

func TestScoreItem(t *testing.T) {
	labels := spec.Task{Labels: []string{"no", "yes"}}
	gold := func(_ map[string]any, response string) (float64, error) { return float64(len(response)), nil }
	for _, c := range []struct {
		name   string
		metric string
		task   spec.Task
		item   data.TestItem
		p      spec.Prediction
		want   float64
	}{
		{"the label of the highest score", Accuracy, labels, data.TestItem{Label: 1}, spec.Prediction{Scores: []float64{-2, -1}}, 1},
		{"another label", Accuracy, labels, data.TestItem{Label: 0}, spec.Prediction{Scores: []float64{-2, -1}}, 0},
		{"a choice of the item", Accuracy, spec.Task{}, data.TestItem{Item: spec.Item{Choices: []string{"a", "bb"}}, Answer: "bb"}, spec.Prediction{Scores: []float64{-3, -2}}, 1},
		{"by character another choice wins", AccuracyNorm, spec.Task{}, data.TestItem{Item: spec.Item{Choices: []string{"a", "bbbb"}}, Answer: "bbbb"}, spec.Prediction{Scores: []float64{-2, -4}}, 1},
		{"exact match", ExactMatch, spec.Task{}, data.TestItem{Answer: "Paris"}, spec.Prediction{Text: " Paris."}, 1},
		{"what a method read out of its text", ExactMatch, spec.Task{}, data.TestItem{Answer: "Paris"}, spec.Prediction{Text: "France, so Paris. The answer is Paris.", Answer: "Paris"}, 1},
		{"a number in a text", Number, spec.Task{}, data.TestItem{Answer: "12"}, spec.Prediction{Text: "3 times 4 is 12."}, 1},
		{"the samples' majority", Number, spec.Task{}, data.TestItem{Answer: "12"}, spec.Prediction{Text: "12", Samples: []string{"12", "11", "11"}}, 0},
		{"nats a token", CompletionLoss, spec.Task{}, data.TestItem{}, spec.Prediction{Logprobs: []float64{-1, -3}}, 2},
		{"above the reference", WinRate, spec.Task{}, data.TestItem{Chosen: "ab"}, spec.Prediction{Text: "abc"}, 1},
		{"as good as the reference", WinRate, spec.Task{}, data.TestItem{Chosen: "ab"}, spec.Prediction{Text: "xy"}, 0.5},
	} {
		s, err := scoreItem(c.metric, c.task, question{item: c.item.Item, test: &c.item}, c.p, gold)
		if err != nil || s.value != c.want {
			t.Errorf("%s: %v (%v), want %v", c.name, s.value, err, c.want)
		}
	}
	for _, c := range []struct {
		name, metric string
		p            spec.Prediction
	}{
		{"too few scores", Accuracy, spec.Prediction{Scores: []float64{1}}},
		{"no log-probability", CompletionLoss, spec.Prediction{}},
		{"no such metric", "bleu", spec.Prediction{}},
	} {
		if _, err := scoreItem(c.metric, labels, question{test: &data.TestItem{}}, c.p, nil); err == nil {
			t.Errorf("%s is no error", c.name)
		}
	}
}

func TestAggregateWeighsTokens(t *testing.T) {
	items := []scored{{value: 1, n: 1}, {value: 4, n: 3}}
	if got := aggregate(CompletionLoss, spec.Task{}, items).Value; got != 13.0/4 {
		t.Errorf("completion loss %v, want the mean over tokens, 3.25", got)
	}
	if got := aggregate(Perplexity, spec.Task{}, items).Value; math.Abs(got-math.Exp(3.25)) > 1e-12 {
		t.Errorf("perplexity %v", got)
	}
	if got := aggregate(Accuracy, spec.Task{}, items).Value; got != 2.5 {
		t.Errorf("mean %v, want 2.5", got)
	}
}

func TestPairsJudgeRewards(t *testing.T) {
	it := &data.TestItem{Item: spec.Item{ID: "a"}}
	qs := []question{{test: it, of: "chosen"}, {test: it, of: "rejected"}}
	for _, c := range []struct{ chosen, rejected, want float64 }{{2, 1, 1}, {1, 2, 0}, {1, 1, 0.5}} {
		out, err := pairs(qs, []spec.Prediction{{Scores: []float64{c.chosen}}, {Scores: []float64{c.rejected}}})
		if err != nil || len(out) != 1 || out[0].value != c.want {
			t.Errorf("%v against %v: %+v (%v), want %v", c.chosen, c.rejected, out, err, c.want)
		}
	}
	if _, err := pairs(qs, []spec.Prediction{{}, {}}); err == nil {
		t.Error("no scores are no error")
	}
}

func TestApplicableGivesTheReason(t *testing.T) {
	m := spec.Method{Name: "m", Tasks: []string{spec.Generation, spec.Preference}, Modes: []string{spec.ModeGenerate}, Supervision: []string{"reasoning"}}
	for _, c := range []struct {
		task spec.Task
		gold bool
		mode string
		why  string
	}{
		{spec.Task{Kind: spec.Classification}, false, "", "m does not do classification tasks"},
		{spec.Task{Kind: spec.Generation, Metric: ExactMatch}, false, "", "the task has no worked reasoning"},
		{spec.Task{Kind: spec.Generation, Reasoning: "r", Metric: ExactMatch}, false, spec.ModeGenerate, ""},
		{spec.Task{Kind: spec.Generation, Reasoning: "r", Metric: Perplexity}, false, "", "m does not answer in a mode that perplexity needs ([logprobs])"},
		{spec.Task{Kind: spec.Preference, Reasoning: "r", Metric: WinRate}, false, "", "the task has no gold reward to judge wins by"},
		{spec.Task{Kind: spec.Preference, Reasoning: "r", Metric: WinRate}, true, spec.ModeGenerate, ""},
	} {
		if mode, why := Applicable(m, c.task, c.gold); mode != c.mode || why != c.why {
			t.Errorf("%+v: %q, %q; want %q, %q", c.task, mode, why, c.mode, c.why)
		}
	}
}
