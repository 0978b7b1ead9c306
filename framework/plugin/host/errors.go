package host

import (
	"fmt"
	"time"
)

// CrashedError says that the plugin's process ended by itself.
type CrashedError struct {
	Plugin string
	State  string // "exit status 2", "signal: killed"
	Log    string // the last lines of its stderr
}

func (e *CrashedError) Error() string {
	s := fmt.Sprintf("plugin %s crashed (%s)", e.Plugin, e.State)
	if e.Log != "" {
		s += "; its last words:\n" + e.Log
	}
	return s
}

// HungError says that the plugin neither sent an event nor answered Health.
type HungError struct {
	Plugin string
	After  time.Duration
	Log    string
}

func (e *HungError) Error() string {
	return fmt.Sprintf("plugin %s hung: no event and no answer for %v, so it was ended; see its log", e.Plugin, e.After)
}

// ProtocolError says that the binary is no plugin, or one of another protocol.
type ProtocolError struct {
	Plugin string
	Err    error
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("%s is no plugin that this host can use: %v; rebuild it with this version's SDK", e.Plugin, e.Err)
}

func (e *ProtocolError) Unwrap() error { return e.Err }

// MemoryError says that the host ended the plugin because it outgrew its cap.
type MemoryError struct {
	Plugin     string
	Used, Most int64 // bytes
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("plugin %s used %d MiB, above the budget's cap of %d MiB, and was ended; lower batch_size or raise budget.max_memory_bytes", e.Plugin, e.Used>>20, e.Most>>20)
}

// RefusedError says why a binary may not be loaded, before it is started or,
// where its description belies its file name, before it is used.
type RefusedError struct {
	Plugin string
	Path   string
	Err    error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("plugin %s (%s) is refused: %v", e.Plugin, e.Path, e.Err)
}

func (e *RefusedError) Unwrap() error { return e.Err }
