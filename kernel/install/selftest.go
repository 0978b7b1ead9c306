package install

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tunelab/tunelab/kernel/client"
)

// SelfTest starts the kernel as Jupyter does and has it do what a notebook needs; it
// writes a line for each check and fails at the first that does not hold.
func SelfTest(ctx context.Context, program string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	c, err := client.Start(ctx, []string{program}, out)
	if err != nil {
		return err
	}
	say := func(what string) {
		fmt.Fprintf(out, "ok  %-50s %v\n", what, time.Since(began).Round(time.Millisecond))
		began = time.Now()
	}
	for _, t := range []struct{ what, code, status, shows string }{
		{"a value", "1+1", "ok", `"2"`},
		{"a variable", "x := []int{1, 2, 3}", "ok", ""},
		{"it is there in the next cell", "len(x)", "ok", `"3"`},
		{"printed text", `fmt.Println("hello, world")`, "ok", "hello, world"},
		{"rich output", `display.HTML("<b>bold</b>")`, "ok", "text/html"},
		{"an error with its place", "undefined_name", "error", ":1:1"},
		{"a panic", "x[5]", "error", "index out of range"},
		{"the session after it", "x[1]", "ok", `"2"`},
	} {
		var shown strings.Builder
		r, err := c.Execute(ctx, t.code, func(o client.Output) { shown.Write(o.Content) })
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", t.what, err)
		case r.Status != t.status || !strings.Contains(shown.String(), t.shows):
			return fmt.Errorf("%s: %q gave %s and showed %s", t.what, t.code, r.Status, shown.String())
		}
		say(t.what)
	}
	done := make(chan error, 1)
	var r client.Reply
	go func() {
		var err error
		r, err = c.Execute(ctx, "for {\n}", func(client.Output) {})
		done <- err
	}()
	time.Sleep(200 * time.Millisecond)
	began = time.Now()
	if err := c.Interrupt(ctx); err != nil {
		return fmt.Errorf("interrupt: %w", err)
	}
	if err := <-done; err != nil || r.Status != "error" {
		return fmt.Errorf("interrupt: the loop ended with %s: %v", r.Status, err)
	}
	say("an endless loop is interrupted")
	if err := c.Close(); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	say("shutdown")
	return nil
}
