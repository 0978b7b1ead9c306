// Package history keeps the cells that were run, over all sessions, in a file.
package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Entry is one cell.
type Entry struct {
	Session int       `json:"session"`
	Line    int       `json:"line"` // the cell's number
	Code    string    `json:"code"`
	Output  string    `json:"output,omitempty"` // plain text of its result
	Time    time.Time `json:"time"`
}

// A file of more than twice these many entries, or of twice these many bytes, is cut to
// them when it is opened: the latest stay.
const (
	most      = 20_000
	mostBytes = 32 << 20
)

// History is the file and this session's part of it. A nil file: memory only.
type History struct {
	mu      sync.Mutex
	file    *os.File
	session int
	entries []Entry
}

// DefaultFile is the history's file: history.jsonl in the folder of tunelab's kernel
// under $XDG_DATA_HOME or ~/.local/share.
func DefaultFile() (string, error) {
	dir := os.Getenv("XDG_DATA_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(dir, "tunelab", "kernel", "history.jsonl"), nil
}

// Open reads a file, which it makes if there is none, and begins a session in it.
// Several kernels may have it open. An empty name keeps the history in memory.
func Open(name string) (*History, error) {
	h := &History{session: 1}
	if name == "" {
		return h, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	unlock, err := lock(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("history %s: %w", name, err)
	}
	defer unlock() // taken again by write, which is no obstacle: a lock belongs to the file as it was opened
	b := bufio.NewReader(f)
	lines, size := 0, 0
	for {
		line, err := b.ReadBytes('\n')
		lines, size = lines+1, size+len(line)
		var e Entry
		if json.Unmarshal(line, &e) == nil && e.Session > 0 { // half a line: a kernel was killed as it wrote
			h.session = max(h.session, e.Session+1)
			if e.Line > 0 {
				h.put(e)
			}
		}
		if err != nil {
			break
		}
	}
	h.file = f
	if lines > 2*most || size > 2*mostBytes {
		if err := h.compact(name); err != nil {
			return nil, err
		}
	}
	return h, h.write(Entry{Session: h.session, Time: time.Now().UTC()})
}

func (h *History) put(e Entry) {
	for i := len(h.entries) - 1; i >= 0 && i > len(h.entries)-8; i-- {
		if h.entries[i].Session == e.Session && h.entries[i].Line == e.Line && h.entries[i].Code == e.Code {
			h.entries[i] = e // the same cell, with its output
			return
		}
	}
	if h.entries = append(h.entries, e); len(h.entries) > 2*most {
		h.entries = slices.Clone(h.entries[len(h.entries)-most:])
	}
}

// write appends an entry, while no other kernel compacts the file.
func (h *History) write(e Entry) error {
	if h.file == nil {
		return nil
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	unlock, err := lock(h.file)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer unlock()
	if _, err := h.file.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// Add keeps a cell. A history that cannot be written goes on in memory.
func (h *History) Add(line int, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Entry{Session: h.session, Line: line, Code: code, Time: time.Now().UTC()}
	h.put(e)
	if h.write(e) != nil {
		h.file = nil
	}
}

// Output adds the result of the cell that was added last.
func (h *History) Output(line int, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.entries); n > 0 && h.entries[n-1].Line == line && h.entries[n-1].Session == h.session {
		h.entries[n-1].Output = text
		if h.write(h.entries[n-1]) != nil {
			h.file = nil
		}
	}
}

// Query is what a client asks: the content of a history_request.
type Query struct {
	Output  bool   `json:"output"`
	Access  string `json:"hist_access_type"` // range, tail or search
	Session int    `json:"session"`          // range; 0 and less count from this one
	Start   int    `json:"start"`
	Stop    int    `json:"stop"` // range: the first line that is not given; 0: to the end
	N       int    `json:"n"`    // tail, search: at most so many; 0: all
	Pattern string `json:"pattern"`
	Unique  bool   `json:"unique"`
}

// Find gives the entries of a query, oldest first.
func (h *History) Find(q Query) []Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []Entry
	switch q.Access {
	case "range":
		session := q.Session
		if session <= 0 {
			session += h.session
		}
		for _, e := range h.entries {
			if e.Session == session && e.Line >= q.Start && (q.Stop <= 0 || e.Line < q.Stop) {
				found = append(found, e)
			}
		}
		return found
	case "search":
		pattern := q.Pattern
		if pattern == "" {
			pattern = "*"
		}
		seen := map[string]bool{}
		for _, e := range slices.Backward(h.entries) {
			if ok, err := glob(pattern, e.Code); err != nil || !ok || q.Unique && seen[e.Code] {
				continue
			}
			seen[e.Code] = true
			found = append(found, e)
		}
		slices.Reverse(found)
	default:
		found = slices.Clone(h.entries)
	}
	if q.N > 0 && len(found) > q.N {
		found = found[len(found)-q.N:]
	}
	return found
}

// Close ends the session.
func (h *History) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file = nil
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}
