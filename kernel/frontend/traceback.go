package frontend

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tunelab/tunelab/kernel/engine"
)

// Colours of a traceback, as terminals and notebooks have them.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	cyan   = "\x1b[36m"
	normal = "\x1b[0m"
)

// failure is an error as the protocol has it. The traceback holds the message, the line
// that it is about with its column marked, and the calls that led there with theirs.
func (k *Kernel) failure(e *engine.Error) content {
	head := red + e.Kind + normal + ": " + e.Message
	value := e.Message
	if p := e.Position(); p != "" {
		head = cyan + p + normal + ": " + head
		value = p + ": " + value
	}
	trace := []string{head}
	if line, ok := k.sourceLine(e.File, e.Line); ok {
		trace = append(trace, "    "+line)
		if e.Col > 0 && e.Col <= len(line)+1 {
			trace = append(trace, "    "+blank(line[:e.Col-1])+green+"^"+normal)
		}
	}
	for _, f := range e.Stack {
		line, _ := k.sourceLine(f.File, f.Line)
		trace = append(trace, fmt.Sprintf("%s%s%s\n\t%s%s:%d%s\t%s", green, f.Func, normal, cyan, f.File, f.Line, normal, strings.TrimSpace(line)))
	}
	return content{"status": "error", "ename": e.Kind, "evalue": value, "traceback": trace}
}

// blank is as wide as a text: its tabs stay.
func blank(s string) string {
	tabs := strings.Count(s, "\t") // they stand in front, where lines are indented
	return strings.Repeat("\t", tabs) + strings.Repeat(" ", utf8.RuneCountInString(s)-tabs)
}

// sourceLine gives a line of a cell that was run, by its file's name.
func (k *Kernel) sourceLine(file string, line int) (string, bool) {
	var n int
	if _, err := fmt.Sscanf(file, "In[%d]", &n); err != nil {
		return "", false
	}
	lines := strings.Split(k.sources[n], "\n")
	if line < 1 || line > len(lines) {
		return "", false
	}
	return lines[line-1], true
}
