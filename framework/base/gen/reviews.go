package gen

import "strings"

// Words of praise and blame; index 0 blames, index 1 praises.
var (
	qualities = [2][]string{
		strings.Fields("bad poor awful terrible boring horrible dull nasty ugly weak"),
		strings.Fields("good great lovely nice wonderful excellent perfect pleasant fine superb"),
	}
	feelings = [2][]string{{"hated", "disliked", "regretted"}, {"loved", "liked", "enjoyed"}}
	verdicts = [2][]string{
		{"I will not come back.", "I want my money back.", "I would not do it again.", "We left early.", "What a waste."},
		{"I will come back.", "I told all my friends.", "I would do it again.", "We stayed late.", "What a joy."},
	}
	reviewed = []string{"soup", "bread", "cake", "tea", "service", "waiter", "film", "story", "actor", "ending", "music", "room", "bed", "staff", "view", "phone", "screen", "price", "garden", "concert"}
	stars    = [2][]string{{"1 star", "2 stars"}, {"4 stars", "5 stars"}}
	settings = []string{"We came on Monday.", "It was our first visit.", "I went with my friend.", "It was raining.", "I paid 9 coins.", "My sister came too."}
)

// opinion is a clause that praises (1) or blames (0) a thing, plainly or by
// negation.
func opinion(s *stream, good int, thing string) string {
	switch s.n(6) {
	case 0:
		return "the " + thing + " was not " + pick(s, qualities[1-good])
	case 1:
		return "I " + pick(s, feelings[good]) + " the " + thing
	case 2:
		if good == 0 {
			return "I did not like the " + thing
		}
		return "I did not hate the " + thing
	case 3:
		return "the " + thing + " was very " + pick(s, qualities[good])
	default:
		return "the " + thing + " was " + pick(s, qualities[good])
	}
}

// review draws a review and its sentiment, 1 when good. The rule that a
// method has to find: negation turns a word round, what follows "but" (or the
// main clause beside "although") decides, and a verdict at the end decides
// over all.
func review(s *stream) (string, int) {
	good := s.n(2)
	things := sample(s, reviewed, 2)
	text := ""
	switch c := s.n(100); {
	case c < 25:
		text = opinion(s, good, things[0]) + "."
	case c < 45:
		text = opinion(s, good, things[0]) + " and " + opinion(s, good, things[1]) + "."
	case c < 70:
		text = opinion(s, 1-good, things[0]) + " but " + opinion(s, good, things[1]) + "."
	case c < 80:
		text = "although " + opinion(s, 1-good, things[0]) + ", " + opinion(s, good, things[1]) + "."
	case c < 90:
		text = opinion(s, s.n(2), things[0]) + ". " + pick(s, verdicts[good])
	default:
		text = opinion(s, good, things[0]) + ". " + sentenceCase(opinion(s, good, things[1])) + ". " + pick(s, verdicts[good])
	}
	return sentenceCase(text), good
}

func sentenceCase(t string) string { return strings.ToUpper(t[:1]) + t[1:] }

// reviewFor draws until the review belongs to who, and puts a neutral sentence
// before some. The corpus may not say another's review as a part of a longer
// one either.
func reviewFor(s *stream, who int) (string, int) {
	for {
		text, good := review(s)
		if owner("review", text) != who || who == forCorpus && !everyPartFree(text) {
			continue
		}
		if s.percent(25) {
			text = pick(s, settings) + " " + text
		}
		return text, good
	}
}

// everyPartFree says whether every run of whole sentences in the text, the
// first one also cut to its last clause with "I", is the corpus's to say.
func everyPartFree(text string) bool {
	sentences := strings.SplitAfter(text, ". ")
	for i := range sentences {
		run := ""
		for j := i; j < len(sentences); j++ {
			run += sentences[j]
			x := strings.TrimSpace(run)
			if !isVerdict(x) && owner("review", x) != forCorpus {
				return false
			}
			if at := strings.LastIndex(sentences[i], " I "); at >= 0 && owner("review", x[at+1:]) != forCorpus {
				return false
			}
		}
	}
	return true
}

func isVerdict(x string) bool { return contains(verdicts[0], x) || contains(verdicts[1], x) }

func corpusReview(s *stream) (string, int) { return reviewFor(s, forCorpus) }

// reviewDoc is one to four reviews; most say how many stars they give.
func reviewDoc(s *stream) string {
	var out []string
	rated := s.percent(70)
	for range s.between(1, 4) {
		text, good := corpusReview(s)
		if rated {
			text += " I give it " + pick(s, stars[good]) + "."
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

// sentimentTask has as many negative as positive reviews in each split, up to
// chance.
func sentimentTask(seed uint64) Task {
	s := newStream(seed, "task sentiment")
	labels := []string{"negative", "positive"}
	rows := distinctRows("text", func(split int) Row {
		text, good := reviewFor(s, ownerOf(split))
		return Row{"text": text, "label": labels[good]}
	}, 600, 150, 400)
	return Task{
		Name: "sentiment", Kind: KindClassification,
		Prompt: "Review: {text}\nSentiment:", Answer: "{label}", Label: "label", Labels: labels,
		Metric: "accuracy", Stop: []string{"\n"}, MaxNew: 4,
		Train: rows[0], Validation: rows[1], Test: rows[2],
	}
}
