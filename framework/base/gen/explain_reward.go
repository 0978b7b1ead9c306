package gen

import (
	"fmt"
	"strings"
	"unicode"
)

// ExplainReward is the gold reward of a response to a row of the explain
// task, from 0 (worthless) to 1. fields needs "question" and "audience"; the
// answer fields are not looked at. Fields that are no row of the task panic;
// [ScoreExplanation] gives an error instead.
//
// It is a product, so that no virtue makes up for a fault: the register fits
// the audience (sentence length, technical words for an expert, plain words
// for a child) x on the topic (its words, in each sentence) x well formed
// (ends with a full stop, 12 to 45 words) x not repetitive x coherent
// (neighbouring words that the two registers know as neighbours, so that a
// heap of key words earns little). All arithmetic is in integers and gives the
// same bits on every platform.
func ExplainReward(fields map[string]any, response string) float64 {
	r, err := ScoreExplanation(fields, response)
	if err != nil {
		panic(err)
	}
	return r
}

// ScoreExplanation is [ExplainReward] with an error for a missing or unknown
// audience and for a question on no topic of the task.
func ScoreExplanation(fields map[string]any, response string) (float64, error) {
	question, _ := fields["question"].(string)
	audience, _ := fields["audience"].(string)
	if audience != Child && audience != Expert {
		return 0, fmt.Errorf("gen: field audience is %q; use %q or %q", audience, Child, Expert)
	}
	for _, t := range topics {
		if strings.Contains(question, t.clause) {
			return float64(reward(t, audience == Expert, response)) / 1000, nil
		}
	}
	return 0, fmt.Errorf("gen: field question is %q, on no topic of the explain task; score rows of that task only", question)
}

// reward is ExplainReward in thousandths.
func reward(t topic, expert bool, response string) int {
	sentences, ended := splitSentences(response)
	var words []string
	for _, x := range sentences {
		words = append(words, x...)
	}
	if len(words) < 3 {
		return 0
	}
	r := 1000
	for _, factor := range []int{
		registerFit(sentences, expert), onTopic(t, sentences), wellFormed(len(words), ended),
		notRepetitive(sentences), coherent(sentences),
	} {
		r = r * factor / 1000
	}
	return r
}

// splitSentences gives the lower-case words of each sentence, and whether the
// text ends with a sentence's end.
func splitSentences(text string) (sentences [][]string, ended bool) {
	text = strings.TrimSpace(text)
	ended = strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?")
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(".!?\n", r) }) {
		words := strings.FieldsFunc(strings.ToLower(part), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if len(words) > 0 {
			sentences = append(sentences, words)
		}
	}
	return sentences, ended
}

// slope is 0 at from and below, 1000 at to and above (either may be larger).
func slope(x, from, to int) int {
	return max(0, min(1000, (x-from)*1000/(to-from)))
}

// registerFit is the mean over sentences of how well each fits the audience.
func registerFit(sentences [][]string, expert bool) int {
	total := 0
	for _, words := range sentences {
		long, technical := 0, 0
		for _, w := range words {
			if lexicon.technical[w] {
				technical++
			}
			if len(w) > 7 {
				long++
			}
		}
		share := technical * 1000 / len(words)
		fit := 0
		if expert {
			fit = slope(share, 50, 300) * slope(len(words), 3, 8) / 1000
		} else {
			fit = slope(share, 250, 0) * slope(len(words), 14, 9) / 1000 * slope(long*1000/len(words), 400, 100) / 1000
		}
		total += fit
	}
	mean := total / len(sentences)
	return 50 + mean*950/1000
}

// onTopic wants two different key words of the topic in the text, and what
// most sentences say to be about the topic: to share a word of content with
// its explanations.
func onTopic(t topic, sentences [][]string) int {
	content := lexicon.content[t.clause]
	found, about := map[string]bool{}, 0
	for _, words := range sentences {
		shared := 0
		for _, w := range words {
			for _, k := range t.keys {
				if w == k {
					found[k] = true
				}
			}
			if content[w] {
				shared++
			}
		}
		if shared*10 >= len(words)*3 {
			about++
		}
	}
	keys := []int{50, 800, 1000}[min(2, len(found))]
	return keys * (300 + 700*about/len(sentences)) / 1000
}

func wellFormed(words int, ended bool) int {
	r := slope(words, 0, 12) * slope(words, 80, 45) / 1000
	if !ended {
		r = r * 4 / 10
	}
	return r
}

// notRepetitive falls with the share of three-word runs that came before, and
// sharply when a sentence is said twice.
func notRepetitive(sentences [][]string) int {
	seen, whole := map[string]bool{}, map[string]bool{}
	runs, again, twice := 0, 0, 0
	for _, words := range sentences {
		if k := strings.Join(words, " "); whole[k] {
			twice++
		} else {
			whole[k] = true
		}
		for i := 0; i+3 <= len(words); i++ {
			k := strings.Join(words[i:i+3], " ")
			runs++
			if seen[k] {
				again++
			}
			seen[k] = true
		}
	}
	if runs == 0 {
		return 300
	}
	return slope(again*1000/runs, 500, 50) * (len(sentences) - twice) / len(sentences)
}

// coherent is 100 for words in no known order, 1000 when at most a tenth of
// the neighbours is unknown.
func coherent(sentences [][]string) int {
	pairs, known := 0, 0
	for _, words := range sentences {
		for i := 0; i+1 < len(words); i++ {
			pairs++
			if lexicon.neighbours[words[i]+" "+words[i+1]] {
				known++
			}
		}
	}
	if pairs == 0 {
		return 100
	}
	return 100 + 900*slope(known*1000/pairs, 300, 900)/1000
}
