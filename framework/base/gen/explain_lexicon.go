package gen

import "strings"

// explainLexicon is what the gold reward knows about words.
type explainLexicon struct {
	technical  map[string]bool            // words of six letters or more that only experts use
	neighbours map[string]bool            // "a b" where b follows a in some sentence
	content    map[string]map[string]bool // words of content of each topic, by its clause
}

var lexicon = readLexicon()

// readLexicon reads the lexicon from the table of topics.
func readLexicon() explainLexicon {
	l := explainLexicon{map[string]bool{}, map[string]bool{}, map[string]map[string]bool{}}
	plain := map[string]bool{}
	for _, t := range topics {
		for _, words := range sentencesOf(t.child) {
			for _, w := range words {
				plain[w] = true
			}
		}
	}
	for _, t := range topics {
		content := map[string]bool{}
		for _, words := range append(sentencesOf(t.child), sentencesOf(t.expert)...) {
			for _, w := range words {
				if !plain[w] && len(w) >= 6 {
					l.technical[w] = true
				}
				if !functionWords[w] {
					content[w] = true
				}
			}
			l.addNeighbours(words)
		}
		l.content[t.clause] = content
	}
	for _, register := range openers {
		for _, words := range sentencesOf(register) {
			l.addNeighbours(words)
		}
	}
	return l
}

func (l explainLexicon) addNeighbours(words []string) {
	for i := 1; i < len(words); i++ {
		l.neighbours[words[i-1]+" "+words[i]] = true
	}
}

func sentencesOf(texts []string) [][]string {
	sentences, _ := splitSentences(strings.Join(texts, " "))
	return sentences
}

// functionWords carry no topic.
var functionWords = wordSet("a an the of to in on at by for from with and or not no so then when it its they them we us is are was be has have can do does this that these as into than more very all our their there which will")

func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}
