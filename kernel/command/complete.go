package command

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/kernel/engine"
)

// Complete gives what may stand at an offset, in bytes, of a line that begins with
// % or $: names of commands, and files. ok tells such a line.
func Complete(code string, offset int) (c engine.Completion, ok bool) {
	line := code[strings.LastIndexByte(code[:offset], '\n')+1 : offset]
	text := strings.TrimLeft(line, " \t")
	if text == "" || text[0] != '%' && text[0] != '$' {
		return c, false
	}
	word := text[strings.LastIndexAny(text, " \t")+1:]
	if text[0] == '%' && word == text {
		c.Start, c.End = offset-len(word)+1, offset
		for _, n := range Names() {
			if strings.HasPrefix(n, word[1:]) {
				c.Matches = append(c.Matches, engine.Match{Text: n, Kind: "command"})
			}
		}
		return c, true
	}
	if strings.HasPrefix(text, "%time") {
		return c, false
	}
	c.Start, c.End = offset-len(word), offset
	found, _ := filepath.Glob(strings.TrimPrefix(word, "$") + "*")
	for _, f := range found {
		if info, err := os.Stat(f); err == nil && info.IsDir() {
			f += string(filepath.Separator)
		}
		c.Matches = append(c.Matches, engine.Match{Text: f, Kind: "path"})
	}
	return c, true
}
