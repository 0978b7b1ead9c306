package history

import (
	"regexp"
	"strings"
)

// glob matches a whole text against a pattern in which * stands for any text, over
// lines too, and ? for any character.
func glob(pattern, text string) (bool, error) {
	p := regexp.QuoteMeta(pattern)
	p = strings.ReplaceAll(strings.ReplaceAll(p, `\*`, `.*`), `\?`, `.`)
	return regexp.MatchString(`(?s)\A`+p+`\z`, text)
}
