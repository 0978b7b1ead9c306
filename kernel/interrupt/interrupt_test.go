package interrupt

import "testing"

func TestTheFirstInterruptGoesToTheWork(t *testing.T) {
	if Take() {
		t.Error("nobody asked for an interrupt")
	}
	outer, releaseOuter := Context()
	inner, releaseInner := Context()
	if !Take() || inner.Err() == nil || outer.Err() != nil {
		t.Error("the first interrupt is for what asked last")
	}
	if Take() {
		t.Error("a second one is for the cell")
	}
	releaseInner()
	if !Take() || outer.Err() == nil {
		t.Error("then for what asked before")
	}
	releaseOuter()
	if Take() {
		t.Error("nobody is left")
	}
}
