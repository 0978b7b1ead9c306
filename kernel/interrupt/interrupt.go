// Package interrupt lets compiled code that a cell calls end by itself when the
// person interrupts the cell, and return what it has. Without it an interrupt stops
// the cell, and a call that does not return is left behind.
package interrupt

import (
	"context"
	"sync"
)

var (
	mu      sync.Mutex
	holders []*holder
)

type holder struct {
	cancel context.CancelFunc
	used   bool
}

// Context ends at the next interrupt, which then does not reach the cell. One more
// interrupt does. Call release when the work is done.
func Context() (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	h := &holder{cancel: cancel}
	mu.Lock()
	holders = append(holders, h)
	mu.Unlock()
	return ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		cancel()
		for i, o := range holders {
			if o == h {
				holders = append(holders[:i:i], holders[i+1:]...)
				return
			}
		}
	}
}

// Take hands an interrupt to the work that asked for it last and has had none, and
// tells whether there was any. The kernel calls it.
func Take() bool {
	mu.Lock()
	defer mu.Unlock()
	if len(holders) == 0 {
		return false
	}
	h := holders[len(holders)-1]
	if h.used {
		return false
	}
	h.used = true
	h.cancel()
	return true
}
