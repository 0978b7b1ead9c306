package display

import (
	"crypto/rand"
	"sync"
)

// Sink is where shown values go: the notebook's kernel sets it.
type Sink interface {
	// Display shows data; under an id that is not "" it can be changed later, and
	// update is that change.
	Display(d Data, id string, update bool)

	// Clear takes the cell's output away: at once, or when the next one comes.
	Clear(wait bool)
}

var (
	mu   sync.Mutex
	sink Sink
)

// SetSink says where values are shown.
func SetSink(s Sink) {
	mu.Lock()
	defer mu.Unlock()
	sink = s
}

func to() Sink {
	mu.Lock()
	defer mu.Unlock()
	if sink == nil {
		panic("display: there is no notebook here")
	}
	return sink
}

// Connected tells whether there is a notebook that shows values.
func Connected() bool {
	mu.Lock()
	defer mu.Unlock()
	return sink != nil
}

// Handle is something shown that can be changed in its place.
type Handle struct{ ID string }

// Show shows a value at once.
func Show(v any) *Handle {
	h := &Handle{ID: rand.Text()}
	to().Display(Of(v), h.ID, false)
	return h
}

// ShowAs shows a value under an id of one's own.
func ShowAs(id string, v any) *Handle {
	to().Display(Of(v), id, false)
	return &Handle{ID: id}
}

// Update changes it, wherever it is shown.
func (h *Handle) Update(v any) { to().Display(Of(v), h.ID, true) }

// Clear takes the cell's output away; with wait, when more is shown.
func Clear(wait bool) { to().Clear(wait) }
