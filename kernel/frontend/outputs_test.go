package frontend

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/kernel/wire"
)

// collect follows what is written and gives what is published, and the writer.
func collect(t *testing.T) (*outputs, *io.PipeWriter, func() string) {
	t.Helper()
	var b strings.Builder
	o := newOutputs(func(name, text string) { b.WriteString(text) }) // called under the lock of o
	r, w := io.Pipe()
	o.begin()
	o.open[1] = false
	go o.follow(0, r)
	return o, w, func() string {
		o.mu.Lock()
		defer o.mu.Unlock()
		return b.String()
	}
}

func TestTextKeepsItsPlaceBesideEvents(t *testing.T) {
	o, w, got := collect(t)
	go fmt.Fprint(w, "before"+wire.Mark(1)+"after"+wire.Mark(2)+"last")
	o.await(1, false)
	o.flush(false)
	if s := got(); s != "before" {
		t.Errorf("before the event is published there is %q", s)
	}
	o.release(1)
	o.await(2, false)
	if s := got(); s != "beforeafter" {
		t.Errorf("before the second event there is %q", s)
	}
}

func TestMarksAndCharactersInPieces(t *testing.T) {
	o, w, got := collect(t)
	text := "grüße\x00tune" + wire.Mark(1) + "☃"
	for i := range len(text) {
		fmt.Fprint(w, text[i:i+1])
	}
	w.Close()
	o.mu.Lock()
	for o.open[0] {
		o.changed.Wait()
	}
	o.mu.Unlock()
	o.await(1, true)
	o.release(1)
	o.flush(true)
	if s := got(); s != "grüße\x00tune☃" {
		t.Errorf("published %q", s)
	}
}

func TestAFloodIsCut(t *testing.T) {
	o, w, got := collect(t)
	go func() {
		for range 100 {
			fmt.Fprint(w, strings.Repeat("x", 100_000))
		}
		fmt.Fprint(w, wire.Mark(1))
	}()
	o.await(1, true)
	if s := got(); len(s) > burst+rate || !strings.Contains(s, "are cut here") {
		t.Errorf("%d bytes are published", len(s))
	}
	o.release(1)
	o.cell()
	fmt.Fprint(w, "next cell"+wire.Mark(2))
	o.await(2, true)
	if s := got(); !strings.HasSuffix(s, "next cell") {
		t.Errorf("the next cell shows %q", s[len(s)-100:])
	}
}
