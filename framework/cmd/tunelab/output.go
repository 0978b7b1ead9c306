package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printJSON writes v as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// columns writes rows in aligned columns; cells of a row are divided by tabs.
func columns(w io.Writer, rows []string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, r)
	}
	return t.Flush()
}

// oneLine makes a text fit a table's cell.
func oneLine(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// duration writes a length of time in the two units that matter.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// printLines writes a JSON object a line.
func printLines[T any](w io.Writer, list []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, v := range list {
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// meter gives a function that tells on standard error how far something is:
// nothing in the first two seconds, then a line every two.
func (a *app) meter(what string) func(done, total int) {
	start := time.Now()
	last := start
	return func(done, total int) {
		if time.Since(last) < 2*time.Second || done == 0 {
			return
		}
		last = time.Now()
		left := time.Duration(float64(last.Sub(start)) * float64(total-done) / float64(done))
		fmt.Fprintf(a.err, "%s %d of %d, about %s left\n", what, done, total, duration(left))
	}
}
