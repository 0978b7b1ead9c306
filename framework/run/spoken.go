package run

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/eval/score"
	"github.com/tunelab/tunelab/framework/spec"
)

// Spoken is a prediction in words, for people: the text, the option of the
// highest score, or the mean log-probability.
func Spoken(mode string, t spec.Task, it spec.Item, p spec.Prediction) string {
	switch mode {
	case spec.ModeGenerate:
		return p.Text
	case spec.ModeLabels, spec.ModeChoices:
		options := it.Choices
		if len(options) == 0 {
			options = t.Labels
		}
		if k := score.Argmax(p.Scores); len(p.Scores) == len(options) && k >= 0 {
			return options[k]
		}
	case spec.ModeLogprobs:
		sum := 0.0
		for _, v := range p.Logprobs {
			sum += v
		}
		if n := len(p.Logprobs); n > 0 {
			return fmt.Sprintf("(%.3f nats a token over %d tokens)", -sum/float64(n), n)
		}
	}
	return ""
}
