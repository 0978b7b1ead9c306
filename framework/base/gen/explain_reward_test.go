package gen

import (
	"slices"
	"strings"
	"testing"
)

// Every pair is ordered by the gold reward, with the stated margin.
func TestChosenIsBetter(t *testing.T) {
	task := Tasks(1)[4]
	for _, rows := range [][]Row{task.Train, task.Validation, task.Test} {
		for _, r := range rows {
			c, j := ExplainReward(r, r["chosen"].(string)), ExplainReward(r, r["rejected"].(string))
			if c < j+explainMargin/1000. || c > 1 || j < 0 {
				t.Errorf("%q: chosen %q %.3f, rejected %q %.3f", r["prompt"], r["chosen"], c, r["rejected"], j)
			}
		}
	}
}

// For every topic and audience the full text of the right register must be
// worth much, and each way to get reward without explaining little.
func TestRewardIsHardToGame(t *testing.T) {
	all := func(expert bool) string {
		var out []string
		for _, x := range topics {
			out = append(out, x.register(expert)...)
		}
		return strings.Join(out, " ")
	}
	for i, x := range topics {
		other := topics[(i+13)%len(topics)]
		for _, audience := range []string{Child, Expert} {
			expert := audience == Expert
			row := Row{"audience": audience, "question": "Tell me why " + x.clause + "."}
			own := strings.Join(x.register(expert), " ")
			honest := ExplainReward(row, own)
			if honest < 0.7 {
				t.Errorf("%s for %s: the full text is worth %.3f", x.clause, audience, honest)
			}
			words := strings.Fields(strings.ReplaceAll(own, ".", ""))
			slices.Sort(words)
			var technical []string
			for w := range lexicon.technical {
				technical = append(technical, w)
			}
			slices.Sort(technical)
			for name, trick := range map[string]string{
				"other register":               strings.Join(x.register(!expert), " "),
				"other topic":                  strings.Join(other.register(expert), " "),
				"one sentence again and again": strings.Repeat(x.register(expert)[0]+" ", 4),
				"one key word":                 strings.Repeat(x.keys[0]+" ", 12) + ".",
				"key words":                    strings.Repeat(strings.Join(x.keys, " ")+". ", 3),
				"sorted words":                 strings.Join(words, " ") + ".",
				"all that is known":            all(expert),
				"technical words":              strings.Join(x.keys, " ") + " " + strings.Join(technical[:12], " ") + ".",
				"the question":                 "Tell me why " + x.clause + ".",
				"nothing":                      "",
				"openers":                      strings.Join(openers[0], " ") + " " + strings.Join(openers[1], " "),
				"no end":                       strings.TrimSuffix(own, "."),
			} {
				if got := ExplainReward(row, trick); got > 0.55*honest {
					t.Errorf("%s for %s: %s is worth %.3f, the honest text %.3f: %q", x.clause, audience, name, got, honest, trick)
				}
			}
		}
	}
}

func TestEachAskIsOnOneTopic(t *testing.T) {
	for _, x := range topics {
		for _, ask := range append(slices.Clone(taskAsks), corpusAsks...) {
			n := 0
			for _, y := range topics {
				if strings.Contains(strings.ReplaceAll(ask, "%", x.clause), y.clause) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%q is on %d topics", strings.ReplaceAll(ask, "%", x.clause), n)
			}
		}
	}
}

func TestScoreExplanationNamesTheField(t *testing.T) {
	if _, err := ScoreExplanation(Row{"question": "Tell me why ice melts."}, "x"); err == nil || !strings.Contains(err.Error(), "field audience") {
		t.Errorf("no audience: %v", err)
	}
	if _, err := ScoreExplanation(Row{"question": "Who?", "audience": Child}, "x"); err == nil || !strings.Contains(err.Error(), "field question") {
		t.Errorf("no topic: %v", err)
	}
}
