package run

import (
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// Metrics that a task can name.
const (
	Accuracy       = "accuracy"        // labels or choices: share answered right
	AccuracyNorm   = "acc_norm"        // choices: log-likelihood divided by the choice's characters (lm-evaluation-harness)
	MacroF1        = "macro_f1"        // labels: mean of the labels' F1
	ExactMatch     = "exact_match"     // generate: the answer after normalisation
	Number         = "number"          // generate: the extracted number
	CompletionLoss = "completion_loss" // logprobs: nats per held-out completion token; lower is better
	Perplexity     = "perplexity"      // logprobs: exp of the former; lower is better
	WinRate        = "win_rate"        // generate: gold reward above the dataset reference's, ties half
	RewardAccuracy = "reward_accuracy" // reward: chosen above rejected
)

// LowerIsBetter says which way a metric points.
func LowerIsBetter(metric string) bool { return metric == CompletionLoss || metric == Perplexity }

// modesFor lists the prediction modes that can answer a metric, best first.
func modesFor(metric string) []string {
	switch metric {
	case Accuracy:
		return []string{spec.ModeLabels, spec.ModeChoices}
	case AccuracyNorm:
		return []string{spec.ModeChoices}
	case MacroF1:
		return []string{spec.ModeLabels, spec.ModeChoices}
	case ExactMatch, Number, WinRate:
		return []string{spec.ModeGenerate}
	case CompletionLoss, Perplexity:
		return []string{spec.ModeLogprobs}
	case RewardAccuracy:
		return []string{spec.ModeReward}
	}
	return nil
}

// Applicable says whether a method can be scored on a task, and how it will be
// asked; otherwise the reason that the table shows.
func Applicable(m spec.Method, t spec.Task, gold bool) (mode, reason string) {
	if !slices.Contains(m.Tasks, t.Kind) {
		return "", fmt.Sprintf("%s does not do %s tasks", m.Name, t.Kind)
	}
	for _, s := range m.Supervision {
		if s == "reasoning" && t.Reasoning == "" {
			return "", "the task has no worked reasoning"
		}
		if s == "preferences" && t.Chosen == "" {
			return "", "the task has no preference pairs"
		}
	}
	if t.Metric == WinRate && !gold {
		return "", "the task has no gold reward to judge wins by"
	}
	modes := modesFor(t.Metric)
	for _, mode := range modes {
		if mode == spec.ModeLabels && len(t.Labels) == 0 {
			continue
		}
		if slices.Contains(m.Modes, mode) {
			return mode, ""
		}
	}
	return "", fmt.Sprintf("%s does not answer in a mode that %s needs (%v)", m.Name, t.Metric, modes)
}

// question is one item as it is asked, with what the host alone knows of it.
type question struct {
	item spec.Item
	test *data.TestItem
	of   string // reward: "chosen" or "rejected"
}

// questions renders test items for a mode. Targets and responses are added
// here, after the artifacts were sealed, for the modes that must show them.
func questions(mode string, t spec.Task, test []data.TestItem) []question {
	var out []question
	for i := range test {
		it := &test[i]
		q := question{item: it.Item, test: it}
		switch mode {
		case spec.ModeLogprobs:
			q.item.Target = it.Answer
			if q.item.Target == "" {
				q.item.Target = it.Chosen
			}
			out = append(out, q)
		case spec.ModeReward:
			// Neither the id nor the order says which response is which.
			sides := []string{"chosen", "rejected"}
			if spec.Stream(0, "pair "+it.Item.ID).IntN(2) == 1 {
				slices.Reverse(sides)
			}
			for n, of := range sides {
				p := q
				p.of, p.item.ID = of, fmt.Sprintf("%s/%d", it.Item.ID, n)
				p.item.Response = it.Chosen
				if of == "rejected" {
					p.item.Response = it.Rejected
				}
				out = append(out, p)
			}
		default:
			out = append(out, q)
		}
	}
	return out
}

// ModeOf tells by which mode's predictions a metric was scored; "" when it is
// not the mean over them.
func ModeOf(metric string, ps []tracking.Prediction) string {
	if metric == MacroF1 || metric == Perplexity {
		return ""
	}
	for _, mode := range modesFor(metric) {
		for _, p := range ps {
			if p.Mode == mode {
				return mode
			}
		}
	}
	return ""
}
