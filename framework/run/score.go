package run

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/eval/score"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// scored is one test item with its score.
type scored struct {
	row   tracking.Prediction
	value float64 // the item's contribution; NaN when the item has none
	n     int     // logprobs: tokens
	pred  int     // labels: the predicted label
	gold  int
}

// scoreItem judges one answer. The host alone knows the gold side.
func scoreItem(metric string, t spec.Task, q question, p spec.Prediction, gold Gold) (scored, error) {
	s := scored{pred: -1, gold: -1}
	var correct *bool
	mark := func(ok bool) {
		correct = &ok
		if ok {
			s.value = 1
		}
	}
	switch metric {
	case Accuracy, AccuracyNorm, MacroF1:
		options := t.Labels
		if len(options) == 0 || len(q.item.Choices) > 0 {
			options = q.item.Choices
		}
		if len(p.Scores) != len(options) {
			return s, fmt.Errorf("item %s: %d scores for %d options", q.item.ID, len(p.Scores), len(options))
		}
		values := p.Scores
		if metric == AccuracyNorm {
			values = score.NormaliseByChars(p.Scores, options)
		}
		s.pred, s.gold = score.Argmax(values), q.test.Label
		if len(t.Labels) == 0 {
			s.gold = slices.Index(options, q.test.Answer)
		}
		mark(s.pred == s.gold)
	case ExactMatch:
		said := p.Text
		if p.Answer != "" {
			said = p.Answer
		}
		mark(score.ExactMatch(said, q.test.Answer))
	case Number:
		texts := p.Samples
		if len(texts) == 0 {
			texts = []string{p.Text}
		}
		mark(score.NumberMatch(texts, q.test.Answer))
	case CompletionLoss, Perplexity:
		if len(p.Logprobs) == 0 {
			return s, fmt.Errorf("item %s: no log-probability came back", q.item.ID)
		}
		for _, v := range p.Logprobs {
			s.value -= v
		}
		s.n = len(p.Logprobs)
		s.value /= float64(s.n)
	case WinRate:
		own, err := gold(q.test.Fields, p.Text)
		if err != nil {
			return s, fmt.Errorf("item %s: gold reward of the response: %w", q.item.ID, err)
		}
		ref, err := gold(q.test.Fields, q.test.Chosen)
		if err != nil {
			return s, fmt.Errorf("item %s: gold reward of the reference: %w", q.item.ID, err)
		}
		s.value = score.Win(own, ref)
	default:
		return s, fmt.Errorf("metric %q is not known", metric)
	}
	out, err := json.Marshal(p)
	if err != nil {
		return s, err
	}
	s.row = tracking.Prediction{ItemID: q.item.ID, ItemHash: q.test.Hash, Output: out, Score: s.value, Correct: correct}
	return s, nil
}

// pairs judges the reward mode, where two answers make one item.
func pairs(qs []question, ps []spec.Prediction) ([]scored, error) {
	var out []scored
	for i := 0; i+1 < len(qs); i += 2 {
		if len(ps[i].Scores) != 1 || len(ps[i+1].Scores) != 1 {
			return nil, fmt.Errorf("item %s: reward mode gives one score a response", qs[i].item.ID)
		}
		chosen, rejected := ps[i].Scores[0], ps[i+1].Scores[0]
		if qs[i].of == "rejected" {
			chosen, rejected = rejected, chosen
		}
		ok := chosen > rejected
		s := scored{value: score.Win(chosen, rejected)}
		raw, err := json.Marshal(map[string]float64{"chosen": chosen, "rejected": rejected})
		if err != nil {
			return nil, err
		}
		s.row = tracking.Prediction{ItemID: qs[i].test.Item.ID, ItemHash: qs[i].test.Hash, Output: raw, Score: s.value, Correct: &ok}
		out = append(out, s)
	}
	return out, nil
}

// aggregate is the metric over items: the mean, except for token-weighted
// losses and macro F1.
func aggregate(metric string, t spec.Task, items []scored) tracking.Score {
	values := make([]float64, len(items))
	for i, s := range items {
		values[i] = s.value
	}
	mean, stderr := score.Mean(values)
	out := tracking.Score{Metric: metric, Value: mean, StdErr: stderr, N: int64(len(items))}
	switch metric {
	case CompletionLoss, Perplexity:
		sum, n := 0.0, 0
		for _, s := range items {
			sum += s.value * float64(s.n)
			n += s.n
		}
		out.Value = sum / float64(n)
		if metric == Perplexity {
			out.Value, out.StdErr = math.Exp(out.Value), math.NaN()
		}
	case MacroF1:
		var pred, gold []int
		for _, s := range items {
			pred, gold = append(pred, s.pred), append(gold, s.gold)
		}
		out.Value, out.StdErr = score.MacroF1(pred, gold, len(t.Labels)), math.NaN()
	}
	return out
}

// majorityClass is the baseline that always answers the most common training
// label; ok is false for tasks without labels.
func majorityClass(t spec.Task, train []spec.Example, test []data.TestItem) (items []scored, ok bool) {
	if len(t.Labels) == 0 {
		return nil, false
	}
	counts := make([]int, len(t.Labels))
	for _, e := range train {
		counts[e.Label]++
	}
	best := 0
	for k, n := range counts {
		if n > counts[best] {
			best = k
		}
	}
	for _, it := range test {
		s := scored{pred: best, gold: it.Label}
		if best == it.Label {
			s.value = 1
		}
		right := best == it.Label
		s.row = tracking.Prediction{ItemID: it.Item.ID, ItemHash: it.Hash, Mode: spec.ModeLabels, Score: s.value, Correct: &right,
			Output: json.RawMessage(fmt.Sprintf(`{"label":%d}`, best))}
		items = append(items, s)
	}
	return items, true
}
