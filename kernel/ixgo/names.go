package ixgo

import (
	"regexp"
	"strings"
)

var mark = regexp.MustCompile(sep + `\d+`)

// plain is a name as its author wrote it: x of main.xᐧ3.
func plain(name string) string {
	return strings.TrimPrefix(mark.ReplaceAllString(name, ""), mainPath+".")
}

// hoistedName tells the names that hoist gives.
func hoistedName(name string) bool { return strings.Contains(name, sep) }
