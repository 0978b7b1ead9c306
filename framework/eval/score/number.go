package score

import (
	"math/big"
	"regexp"
	"strings"
)

var (
	answerIs = regexp.MustCompile(`(?i)the answer is\s*:?\s*(-?\s?\$?\s?-?[0-9.,]*[0-9][0-9.,]*)`)
	strict   = regexp.MustCompile(`#### (\-?[0-9\.\,]+)`)
	flexible = regexp.MustCompile(`(-?[$0-9.,]{2,})|(-?[0-9]+)`)
	plain    = regexp.MustCompile(`^-?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)
	cleaner  = strings.NewReplacer(",", "", "$", "", " ", "", "\t", "", "\n", "")
)

// ExtractNumber finds the final number of a worked answer. It tries in order:
// the last "The answer is N" (Wei et al. 2022, chain of thought), the last
// "#### N" (GSM8K, Cobbe et al. 2021; the strict filter of EleutherAI's
// lm-evaluation-harness), and the last match of that harness's flexible
// filter. Commas, dollar signs and trailing periods are removed, and matches
// that hold no number ("..") are passed over. ok is false when there is none.
func ExtractNumber(text string) (number string, ok bool) {
	for _, pattern := range []*regexp.Regexp{answerIs, strict, flexible} {
		matches := pattern.FindAllStringSubmatch(text, -1)
		for i := len(matches) - 1; i >= 0; i-- {
			m := matches[i][1]
			if m == "" {
				m = matches[i][0]
			}
			if n := strings.TrimRight(cleaner.Replace(m), "."); plain.MatchString(n) {
				return n, true
			}
		}
	}
	return "", false
}

// NumberMatch tells whether the number in texts equals gold's by value, so
// that 3.0 matches 3. Gold may be a number or a worked answer that ends in
// one. With several texts the extracted numbers vote (self-consistency, Wang
// et al. 2023, section 2); the most common wins, ties go to the one seen
// first, and texts without a number do not vote.
func NumberMatch(texts []string, gold string) bool {
	want, ok := value(gold)
	if !ok {
		return false
	}
	votes := map[string]int{}
	var order []*big.Rat
	for _, t := range texts {
		v, ok := value(t)
		if !ok {
			continue
		}
		if votes[v.String()]++; votes[v.String()] == 1 {
			order = append(order, v)
		}
	}
	var best *big.Rat
	for _, v := range order {
		if best == nil || votes[v.String()] > votes[best.String()] {
			best = v
		}
	}
	return best != nil && best.Cmp(want) == 0
}

func value(text string) (*big.Rat, bool) {
	n, ok := ExtractNumber(text)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(n)
}
